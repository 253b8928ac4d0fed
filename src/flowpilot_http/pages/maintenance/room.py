"""What the pages under `/maintenance` share: where they are, and what each of them shows."""

from typing import Final

from flowpilot_core.domain.kernel.permissions import Permission, permits
from flowpilot_http.pages.moves import Move, Shown, framed
from flowpilot_http.pages.page_request import Visit
from flowpilot_http.responses import Body

MAINTENANCE: Final = "/maintenance"
NEW: Final = f"{MAINTENANCE}/new"
SCHEDULES: Final = f"{MAINTENANCE}/schedules"
SCHEDULE: Final = f"{SCHEDULES}/{{schedule_id:str}}"


class AsRead(Move, kw_only=True, frozen=True):
    """A button, and the version of the schedule that the page showed."""

    version: int


async def maintained(request: Visit, template: str, made: Shown, refusal: Exception | None, **facts: object) -> Body:
    """A page of maintenance, as `framed` has it."""
    return await framed(request, template, made, refusal, may_manage=permits(request.user, Permission.MANAGE_MAINTENANCE, ()), **facts)
