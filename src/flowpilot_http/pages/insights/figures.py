"""Figures of what happened, as a service manager reads them: charts with a sentence and a table, and what they are about in the address."""

import asyncio
from datetime import date, datetime, timedelta
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from flowpilot_core.application.insights.analytics import Analytics, Answer
from flowpilot_core.domain.insights.analytics import GroupBy, Question
from flowpilot_core.domain.insights.figures import Subject
from flowpilot_core.domain.insights.period import Period
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import InvalidValue, TooManyGroups
from flowpilot_core.domain.kernel.identifiers import TeamId
from flowpilot_core.domain.kernel.permissions import permits
from flowpilot_http.pages.colleagues import Colleagues
from flowpilot_http.pages.page_request import OfAccount, Visit, shows
from flowpilot_http.responses import Body

from .panels import PLANS, Asked, sections, unit_of

INSIGHTS: Final = "/insights"
ASKED: Final = [one for one in dict.fromkeys(plan.of for plans in PLANS.values() for plan in plans) if one != (Subject.KNOWLEDGE, None)]
"""What is asked after the first answer, each once."""
AT_ONCE: Final = 3
"""Of the connections to the database, so many may answer one page: each figure may take a while, and is no claim."""
SPANS: Final = ((7, "7 days"), (30, "30 days"), (90, "90 days"), (365, "A year"))


class Chosen(OfAccount, kw_only=True, frozen=True):
    """Which days, and whose."""

    start: date | None = msgspec.field(default=None, name="from")
    end: date | None = msgspec.field(default=None, name="to")
    team: UUID | None = None


@shows(INSIGHTS)
async def insights_page(request: Visit) -> Body:
    """All figures that somebody may read."""
    wanted = await request.wanted(Chosen)
    person = request.person_for(wanted.account)
    analytics, team_id = request.flowpilot.analytics, None if wanted.team is None else TeamId(wanted.team)
    colleagues = await Colleagues.of(request, person)
    try:
        # The first answer says which days are meant.
        known = await analytics.ask(person, Subject.KNOWLEDGE, start=wanted.start, end=wanted.end, team_id=team_id)
    except InvalidValue as refused:
        wrong = f"{refused.field.capitalize()} {refused.problem}."
        return await request.framed("insights.html", status=422, wanted=wanted, colleagues=colleagues, spans=(), wrong=wrong, answer=None)
    period = known.question.period
    figures: dict[Asked, Answer | None] = {(Subject.KNOWLEDGE, None): known}
    questions = {
        (subject, group_by): Question(
            subject=subject, period=period, group_by=unit_of(period) if group_by is GroupBy.DAY else group_by, team_id=team_id
        )
        for subject, group_by in ASKED
    }
    asked = {one: question for one, question in questions.items() if all(permits(person, needed, ()) for needed in question.permissions)}
    room = asyncio.Semaphore(AT_ONCE)
    answers = await asyncio.gather(*(_answered(analytics, person, question, room) for question in asked.values()))
    figures |= dict(zip(asked, answers, strict=True))
    return await request.framed(
        "insights.html",
        wanted=wanted,
        colleagues=colleagues,
        spans=_spans(period.time_zone, request.now(), wanted.team),
        wrong="",
        answer=figures[Subject.ESCALATIONS, None],
        sections=sections(figures),
    )


async def _answered(analytics: Analytics, person: Person, question: Question, room: asyncio.Semaphore) -> Answer | None:
    """None where there are more groups than one answer may have."""
    period = question.period
    async with room:
        try:
            return await analytics.ask(
                person,
                question.subject,
                start=period.start,
                end=period.end,
                time_zone=period.time_zone,
                group_by=question.group_by,
                team_id=question.team_id,
            )
        except TooManyGroups:
            return None


def _spans(time_zone: str, now: datetime, team: UUID | None) -> list[tuple[str, str]]:
    """The last days until today."""
    end = Period.of(None, None, time_zone, at=now).end
    of_team = {} if team is None else {"team": team}
    return [(words, f"{INSIGHTS}?{urlencode({'from': end - timedelta(days=days), **of_team})}") for days, words in SPANS]


ROUTES = (insights_page,)
