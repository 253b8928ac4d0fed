"""The page of what waits for somebody to take it."""

import asyncio
from typing import Final
from uuid import UUID

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import AlreadyClaimed, InvalidTransition, OwnHandoff
from flowpilot_core.domain.kernel.identifiers import HandoffId, TeamId, UserId
from flowpilot_core.domain.sessions.session import Priority
from flowpilot_core.ports.handoffs import QueueFilter
from flowpilot_http import decoding
from flowpilot_http.pages.beside import MOST as MOST_BESIDE
from flowpilot_http.pages.beside import Beside, stands_beside
from flowpilot_http.pages.colleagues import Colleagues
from flowpilot_http.pages.page_request import Form, OfAccount, Visit, shows, takes
from flowpilot_http.problems import problem_of
from flowpilot_http.responses import HTML, Body

QUEUE: Final = "/queue"
MOST: Final = 500


class Chosen(OfAccount, kw_only=True, frozen=True):
    """Which of those that wait."""

    team: UUID | None = None
    priority: Priority | None = None
    user: UUID | None = None

    @property
    def where(self) -> QueueFilter:
        """The same, for the queue."""
        return QueueFilter(
            team_id=None if self.team is None else TeamId(self.team),
            user_id=None if self.user is None else UserId(self.user),
            priority=self.priority,
        )


class Take(Form, kw_only=True, frozen=True):
    """Which one to take."""

    claim: UUID


@shows(QUEUE)
async def queue_page(request: Visit) -> Body:
    """The open escalations of the account: priority, then the longest waiting."""
    wanted = await request.wanted(Chosen)
    return await _shown(request, request.person_for(wanted.account), wanted)


@takes(QUEUE)
async def claim_from_queue(request: Visit) -> Body:
    """Take one, and go on in its session. Where somebody was first, the page says who."""
    person = request.user
    wanted = await request.wanted(Chosen)
    form = await request.sent(Take)
    handoff_id = HandoffId(form.claim)
    try:
        await request.do(form, lambda change: request.flowpilot.handoffs.claim(person, handoff_id, request=change))
    except (AlreadyClaimed, OwnHandoff, InvalidTransition) as refusal:
        return await _shown(request, person, wanted, handoff_id, refusal)
    return request.see(f"/sessions/{(await request.flowpilot.handoffs.get(person, handoff_id)).handoff.session_id}")


@shows(f"{QUEUE}/waiting")
async def how_many_wait(request: Visit) -> Body:
    """The number beside the queue's name, for pages that stay open."""
    waiting = await request.flowpilot.handoffs.waiting(request.user)
    return Body(str(waiting or "").encode(), media_type=HTML)


async def _shown(
    request: Visit, person: Person, wanted: Chosen, refused: HandoffId | None = None, refusal: Exception | None = None
) -> Body:
    where, handoffs = wanted.where, request.flowpilot.handoffs
    found, colleagues = await asyncio.gather(
        handoffs.queue(person, where, after=None, limit=MOST + 1),
        Colleagues.of(request, person),
    )
    problem = problem_of(refusal) if refusal else None
    return await request.framed(
        "queue.html",
        status=problem.status if problem else 200,
        refused=problem,
        first=await handoffs.get(person, refused) if refused and isinstance(refusal, AlreadyClaimed) else None,
        found=found[:MOST],
        more=len(found) > MOST,
        wanted=wanted,
        filtered=where != QueueFilter(),
        colleagues=colleagues,
        priorities=[(priority, priority.capitalize()) for priority in reversed(Priority)],
        last_claimed_at=None if found else await handoffs.last_claimed_at(person),
    )


@stands_beside(QUEUE)
async def _beside(request: Visit, person: Person, address: str, query: bytes) -> Beside:
    waiting = await request.flowpilot.handoffs.queue(person, decoding.query(query, Chosen).where, after=None, limit=MOST_BESIDE)
    return Beside(name="Queue", address=address, live="queue", waiting=waiting)


ROUTES = (queue_page, claim_from_queue, how_many_wait)
