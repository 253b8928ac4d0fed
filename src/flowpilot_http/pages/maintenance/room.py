"""What the pages under `/maintenance` share: where they are, and the sentences of a refusal."""

from collections import defaultdict
from typing import Final

from flowpilot_core.domain.kernel.errors import VersionConflict
from flowpilot_core.domain.kernel.permissions import Permission, permits
from flowpilot_http.pages.moves import Move, typed
from flowpilot_http.pages.page_request import Visit
from flowpilot_http.problems import problem_of
from flowpilot_http.responses import Body

MAINTENANCE: Final = "/maintenance"
NEW: Final = f"{MAINTENANCE}/new"
SCHEDULES: Final = f"{MAINTENANCE}/schedules"
SCHEDULE: Final = f"{SCHEDULES}/{{schedule_id:str}}"


class AsRead(Move, kw_only=True, frozen=True):
    """A button, and the version of the schedule that the page showed."""

    version: int


async def maintained(request: Visit, template: str, refusal: Exception | None, **facts: object) -> Body:
    """A page of maintenance, with why something cannot be, where what was typed still stands."""
    problem = problem_of(refusal) if refusal else None
    return await request.framed(
        template,
        status=problem.status if problem else 200,
        refused=problem.detail if problem else None,
        meanwhile=isinstance(refusal, VersionConflict),
        typed=defaultdict(str, await typed(request) if problem else {}),
        may_manage=permits(request.user, Permission.MANAGE_MAINTENANCE, ()),
        **facts,
    )
