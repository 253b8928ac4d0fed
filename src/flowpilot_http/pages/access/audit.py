"""Settings: who did what to the account."""

from typing import Final

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_http.pages.moves import Moves, Shown
from flowpilot_http.pages.page_request import Visit
from flowpilot_http.pages.settings import settings_page

MOST: Final = 200


async def _facts(request: Visit, person: Person) -> Shown:
    return {"entries": await request.flowpilot.auditing.page(person, before=None, limit=MOST)}


ROUTES = settings_page("audit-log", _facts, Moves())
