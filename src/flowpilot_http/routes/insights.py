"""Figures of what happened in the account."""

from typing import Final

from flowpilot_core.domain.insights.analytics import Subject
from flowpilot_core.domain.kernel.identifiers import TeamId
from flowpilot_http.api_request import Call
from flowpilot_http.operations import FORBIDDEN, Part
from flowpilot_http.responses import Body
from flowpilot_http.schemas.insights import FiguresOut, FiguresWanted, Format, as_csv

part = Part("Analytics")

CSV: Final = "text/csv"
REFUSED: Final = (*FORBIDDEN, "too_many_groups")


@part.reads("/analytics/escalations", FiguresOut, query=FiguresWanted, problems=REFUSED, documents=(CSV,))
async def escalation_figures(request: Call) -> Body:
    """How many sessions were escalated, how soon they were claimed and worked on, and what became of them."""
    return await _figures(request, Subject.ESCALATIONS)


@part.reads("/analytics/work", FiguresOut, query=FiguresWanted, problems=REFUSED, documents=(CSV,))
async def work_figures(request: Call) -> Body:
    """What sessions came to: steps, forks, dead ends, help, and how soon they were resolved."""
    return await _figures(request, Subject.WORK)


@part.reads("/analytics/deliveries", FiguresOut, query=FiguresWanted, problems=REFUSED, documents=(CSV,))
async def delivery_figures(request: Call) -> Body:
    """Who was told of escalations, how soon that was and when they looked, and what never arrived."""
    return await _figures(request, Subject.DELIVERIES)


async def _figures(request: Call, subject: Subject) -> Body:
    wanted = await request.wanted(FiguresWanted)
    answer = await request.flowpilot.analytics.ask(
        request.user,
        subject,
        start=wanted.start,
        end=wanted.end,
        time_zone=wanted.time_zone,
        group_by=wanted.group_by,
        team_id=None if wanted.team_id is None else TeamId(wanted.team_id),
    )
    if wanted.format is not Format.CSV:
        return request.shown(FiguresOut.of(answer))
    name = f"{subject}-{answer.question.period.start}-{answer.question.period.end}.csv"
    return Body(
        as_csv(answer).encode(),
        media_type=b"text/csv; charset=utf-8",
        headers=((b"content-disposition", f'attachment; filename="{name}"'.encode()),),
    )


ROUTES = (escalation_figures, work_figures, delivery_figures)
