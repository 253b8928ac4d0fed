"""What figures are called in a weekly digest, and how they read."""

from datetime import date, timedelta
from typing import Final

import pytest
from attrs import evolve

from flowpilot_core.application.insights.analytics import Answer
from flowpilot_core.application.insights.weekly_digest_text import letter, page_of
from flowpilot_core.domain.access.branding import BARE, BrandingWords
from flowpilot_core.domain.insights.analytics import Question, Tally
from flowpilot_core.domain.insights.figures import FIGURES, Subject
from flowpilot_core.domain.insights.gaps import Gap
from flowpilot_core.domain.insights.period import Period
from flowpilot_core.domain.insights.spread import Spread
from flowpilot_core.domain.kernel.identifiers import SessionId
from flowpilot_core.ports.notifications import Letter
from flowpilot_core.testing.builders import ADAM, NOON, STAFF, new_id
from tests.unit.notifications.test_mail_text import ACME

WEEK: Final = Period(start=date(2026, 11, 23), end=date(2026, 11, 30), time_zone="Europe/Vienna")
PAGE: Final = page_of("https://flowpilot.test", ACME.id, WEEK)


def an_answer(subject: Subject, counts: dict[str, int] | None = None, *, gaps: tuple[Gap, ...] | None = None, **waits: timedelta) -> Answer:
    tally = Tally(counts=counts or {}, spreads={name: Spread.of([wait]) for name, wait in waits.items()})
    return Answer(
        question=Question(subject=subject, period=WEEK), figures=FIGURES[subject], total=tally, groups=(), made_at=NOON, gaps=gaps
    )


def a_letter(*answers: Answer) -> Letter:
    return letter(answers, STAFF.user(ADAM), ACME, page=PAGE, unsubscribe="https://flowpilot.test/out", worn=BARE)


def facts(answer: Answer) -> dict[str, str]:
    (item,) = a_letter(answer).items
    return dict(item.facts)


def test_figures_are_called_as_they_are_and_those_of_nought_are_left_out() -> None:
    answer = an_answer(
        Subject.ESCALATIONS, {"sessions": 4, "escalated_sessions": 1, "escalations": 12_345, "withdrawn": 0, "verdicts.right": 2}
    )

    assert {
        "Sessions": "4",
        "Escalated sessions": "1",
        "Escalation rate": "25%",
        "Escalations": "12,345",
        "Verdicts": "2 right",
    } == facts(answer)


def test_what_anybody_else_wrote_is_counted_and_not_said() -> None:
    """A40: the words of a mail server, say, which may name somebody."""
    answer = an_answer(Subject.DELIVERIES, {"told.email_sent": 5, "told.email_dead": 2, "dead.550 <ben@acme.example>": 2, "seen": 1})

    assert {"Told": "7", "Seen": "1", "Dead": "2"} == facts(answer)


def test_hours_and_stars_have_a_tenth() -> None:
    assert "1.5" == facts(an_answer(Subject.PSA, {"hours_booked": 90}))["Hours booked"]
    assert "3.8" == facts(an_answer(Subject.KNOWLEDGE, {"ratings": 2, "rating": 9}))["Rating"]


def test_problems_without_a_tree_are_counted() -> None:
    gap = Gap(words=("vpn", "down"), sessions=3, escalated=1, example_id=SessionId(new_id()))

    assert {"Walks": "1", "Problems without a tree": "2"} == facts(an_answer(Subject.KNOWLEDGE, {"walks": 1}, gaps=(gap, gap)))


@pytest.mark.parametrize(
    ("wait", "said"),
    [
        (timedelta(milliseconds=400), "0 s"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(minutes=48, seconds=15), "48 min 15 s"),
        (timedelta(hours=2), "2 h"),
        (timedelta(days=2, hours=10, minutes=7), "2 d 10 h"),
        (timedelta(days=3, minutes=7), "3 d"),
    ],
)
def test_waits_are_said_in_their_two_largest_units(wait: timedelta, said: str) -> None:
    found = facts(an_answer(Subject.WORK, time_to_resolve=wait))

    assert {"Time to resolve": f"median {said}, nine in ten within {said}"} == found


def test_a_subject_where_nothing_was_counted_is_left_out() -> None:
    said = a_letter(*(an_answer(subject) for subject in Subject if subject is not Subject.WORK), an_answer(Subject.WORK, {"steps": 2}))

    assert ["Work"] == [item.title for item in said.items]
    assert "This is what happened from 2026-11-23 to 2026-11-29." == said.lead


def test_of_a_week_with_nothing_it_says_so_and_leads_to_the_page() -> None:
    said = a_letter(*(an_answer(subject) for subject in Subject))

    assert ("Nothing happened from 2026-11-23 to 2026-11-29.", [PAGE]) == (said.lead, [item.link for item in said.items])


def test_its_page_is_asked_for_the_days_that_the_figures_are_of_in_its_account() -> None:
    assert f"https://flowpilot.test/insights?from=2026-11-23&to=2026-11-30&account={ACME.id}" == PAGE


def test_it_is_called_as_its_account_wants_to_be() -> None:
    worn = evolve(BARE, branding=BARE.branding.changed(BrandingWords(display_name="Acme Cares")))

    said = letter([an_answer(Subject.WORK)], STAFF.user(ADAM), ACME, page=PAGE, unsubscribe="x", worn=worn)

    assert ("Acme Cares", "You got this because you asked for a weekly digest of Acme Cares. Its days are those of Europe/Vienna.") == (
        said.account_name,
        said.closing,
    )
