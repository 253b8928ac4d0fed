"""Settings: by which identity providers people sign in."""

from typing import Final
from uuid import UUID

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.identifiers import ProviderId
from flowpilot_http.pages.moves import Move, Moves, Shown
from flowpilot_http.pages.page_request import Visit
from flowpilot_http.pages.settings import settings_page
from flowpilot_http.schemas.access.identity_providers import ProviderOut

move: Final = Moves()


class Add(Move, kw_only=True, frozen=True):
    """Whom to trust."""

    name: str = ""
    issuer: str = ""
    client_id: str = ""
    client_secret: str | None = None


@move("add", Add)
async def add_provider(request: Visit, person: Person, form: Add) -> None:
    """It is asked at once what it publishes."""
    identities = request.flowpilot.identities
    await request.do(
        form,
        lambda change: identities.add(
            person, name=form.name, issuer=form.issuer, client_id=form.client_id, client_secret=form.client_secret, request=change
        ),
    )


class Remove(Move, kw_only=True, frozen=True):
    """Which one."""

    provider: UUID


@move("remove", Remove)
async def remove_provider(request: Visit, person: Person, form: Remove) -> None:
    """Without any, codes are mailed again."""
    await request.do(form, lambda change: request.flowpilot.identities.remove(person, ProviderId(form.provider), request=change))


async def _facts(request: Visit, person: Person) -> Shown:
    page = request.ours(f"/sign-in/{person.account_id}")
    return {
        "providers": [ProviderOut.of(one, person.account_id, page) for one in await request.flowpilot.identities.all(person)],
        "page": page,
        "callback": f"{page}/callback",
    }


ROUTES = settings_page("sign-in", _facts, move)
