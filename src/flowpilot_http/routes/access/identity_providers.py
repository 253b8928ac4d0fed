"""Identity providers: who else the account trusts to say who somebody is."""

from collections.abc import Callable
from uuid import UUID

from flowpilot_core.domain.access.identity_provider import IdentityProvider
from flowpilot_http.api_request import Call
from flowpilot_http.operations import Part
from flowpilot_http.responses import Body
from flowpilot_http.schemas.access.identity_providers import ChangeProvider, NewProvider, ProviderOut
from flowpilot_http.schemas.kernel import Listed, Nothing, Page

part = Part("Identity providers")

PROVIDER = "/identity-providers/{provider_id:str}"


@part.makes("/identity-providers", ProviderOut, body=NewProvider)
async def add_provider(request: Call) -> Body:
    """Trust an OpenID Connect provider: its JWTs, and the people it signs in. What it publishes is read at once.

    From then on the sign-in page of your account leads there, and mails no codes. Whoever runs it can be anybody of your account, you too:
    that is why only an account owner adds, changes and removes one, and admins see which there are.
    """
    new = await request.read(NewProvider)
    return await request.changed(
        lambda change: request.flowpilot.identities.add(
            request.user, name=new.name, issuer=new.issuer, client_id=new.client_id, client_secret=new.client_secret, request=change
        ),
        _shown(request),
        status=201,
    )


@part.reads("/identity-providers", Listed[ProviderOut], query=Page, problems=("invalid_cursor", "role_forbidden"))
async def list_providers(request: Call) -> Body:
    """The identity providers of your account, oldest first."""
    page = await request.wanted(Page)

    async def more(after: UUID | None, limit: int) -> list[IdentityProvider]:
        return [one for one in await request.flowpilot.identities.all(request.user) if after is None or one.id > after][:limit]

    return await request.listed(page, "identity-providers", UUID, more, shown=_shown(request), at=lambda provider: provider.id)


@part.mends(PROVIDER, ProviderOut, body=ChangeProvider)
async def change_provider(request: Call) -> Body:
    """Give a provider another name, or another client or secret of it. Another issuer is another provider."""
    new = await request.read(ChangeProvider)
    return await request.changed(
        lambda change: request.flowpilot.identities.change(
            request.user,
            request.provider_id,
            name=new.name,
            client_id=new.client_id,
            client_secret=new.client_secret,
            request=change,
        ),
        _shown(request),
    )


@part.drops(PROVIDER)
async def remove_provider(request: Call) -> Body:
    """Stop trusting a provider. Whoever is signed in stays so until their sign-in ends; without any provider, codes are mailed again."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.identities.remove(request.user, request.provider_id, request=change), lambda _: None, status=204
    )


def _shown(request: Call) -> Callable[[IdentityProvider], ProviderOut]:
    account_id = request.user.account_id
    return lambda provider: ProviderOut.of(provider, account_id, request.ours(f"/sign-in/{account_id}"))


ROUTES = (add_provider, list_providers, change_provider, remove_provider)
