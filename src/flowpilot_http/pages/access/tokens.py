"""Settings: one's own API tokens."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from flowpilot_core.domain.kernel.actor import Person, Scope
from flowpilot_core.domain.kernel.identifiers import TokenId
from flowpilot_http.pages.colleagues import MOST
from flowpilot_http.pages.moves import Move, Moves, Shown
from flowpilot_http.pages.page_request import Visit
from flowpilot_http.pages.settings import settings_page

move: Final = Moves()


class Make(Move, kw_only=True, frozen=True):
    """What it is for, and how much of what one may it is good for."""

    name: str = ""
    scope: Scope = Scope.WORK
    days: int | None = None


@move("make", Make)
async def make_token(request: Visit, person: Person, form: Make) -> Shown | None:
    """Its text is shown once."""
    ends, tokens = request.now() + timedelta(days=form.days) if form.days else None, request.flowpilot.tokens
    made = await request.do(form, lambda change: tokens.make(person, name=form.name, scope=form.scope, expires_at=ends, request=change))
    return None if made is None else {"token": made.text}


class Revoke(Move, kw_only=True, frozen=True):
    """Which one."""

    token: UUID


@move("revoke", Revoke)
async def revoke_token(request: Visit, person: Person, form: Revoke) -> None:
    """Within a second and everywhere."""
    await request.do(form, lambda change: request.flowpilot.tokens.revoke(person, TokenId(form.token), request=change))


async def _facts(request: Visit, person: Person) -> Shown:
    return {
        "tokens": await request.flowpilot.tokens.list(person, person.user_id, after=None, limit=MOST),
        "scopes": ((Scope.READ, "Reading"), (Scope.WORK, "Work on sessions and escalations"), (Scope.ALL, "Whatever I may")),
        "now": request.now(),
    }


ROUTES = settings_page("tokens", _facts, move)
