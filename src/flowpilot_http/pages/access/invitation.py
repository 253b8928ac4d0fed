"""The page that an invitation's link leads to."""

from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_http.auth.attempts import account_named
from flowpilot_http.pages.page_request import Form, Visit, shows, takes
from flowpilot_http.responses import Body

OVER = "It has already been accepted, was withdrawn or replaced, or is more than a week old. Ask the person who invited you for a new one."

INVITATION = "/invitations/{link:str}"


@shows(INVITATION)
async def invitation_page(request: Visit) -> Body:
    """Who invites whom, and a button: whoever only looks, as scanners of mails do, has accepted nothing."""
    try:
        welcome = await request.flowpilot.invitations.look(_link(request))
    except NotFound:
        return _over(request)
    return await request.at_door(account_named(_link(request)), "invitation.html", welcome=welcome)


@takes(INVITATION)
async def accept_invitation(request: Visit) -> Body:
    """Become one of the account, signed in with this browser."""
    await request.sent(Form)
    try:
        joined = await request.flowpilot.invitations.accept(_link(request), instead_of=request.visitor.kept)
    except NotFound:
        return _over(request)
    return request.signed_in(joined, request.going)


def _link(request: Visit) -> str:
    return str(request.scope["path_params"]["link"])


def _over(request: Visit) -> Body:
    return request.page("problem.html", status=404, title="This invitation is no longer valid", detail=OVER)


ROUTES = (invitation_page, accept_invitation)
