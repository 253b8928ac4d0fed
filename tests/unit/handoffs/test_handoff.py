"""A handoff: one transfer of a session, and the moves it allows."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from attrs import evolve

from flowpilot_core.domain.handoffs.handoff import ESCALATION, PARK, Claim, Handoff, HandoffMove, HandoffState
from flowpilot_core.domain.kernel.actor import Person, System
from flowpilot_core.domain.kernel.errors import AlreadyClaimed, InvalidTransition, NotAssignee, OwnHandoff, RoleForbidden, VersionConflict
from flowpilot_core.domain.kernel.events import EventKind
from flowpilot_core.domain.sessions.branch import Outcome
from flowpilot_core.domain.sessions.feedback import Verdict
from flowpilot_core.domain.sessions.session import Priority, Status
from flowpilot_core.testing.builders import ADAM, ANNA, BEN, MINUTE, NOON, OLGA, STAFF, VERA, Case, a_session, an_escalation

QUIET = System(account_id=STAFF.account_id, cause="the claim went quiet")

IN_STATE = {
    HandoffState.OPEN: lambda: an_escalation(by=ANNA),
    HandoffState.CLAIMED: lambda: an_escalation(by=ANNA).claimed_by(BEN),
    HandoffState.WITHDRAWN: lambda: an_escalation(by=ANNA).withdrawn(),
}


def make(move: HandoffMove, case: Case) -> Handoff:
    """A handoff after a move by somebody who may make it."""
    handoff, session = case.handoff, case.session
    match move:
        case HandoffMove.CLAIM:
            return handoff.claimed(session, by=OLGA, at=NOON)[0]
        case HandoffMove.UNCLAIM:
            return handoff.unclaimed(session, by=BEN, at=NOON)[0]
        case HandoffMove.LAPSE:
            return handoff.lapsed(session, by=QUIET, at=NOON)[0]
        case HandoffMove.REROUTE:
            return handoff.rerouted(by=ADAM, at=NOON)[0]
        case HandoffMove.WITHDRAW:
            return handoff.withdrawn(session, by=ADAM, at=NOON)[0]
        case HandoffMove.JUDGE:
            handoff.judged(Verdict.RIGHT, None, by=BEN, at=NOON)
            return handoff
        case HandoffMove.RESUME:
            return handoff.resumed()


@pytest.mark.parametrize("state", IN_STATE)
@pytest.mark.parametrize("actor", [OLGA, ADAM, ANNA, BEN, VERA], ids=lambda actor: actor.name)
def test_what_is_offered_is_what_would_not_be_refused(state: HandoffState, actor: Person) -> None:
    case = IN_STATE[state]()
    handoff, session = case.handoff, case.session
    moves: dict[HandoffMove, Callable[[], object]] = {
        HandoffMove.CLAIM: lambda: handoff.claimed(session, by=actor, at=NOON),
        HandoffMove.UNCLAIM: lambda: handoff.unclaimed(session, by=actor, at=NOON),
        HandoffMove.REROUTE: lambda: handoff.rerouted(by=actor, at=NOON),
        HandoffMove.WITHDRAW: lambda: handoff.withdrawn(session, by=actor, at=NOON),
        HandoffMove.JUDGE: lambda: handoff.judged(Verdict.RIGHT, None, by=actor, at=NOON),
    }
    done = set()
    for move, make_it in moves.items():
        with suppress(AlreadyClaimed, InvalidTransition, NotAssignee, OwnHandoff, RoleForbidden):
            make_it()
            done.add(move)

    assert done == handoff.offers(actor, session)


@pytest.mark.parametrize("state", IN_STATE)
@pytest.mark.parametrize("move", HandoffMove)
def test_an_escalation_moves_as_its_table_says(state: HandoffState, move: HandoffMove) -> None:
    case = IN_STATE[state]()

    if (state, move) in ESCALATION:
        assert ESCALATION[state, move] is make(move, case).state
    elif (state, move) == (HandoffState.CLAIMED, HandoffMove.CLAIM):
        with pytest.raises(AlreadyClaimed):
            make(move, case)
    else:
        with pytest.raises(InvalidTransition) as refused:
            make(move, case)
        assert ("handoff", state) == (refused.value.thing, refused.value.state)


@pytest.mark.parametrize("resumed", [False, True])
@pytest.mark.parametrize("move", HandoffMove)
def test_a_park_can_be_resumed_once_and_nothing_else(resumed: bool, move: HandoffMove) -> None:
    case = a_session(by=BEN).parked()
    case = case.resumed() if resumed else case
    state = case.handoff.state

    if (state, move) in PARK:
        assert HandoffState.RESUMED is make(move, case).state
    else:
        with pytest.raises(InvalidTransition):
            make(move, case)


def test_claiming_makes_the_session_the_claimers() -> None:
    case = an_escalation(by=ANNA).claimed_by(BEN, at=NOON + 9 * MINUTE)

    assert Claim(by=BEN.user_id, at=NOON + 9 * MINUTE, step_count=1, branch_count=1) == case.handoff.claim
    assert (Status.ACTIVE, BEN.user_id) == (case.session.status, case.session.assignee_id)
    assert (EventKind.HANDOFF_CLAIMED, BEN.user_id) == (case.events[-1].kind, case.events[-1].by)


def test_the_second_senior_is_told_who_was_first() -> None:
    taken = an_escalation(by=ANNA).claimed_by(BEN, at=NOON + 9 * MINUTE)

    with pytest.raises(AlreadyClaimed) as refused:
        taken.handoff.claimed(taken.session, by=OLGA, at=NOON)

    assert (BEN.user_id, NOON + 9 * MINUTE) == (refused.value.by, refused.value.at)


def test_so_is_the_claimer_who_asks_again() -> None:
    taken = an_escalation(by=ANNA).claimed_by(BEN)

    with pytest.raises(AlreadyClaimed):
        taken.handoff.claimed(taken.session, by=BEN, at=NOON)


def test_the_escalator_withdraws_and_does_not_claim() -> None:
    waiting = an_escalation(by=ANNA)

    with pytest.raises(OwnHandoff):
        waiting.handoff.claimed(waiting.session, by=ANNA, at=NOON)


def test_a_viewer_claims_nothing() -> None:
    waiting = an_escalation(by=ANNA)

    with pytest.raises(RoleForbidden):
        waiting.handoff.claimed(waiting.session, by=VERA, at=NOON)


def test_unclaiming_gives_it_back_as_if_it_had_never_been_claimed() -> None:
    waiting = an_escalation(by=ANNA)

    given_back = waiting.claimed_by(BEN).unclaimed()

    assert evolve(waiting.handoff, unclaims=1) == given_back.handoff
    assert (Status.ESCALATED, ANNA.user_id) == (given_back.session.status, given_back.session.assignee_id)


@pytest.mark.parametrize(
    "added",
    [
        lambda case: case.step(),
        lambda case: case.fork(),
        lambda case: case.escalated(),
        lambda case: case.parked(),
        lambda case: case.parked().resumed(),
        lambda case: case.resolved(),
    ],
)
def test_after_something_was_added_a_claim_can_not_be_given_back(added: Callable[[Case], Case]) -> None:
    case = added(an_escalation(by=ANNA).claimed_by(BEN))

    with pytest.raises(InvalidTransition):
        case.handoffs[0].unclaimed(case.session, by=BEN, at=NOON)


def test_who_no_longer_has_the_session_can_not_give_it_back() -> None:
    case = an_escalation(by=ANNA).claimed_by(BEN).reassigned_to(OLGA)

    with pytest.raises(NotAssignee):
        case.handoff.unclaimed(case.session, by=BEN, at=NOON)


def test_a_lapse_keeps_the_steps_added_since_and_the_wait() -> None:
    claimed = an_escalation(by=ANNA).claimed_by(BEN).step("looked at it")

    lapsed = claimed.lapsed(QUIET)

    assert claimed.steps == lapsed.steps
    assert claimed.handoff.escalated_at == lapsed.handoff.escalated_at
    assert (Status.ESCALATED, ANNA.user_id) == (lapsed.session.status, lapsed.session.assignee_id)
    assert (None, QUIET.cause) == (lapsed.events[-1].by, lapsed.events[-1].cause)


def test_a_claim_of_an_earlier_escalation_does_not_lapse() -> None:
    case = an_escalation(by=ANNA).claimed_by(BEN).escalated().claimed_by(OLGA)

    with pytest.raises(InvalidTransition):
        case.handoffs[0].lapsed(case.session, by=QUIET, at=NOON)


def test_rerouting_keeps_the_wait_the_snapshot_and_the_escalator() -> None:
    waiting = an_escalation(by=ANNA).handoff

    rerouted, event = waiting.rerouted(team_id=STAFF.network.id, priority=Priority.URGENT, by=OLGA, at=NOON)

    assert evolve(waiting, team_id=STAFF.network.id, priority=Priority.URGENT, reroutes=1) == rerouted
    assert EventKind.HANDOFF_REROUTED == event.kind


def test_rerouting_to_a_person_replaces_the_team_and_to_nobody_keeps_both() -> None:
    for_team = a_session(by=ANNA).escalated(team_id=STAFF.network.id).handoff

    for_ben, _ = for_team.rerouted(user_id=BEN.user_id, by=OLGA, at=NOON)
    unchanged, event = for_ben.rerouted(by=OLGA, at=NOON)

    assert (None, BEN.user_id) == (for_ben.team_id, for_ben.user_id)
    assert (evolve(for_ben, reroutes=2), EventKind.HANDOFF_REROUTED) == (unchanged, event.kind)


def test_an_escalation_without_a_priority_has_the_sessions() -> None:
    assert Priority.HIGH == a_session(priority=Priority.HIGH).escalated().handoff.priority
    assert Priority.LOW == a_session(priority=Priority.HIGH).escalated(priority=Priority.LOW).handoff.priority


@pytest.mark.parametrize("state", [HandoffState.OPEN, HandoffState.CLAIMED])
def test_a_claim_that_does_not_fit_the_state_can_not_even_be_made(state: HandoffState) -> None:
    taken = an_escalation(by=ANNA).claimed_by(BEN).handoff

    with pytest.raises(ValueError, match="claim"):
        evolve(taken, state=state, claim=None if state is HandoffState.CLAIMED else taken.claim)


def test_a_stale_caller_is_told_which_version_there_is() -> None:
    with pytest.raises(VersionConflict) as refused:
        an_escalation().handoff.require_version(4)

    assert ("handoff", 4, 1) == (refused.value.thing, refused.value.expected, refused.value.actual)


def test_handoffs_of_one_session_form_a_chain() -> None:
    case = a_session(by=ANNA).step().parked().resumed().escalated().claimed_by(BEN).fork().closed("cable", Outcome.SOLVED).escalated()

    assert ["park", "escalate", "escalate"] == [handoff.intent for handoff in case.handoffs]
    assert case.handoffs[-1].id == case.session.latest_handoff_id


def test_by_a_clock_that_jumped_back_nothing_happens_before_the_escalation() -> None:
    """F36."""
    yesterday = NOON - timedelta(days=1)
    waiting, taken = an_escalation(by=ANNA), an_escalation(by=ANNA).claimed_by(BEN)

    for since, event in (
        (waiting.session.updated_at, waiting.handoff.rerouted(by=OLGA, at=yesterday)[1]),
        (waiting.session.updated_at, waiting.handoff.withdrawn(waiting.session, by=ANNA, at=yesterday)[2]),
        (waiting.session.updated_at, waiting.handoff.claimed(waiting.session, by=BEN, at=yesterday)[2]),
        (taken.session.updated_at, taken.handoff.unclaimed(taken.session, by=BEN, at=yesterday)[2]),
        (taken.session.updated_at, taken.handoff.lapsed(taken.session, by=QUIET, at=yesterday)[2]),
    ):
        assert since == event.at
