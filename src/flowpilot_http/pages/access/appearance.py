"""How pages look to somebody: light, dark, or as their system does."""

from typing import Literal

from flowpilot_http.pages.access.sign_in import SignInWanted
from flowpilot_http.pages.page_request import Form, Visit, takes
from flowpilot_http.responses import Body


class Appearance(Form, kw_only=True, frozen=True):
    """Which of them; left out: the system's."""

    theme: Literal["light", "dark", ""] = ""


@takes("/appearance")
async def look_different(request: Visit) -> Body:
    """From now on, in this browser."""
    wanted = await request.wanted(SignInWanted)
    form = await request.sent(Appearance)
    return request.looking(form.theme, wanted.next)


ROUTES = (look_different,)
