"""A claim as a lease: who is quiet is warned, and who stays quiet gives it back."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpilot_core.domain.handoffs.quiet_claim import ClaimWatch, Quiet
from flowpilot_core.domain.kernel.identifiers import ClaimWatchId
from flowpilot_core.testing.builders import ANNA, BEN, MINUTE, NOON, OLGA, Case, an_escalation, new_id

TEN = 10
CLAIMED = NOON + MINUTE


def taken() -> Case:
    """Escalated at noon, Ben's a minute later."""
    return an_escalation(by=ANNA, at=NOON).claimed_by(BEN, at=CLAIMED)


def watch(case: Case) -> ClaimWatch:
    claim = case.handoff.claim
    assert claim is not None
    return ClaimWatch(id=ClaimWatchId(new_id()), handoff_id=case.handoff.id, claimed_at=claim.at)


def looked(case: Case, on: ClaimWatch, minutes: float, *, quiet: int | None = TEN) -> tuple[Quiet, ClaimWatch, float]:
    """What is to be done so many minutes after the claim, and after how many to look again."""
    claim = on.claimed_at
    done, after, again = on.look(case.handoff, case.session, quiet, at=claim + minutes * MINUTE)
    return done, after, (again - claim) / MINUTE


def test_it_is_warned_of_at_seven_tenths_and_lapses_at_the_end() -> None:
    case = taken()
    on = watch(case)

    early, on, to_warn = looked(case, on, 3)
    warned, on, to_lapse = looked(case, on, to_warn)
    between, on, _ = looked(case, on, 9)
    over, on, _ = looked(case, on, to_lapse)

    assert [Quiet.WAIT, Quiet.WARN, Quiet.WAIT, Quiet.LAPSE] == [early, warned, between, over]
    assert (7, 10) == (to_warn, to_lapse)


def test_work_begins_the_time_anew_and_the_next_quiet_is_warned_of_again() -> None:
    case = taken()
    _, on, _ = looked(case, watch(case), 7)
    worked = case.step()

    waits, on, to_warn = looked(worked, on, 7.5)
    warned, _, _ = looked(worked, on, to_warn)

    assert (Quiet.WAIT, 8, Quiet.WARN) == (waits, to_warn, warned)


def test_a_helpers_work_counts() -> None:
    case = taken().joined_by(OLGA).step(by=OLGA)

    assert Quiet.WAIT is looked(case, watch(case), 8)[0]


def test_nobody_loses_a_claim_unwarned_however_long_nobody_looked() -> None:
    case = taken()
    warned, on, again = looked(case, watch(case), 500)

    assert (Quiet.WARN, 503) == (warned, again)
    assert Quiet.LAPSE is looked(case, on, again)[0]


@pytest.mark.parametrize(
    "ended",
    [
        lambda case: case.resolved(),
        lambda case: case.abandoned(),
        lambda case: case.reassigned_to(OLGA, by=OLGA),
        lambda case: case.unclaimed(),
        lambda case: case.unclaimed().claimed_by(OLGA),
        lambda case: case.step().escalated(),
        lambda case: case.step().parked(),
    ],
    ids=["resolved", "abandoned", "reassigned", "given back", "another's", "escalated again", "parked"],
)
def test_whatever_ends_the_claim_ends_the_watch(ended: object) -> None:
    case = taken()
    on = watch(case)

    assert Quiet.ENDED is looked(ended(case), on, 500)[0]  # type: ignore[operator]  # a case to a case


def test_an_account_that_does_not_want_it_is_left_alone() -> None:
    case = taken()

    assert Quiet.ENDED is looked(case, watch(case), 500, quiet=None)[0]


@given(
    works=st.lists(st.integers(1, 5 * 365 * 24 * 60), max_size=40).map(sorted),
    sleeps=st.lists(st.integers(0, 60), min_size=1, max_size=5),
    minutes=st.integers(5, 7 * 24 * 60),
)
def test_over_years_it_lapses_only_after_a_warning_and_never_within_the_time(works: list[int], sleeps: list[int], minutes: int) -> None:
    """However late whoever looks is, and whenever somebody works."""
    case, on = taken(), None
    on = watch(case)
    at, quiet, warned, looks = on.claimed_at, Quiet.WAIT, None, 0
    pending = [on.claimed_at + minute * MINUTE for minute in works]
    session = case.session
    while quiet is not Quiet.LAPSE:
        while pending and pending[0] <= at:
            session, _, _ = session.with_result(case.steps[0], None, None, by=BEN, at=pending.pop(0))
        quiet, on, again = on.look(case.handoff, session, minutes, at=at)
        if quiet is Quiet.WARN:
            warned = at
        if quiet is not Quiet.LAPSE:
            assert again > at
            at = again + timedelta(seconds=sleeps[looks % len(sleeps)])
        looks += 1

    since = max(session.updated_at, on.claimed_at)
    assert at >= since + minutes * MINUTE
    assert warned is not None
    assert warned >= since + 0.7 * minutes * MINUTE
    assert at - warned >= 0.299 * minutes * MINUTE
    assert looks <= 3 * (len(works) + 1)
