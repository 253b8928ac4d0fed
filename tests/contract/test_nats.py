"""The contract suite of event streams on NATS, and what its failures cost."""

from collections.abc import AsyncIterator

import pytest

from flowpilot_adapters.push import NatsEventStream
from flowpilot_core.testing import contracts
from flowpilot_core.testing.contracts import Nodes
from tests.support.nats_server import NatsServer, nats_server


@pytest.fixture(scope="module")
async def server(anyio_backend: str) -> AsyncIterator[NatsServer]:
    async with nats_server() as server:
        yield server


class TestEventStream(contracts.EventStreamContract):
    capabilities = frozenset({"cuts", "stops"})

    @pytest.fixture
    async def nodes(self, server: NatsServer) -> AsyncIterator[Nodes]:
        one, other = (NatsEventStream(server.url, jitter=lambda: 0.0) for _ in range(2))

        async def cut() -> None:
            await server.kill()
            await server.start()

        yield Nodes(one=one, other=other, cut=cut, stop=server.wipe, start=server.start)
        await one.close()
        await other.close()
