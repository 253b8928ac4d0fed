"""Pages for people, rendered here, without a script, and loading nothing from anywhere else.

A page is a route made by `shows` (GET, changes nothing) or `takes` (POST of a form), gathered in a list `ROUTES` that `app.py` puts
among the pages. Its request is a `Visit`:

    @shows("/claim/{signed:str}")
    async def claim_page(request: Visit) -> Body:
        person = request.person_of(account_id)              # signed out, or of another account: to the sign-in page, and back here
        return request.page("claim.html", handoff=handoff)  # templates/claim.html extends base.html


    @takes("/claim/{signed:str}")
    async def claim(request: Visit) -> Body:
        person = request.person_of(account_id)
        form = await request.sent(ClaimForm)                # a subclass of `Form`, closed like every request
        ...
        return request.see(f"/handoffs/{handoff.id}")

Every template is told `person` (None where nobody is signed in) and `csrf_token`, which each form holds; `{{ csrf() }}` is the hidden
field. A form without it is refused before the route runs. Refusals raised in a page are shown as a page.
"""

from .page_request import Form, SignInFirst, Visit, shows, takes

__all__ = ["Form", "SignInFirst", "Visit", "shows", "takes"]
