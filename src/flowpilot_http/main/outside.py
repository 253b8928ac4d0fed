"""What is spoken with over the network: PSAs, addresses that accounts entered, other nodes."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import timedelta

import httpx

from flowpilot_adapters.outgoing import guarded_client
from flowpilot_adapters.psa import Autotask, ConnectWise, HaloPsa
from flowpilot_adapters.psa.vendor_line import DEADLINE, MOST_BYTES
from flowpilot_adapters.push import NatsEventStream, PostgresEventStream
from flowpilot_adapters.system import SystemClock, jitter
from flowpilot_core.ports.psa import Psa
from flowpilot_http.settings import Settings

from .database import Urls


def waking_of(settings: Settings, stack: AsyncExitStack, urls: Urls) -> NatsEventStream | PostgresEventStream:
    """What wakes streams on every node; closed with the stack."""
    nats = settings.nats_url
    waking = PostgresEventStream(urls.app, jitter=jitter) if nats is None else NatsEventStream(nats, jitter=jitter)
    stack.push_async_callback(waking.close)
    return waking


async def outside(settings: Settings, stack: AsyncExitStack) -> httpx.AsyncClient:
    """What asks addresses that an account entered; closed with the stack."""
    return await stack.enter_async_context(guarded_client(allow_private=settings.allow_private_targets))


async def psas_of(settings: Settings, stack: AsyncExitStack) -> Mapping[str, Psa]:
    """The PSAs that accounts may connect; closed with the stack."""
    clock = SystemClock()
    outside = await stack.enter_async_context(
        guarded_client(allow_private=settings.allow_private_targets, longest=timedelta(seconds=DEADLINE), largest=MOST_BYTES)
    )
    vendors: tuple[Psa, ...] = (ConnectWise(outside, clock), HaloPsa(outside, clock), Autotask(outside, clock))
    return {psa.vendor.system: psa for psa in vendors}
