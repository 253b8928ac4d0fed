"""An identity provider that vouches for whom it is told to."""

from attrs import Factory, frozen

from flowpilot_core.domain.access.identity_provider import Identity, IdentityProvider
from flowpilot_core.domain.kernel.errors import Unauthenticated
from flowpilot_core.ports.access import Errand


@frozen
class MemoryOpenId:
    """Every issuer there is; codes and tokens are good once somebody stands for them in `people`."""

    people: dict[str, Identity] = Factory(dict)

    async def examine(self, issuer: str) -> None:
        """As `OpenId.examine` says; nothing is wrong."""

    async def address(self, provider: IdentityProvider, errand: Errand) -> str:
        """As `OpenId.address` says."""
        return f"{provider.issuer}/authorize?state={errand.state}"

    async def redeemed(self, provider: IdentityProvider, errand: Errand, *, code: str, secret: str | None) -> Identity:
        """As `OpenId.redeemed` says."""
        return self._known(code)

    async def verified(self, provider: IdentityProvider, token: str, *, audience: str) -> Identity:
        """As `OpenId.verified` says."""
        return self._known(token)

    def _known(self, said: str) -> Identity:
        if said not in self.people:
            raise Unauthenticated
        return self.people[said]
