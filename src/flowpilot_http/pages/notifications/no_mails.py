"""The link out of mails (RFC 8058): one click, by whoever holds it, a mail program or a scanner too. So it does nothing that hurts."""

from flowpilot_http.pages.page_request import Visit, shows, takes
from flowpilot_http.responses import Body

NO_MAILS = "/no-mails/{signed:str}"


@shows(NO_MAILS)
async def no_mails_page(request: Visit) -> Body:
    """A button; looking changes nothing."""
    request.links.unsubscribed_by(request.scope["path_params"]["signed"])
    return request.page("no_mails.html", done=False)


@takes(NO_MAILS)
async def no_more_mails(request: Visit) -> Body:
    """Switch the mails of whoever the link is for off. Nobody signs in for it, and all it can do is undone by the person it is about."""
    link = request.links.unsubscribed_by(request.scope["path_params"]["signed"])
    await request.flowpilot.escalation.no_more_mails(link.account_id, link.user_id)
    return request.page("no_mails.html", done=True)


ROUTES = (no_mails_page, no_more_mails)
