"""Search, and figures of what happened in the account."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from flowpilot_core.domain.insights.figures import Subject
from flowpilot_core.domain.insights.search import Hit, Place, Within
from flowpilot_core.domain.kernel.identifiers import TeamId
from flowpilot_http.api_request import Call
from flowpilot_http.operations import FORBIDDEN, Part
from flowpilot_http.responses import Body
from flowpilot_http.schemas.insights import (
    FiguresOut,
    FiguresWanted,
    Format,
    FoundOut,
    HitOut,
    Rows,
    SearchWanted,
    WantWeeklyDigest,
    WeeklyDigestOut,
    as_csv,
    gaps_as_csv,
    moment,
)
from flowpilot_http.schemas.kernel import Nothing, assignee

part = Part("Analytics")
searching = Part("Search")

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


@searching.reads("/search", FoundOut, query=SearchWanted, problems=("invalid_cursor",), page="/results?")
async def search(request: Call) -> Body:
    """What you may read of sessions, handoffs, trees, script templates and outputs, the best first: at most 200 of a search in all."""
    wanted = await request.wanted(SearchWanted)
    within = Within(
        kind=wanted.kind,
        status=wanted.status,
        start=moment("from", wanted.start),
        end=moment("to", wanted.end),
        assignee_id=assignee(wanted.assignee, request.user.user_id),
        client_name=wanted.client,
    )

    looked_at: int | None = None

    async def more(after: tuple[int, float, UUID] | None, limit: int) -> Sequence[Hit]:
        nonlocal looked_at
        place = None if after is None else Place(*after)
        found = await request.flowpilot.search.find(request.user, wanted.q, within=within, after=place, limit=limit)
        looked_at = found.looked_at
        return found.hits

    return await request.listed(
        wanted,
        f"search {within} {wanted.q}",
        tuple[int, float, UUID],
        more,
        shown=HitOut.of,
        at=lambda hit: (hit.score, hit.stars, hit.id),
        answer=lambda **page: FoundOut(**page, looked_at=looked_at),
    )


@part.reads("/analytics/psa", FiguresOut, query=FiguresWanted, problems=REFUSED, documents=(CSV,))
async def psa_figures(request: Call) -> Body:
    """What was done on tickets, how soon that was, how many hours were entered there, and what never came to be."""
    return await _figures(request, Subject.PSA)


@part.reads("/analytics/assistant", FiguresOut, query=FiguresWanted, problems=REFUSED, documents=(CSV,))
async def assistant_figures(request: Call) -> Body:
    """What the assistant made, what people think of it, what it cited and took, and which of its suggestions were taken up."""
    return await _figures(request, Subject.ASSISTANT)


@part.reads("/analytics/knowledge", FiguresOut, query=FiguresWanted, problems=REFUSED, documents=(CSV,))
async def knowledge_figures(request: Call) -> Body:
    """How trees are followed, where people leave them, and what comes again and again without one."""
    return await _figures(request, Subject.KNOWLEDGE)


@part.reads("/weekly-digest", WeeklyDigestOut, problems=FORBIDDEN)
async def get_weekly_digest(request: Call) -> Body:
    """Whether you are mailed the figures of each week, and how far the last one is."""
    await request.wanted(Nothing)
    return request.shown(WeeklyDigestOut.of(await request.flowpilot.weekly_digests.get(request.user)))


@part.sets("/weekly-digest", WeeklyDigestOut, body=WantWeeklyDigest)
async def want_weekly_digest(request: Call) -> Body:
    """Be mailed the figures of each week from now on, or no more: on Mondays at 7:00 by your account's clock, outside your quiet hours."""
    wanted = (await request.read(WantWeeklyDigest)).wanted
    return await request.changed(
        lambda change: request.flowpilot.weekly_digests.want(request.user, wanted, request=change), WeeklyDigestOut.of
    )


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
    written = gaps_as_csv(answer) if wanted.rows is Rows.GAPS else as_csv(answer)
    name = f"{subject if wanted.rows is Rows.FIGURES else wanted.rows}-{answer.question.period.start}-{answer.question.period.end}.csv"
    return Body(
        written.encode(),
        media_type=b"text/csv; charset=utf-8",
        headers=((b"content-disposition", f'attachment; filename="{name}"'.encode()),),
    )


ROUTES = (
    search,
    escalation_figures,
    work_figures,
    delivery_figures,
    psa_figures,
    assistant_figures,
    knowledge_figures,
    get_weekly_digest,
    want_weekly_digest,
)
