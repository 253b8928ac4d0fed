"""Identity providers, asked over the network."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from flowpilot_adapters.openid import HttpOpenId
from flowpilot_adapters.system import SystemClock
from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_http.settings import Settings

from .outside import outside
from .use_cases import flowpilot_of


@asynccontextmanager
async def flowpilot_and_providers(settings: Settings) -> AsyncIterator[FlowPilot]:
    """The use cases as `flowpilot_of` has them, and whoever looks at an identity provider asks it. Raises `CannotRun`."""
    async with AsyncExitStack() as stack:
        openid = await openid_of(settings, stack)
        yield await stack.enter_async_context(flowpilot_of(settings, openid=openid))


async def openid_of(settings: Settings, stack: AsyncExitStack) -> HttpOpenId:
    """What asks identity providers; closed with the stack."""
    return HttpOpenId(client=await outside(settings, stack), clock=SystemClock())
