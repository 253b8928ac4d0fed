"""The link out of weekly digests (RFC 8058): one click, by whoever holds it. So it does nothing that hurts."""

from flowpilot_http.pages.page_request import Visit, shows, takes
from flowpilot_http.responses import Body

NO_WEEKLY_DIGEST = "/no-weekly-digest/{signed:str}"


@shows(NO_WEEKLY_DIGEST)
async def no_weekly_digest_page(request: Visit) -> Body:
    """A button; looking changes nothing."""
    request.links.no_weekly_digest_by(request.scope["path_params"]["signed"])
    return request.page("no_weekly_digest.html", done=False)


@takes(NO_WEEKLY_DIGEST)
async def no_more_weekly_digests(request: Visit) -> Body:
    """End the digests of whoever the link is for, who can ask for them again."""
    link = request.links.no_weekly_digest_by(request.scope["path_params"]["signed"])
    await request.flowpilot.weekly_digests.no_more(link.account_id, link.user_id)
    return request.page("no_weekly_digest.html", done=True)


ROUTES = (no_weekly_digest_page, no_more_weekly_digests)
