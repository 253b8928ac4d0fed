"""The three vendors' adapters: the contract suite against their simulators, and what only one of them is like."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from flowpilot_adapters.memory import MemoryPsa, MemoryTicket
from flowpilot_adapters.psa import Autotask, ConnectWise, HaloPsa
from flowpilot_adapters.system import SystemClock
from flowpilot_core.ports.psa import Member
from flowpilot_core.testing.contracts import PsaContract
from tests.support.psa import AutotaskSimulator, ConnectWiseSimulator, HaloPsaSimulator
from tests.support.psa.autotask import TIMED_OUT as AUTOTASK_TIMED_OUT
from tests.support.psa.connectwise import TIMED_OUT as CONNECTWISE_TIMED_OUT
from tests.support.psa.desk import SimulatedDesk
from tests.support.psa.halopsa import TIMED_OUT as HALOPSA_TIMED_OUT
from tests.support.psa.memory import MemoryDesk

DEADLINE = 1.0
"""Seconds for a call; the vendor of a test answers at once or never."""


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


class TestConnectWise(PsaContract):
    capabilities = frozenset({"proxied", "stalls"})

    @pytest.fixture
    def desk(self) -> Iterator[SimulatedDesk]:
        with ConnectWiseSimulator.running() as simulator:
            yield SimulatedDesk(simulator, CONNECTWISE_TIMED_OUT)

    @pytest.fixture
    def psa(self, client: httpx.AsyncClient) -> ConnectWise:
        return ConnectWise(client, SystemClock(), DEADLINE)


class TestHaloPsa(PsaContract):
    capabilities = frozenset({"proxied", "stalls"})

    @pytest.fixture
    def desk(self) -> Iterator[SimulatedDesk]:
        with HaloPsaSimulator.running() as simulator:
            yield SimulatedDesk(simulator, HALOPSA_TIMED_OUT)

    @pytest.fixture
    def psa(self, client: httpx.AsyncClient) -> HaloPsa:
        return HaloPsa(client, SystemClock(), DEADLINE)


class TestAutotask(PsaContract):
    capabilities = frozenset({"proxied", "stalls"})

    @pytest.fixture
    def desk(self) -> Iterator[SimulatedDesk]:
        with AutotaskSimulator.running() as simulator:
            yield SimulatedDesk(simulator, AUTOTASK_TIMED_OUT, "Complete")

    @pytest.fixture
    def psa(self, client: httpx.AsyncClient) -> Autotask:
        return Autotask(client, SystemClock(), DEADLINE)


class TestMemoryPsa(PsaContract):
    @pytest.fixture
    def psa(self) -> MemoryPsa:
        people = [
            Member(id=str(id), name=f"{first} {last}", email=f"{first}@acme.example".lower())
            for id, (first, last) in enumerate((("Anna", "Ahlberg"), ("Ben", "Berg")))
        ]
        return MemoryPsa(tickets={"1001": MemoryTicket(), "1002": MemoryTicket()}, people=people)

    @pytest.fixture
    def desk(self, psa: MemoryPsa) -> MemoryDesk:
        return MemoryDesk(psa)
