"""Identity providers, each of one account."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import typer

from flowpilot_core.domain.access.audit import operator
from flowpilot_core.domain.access.identity_provider import IdentityProvider, audience
from flowpilot_core.domain.kernel.identifiers import AccountId, ProviderId
from flowpilot_http import main as composition
from flowpilot_http.settings import Settings

from .accounts import SERVED_AT
from .environment import prepared
from .naming import OfAccount
from .outcome import Json, outcome, run, say

provider = typer.Typer(help="The identity providers that an account trusts. Over HTTP only its owners manage them.", no_args_is_help=True)


@provider.command("add")
def add_provider(
    account: OfAccount,
    issuer: Annotated[str, typer.Option(help="Its address, exactly as it names itself: https://login.example.com.")],
    client_id: Annotated[str, typer.Option(help="The client id that it gave FlowPilot.")],
    name: Annotated[str, typer.Option(help="What the button on the sign-in page says.")],
    client_secret: Annotated[
        str | None, typer.Option(envvar="FLOWPILOT_CLIENT_SECRET", help="The client's secret; a public client has none.")
    ] = None,
    json: Json = False,
) -> None:
    """Trust an OpenID Connect provider: its JWTs, and the people it signs in. They must belong to the account already."""

    async def work(settings: Settings) -> tuple[AccountId, IdentityProvider]:
        async with composition.flowpilot_and_providers(settings) as flowpilot:
            account_id = composition.account_called(settings, account)
            return account_id, await flowpilot.identities.add(
                operator(account_id), name=name, issuer=issuer, client_id=client_id, client_secret=client_secret
            )

    with outcome():
        settings = prepared()
        account_id, made = run(work(settings))
        here = f"{settings.base_url or SERVED_AT}/sign-in/{account_id}"
        facts = {
            "id": made.id,
            "issuer": made.issuer,
            "sign_in": here,
            "redirect_uri": f"{here}/callback",
            "audience": audience(account_id),
        }
        say(facts, f"Let {made.issuer} send browsers back to {facts['redirect_uri']}; people sign in at {here}.", json=json)


@provider.command("list")
def list_providers(account: OfAccount, json: Json = False) -> None:
    """List the providers that an account trusts: whoever runs one can be anybody of the account, its owner too."""

    async def work() -> Sequence[IdentityProvider]:
        async with composition.flowpilot_of(settings) as flowpilot:
            return await flowpilot.identities.all(operator(composition.account_called(settings, account)))

    with outcome():
        settings = prepared()
        providers = run(work())
        facts = [{"id": one.id, "name": one.name, "issuer": one.issuer, "created_at": one.created_at} for one in providers]
        lines = [f"{one.id}  since {one.created_at:%Y-%m-%d}  {one.issuer}  {one.name}" for one in providers]
        say({"items": facts}, "\n".join(lines) or "There are none.", json=json)


@provider.command("remove")
def remove_provider(
    account: OfAccount,
    provider_id: Annotated[UUID, typer.Option("--provider", metavar="ID", help="Its id, as `provider add` printed it.")],
    json: Json = False,
) -> None:
    """Stop trusting a provider. Whoever is signed in stays so until their sign-in ends."""

    async def work(settings: Settings) -> None:
        async with composition.flowpilot_of(settings) as flowpilot:
            await flowpilot.identities.remove(operator(composition.account_called(settings, account)), ProviderId(provider_id))

    with outcome():
        run(work(prepared()))
        say({"id": provider_id}, "It is no longer trusted.", json=json)
