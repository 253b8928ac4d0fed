"""An account that trusts an identity provider on this machine, asked as the product asks: through the guard, over the network."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import httpx
from attrs import frozen

from flowpilot_adapters.memory import MemoryStore
from flowpilot_adapters.openid import HttpOpenId
from flowpilot_adapters.outgoing import guarded_client
from flowpilot_adapters.system import new_id
from flowpilot_core.domain.access.identity_provider import IdentityProvider, audience
from flowpilot_core.domain.kernel.actor import System
from flowpilot_core.testing.builders import SetClock

from .browser import Browser
from .http import World, a_world_in
from .provider import CLIENT, CLIENT_SECRET, Provider


@frozen(kw_only=True)
class Trust:
    """Acme trusts a provider, which knows Jo."""

    world: World
    provider: Provider
    openid: HttpOpenId
    trusted: IdentityProvider
    time: list[float]

    @property
    def aud(self) -> str:
        return audience(self.world.junior.account_id)

    async def asks(self, token: str) -> httpx.Response:
        return await self.world.nobody.get("/ai-sessions", headers={"authorization": f"Bearer {token}"})

    async def sets_out(self, browser: Browser, next: str = "/signed-in") -> str:
        """The address that a browser is sent to."""
        path = f"/sign-in/{self.world.junior.account_id}/with/{self.trusted.id}?{urlencode({'next': next})}"
        answer = await browser.client.get(path)
        assert 303 == answer.status_code, answer.text
        return answer.headers["location"]

    async def comes_back(self, browser: Browser, **answer: str) -> httpx.Response:
        return await browser.open(f"/sign-in/{self.world.junior.account_id}/callback?{urlencode(answer)}")


@asynccontextmanager
async def a_trust() -> AsyncIterator[Trust]:
    """A fresh one, in memory but for the provider."""
    store = MemoryStore(clock=SetClock(), new_token=new_id)
    clock, time = SetClock(), [0.0]
    async with Provider(clock).running() as provider, guarded_client(allow_private=True) as client:
        openid = HttpOpenId(client=client, clock=clock, monotonic=lambda: time[0])
        world = await a_world_in(store.begin, store.view, store.outbox, openid=openid)
        trusted = await world.flowpilot.identities.add(
            System(account_id=world.junior.account_id, cause="a test"),
            name="Acme Login",
            issuer=provider.issuer,
            client_id=CLIENT,
            client_secret=CLIENT_SECRET,
        )
        yield Trust(world=world, provider=provider, openid=openid, trusted=trusted, time=time)
