"""The page of what waits for somebody to take it."""

from typing import Final

from flowpilot_core.ports.handoffs import QueueFilter
from flowpilot_http.pages.page_request import OfAccount, Visit, shows
from flowpilot_http.pages.words import due
from flowpilot_http.responses import Body

MOST: Final = 100


@shows("/queue")
async def queue_page(request: Visit) -> Body:
    """The open escalations of the account: priority, then the longest waiting."""
    wanted = await request.wanted(OfAccount)
    person = request.person_for(wanted.account)
    waiting = await request.flowpilot.handoffs.queue(person, QueueFilter(), after=None, limit=MOST + 1)
    now = request.now()
    return request.page(
        "queue.html",
        waiting=[
            {
                "item": one.item,
                "late": bool(one.item.due_at and one.item.due_at <= now),
                "waiting": now - one.item.escalated_at,
                "due": due(one.item.due_at, now) if one.item.due_at else None,
            }
            for one in waiting[:MOST]
        ],
        more=len(waiting) > MOST,
    )


ROUTES = (queue_page,)
