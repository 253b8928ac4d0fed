"""What every event stream must do: subclass `EventStreamContract` and override its fixture."""

from asyncio import CancelledError, Queue, create_task, timeout
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import pytest
from attrs import frozen

from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.ports.notifications import EventStream
from flowpilot_core.testing.contracts.contract import Contract

LONGEST_WAIT = 60
"""Seconds after which what never comes counts as that; no test waits for them to pass."""
ACME, GLOBEX = AccountId(UUID(int=1)), AccountId(UUID(int=2))


@frozen(kw_only=True)
class Nodes:
    """The streams of two processes under test, and ways to get at what is between them."""

    one: EventStream
    other: EventStream
    cut: Callable[[], Awaitable[None]] | None = None
    """Breaks every connection once. Only for who declares the capability `cuts`."""
    stop: Callable[[], Awaitable[None]] | None = None
    """Takes down what is between them. Only for who declares `stops`."""
    start: Callable[[], Awaitable[None]] | None = None
    """Brings it up again."""


class EventStreamContract(Contract):
    """The suite. `capabilities` names what can be done to what is between the nodes: `cuts`, `stops`."""

    @pytest.fixture
    def nodes(self) -> Nodes:
        raise NotImplementedError("override this fixture with the event streams under test")

    @asynccontextmanager
    async def _hearing(self, stream: EventStream) -> AsyncIterator["Queue[AccountId | None]"]:
        """What is heard, from when everything published is heard."""
        heard: Queue[AccountId | None] = Queue()
        hearing = create_task(stream.hear(heard.put_nowait))
        try:
            await self._until(heard, None)
            yield heard
        finally:
            hearing.cancel()
            with suppress(CancelledError):
                await hearing

    async def _until(self, heard: "Queue[AccountId | None]", last: AccountId | None) -> list[AccountId | None]:
        """What is heard up to `last`."""
        so_far: list[AccountId | None] = []
        async with timeout(LONGEST_WAIT):
            while last not in so_far:
                so_far.append(await heard.get())
        return so_far

    async def test_what_one_publishes_both_hear(self, nodes: Nodes) -> None:
        async with self._hearing(nodes.one) as here, self._hearing(nodes.other) as there:
            nodes.one.publish(ACME)

            assert [ACME] == await self._until(here, ACME)
            assert [ACME] == await self._until(there, ACME)

    async def test_each_account_is_named_and_no_other(self, nodes: Nodes) -> None:
        async with self._hearing(nodes.other) as heard:
            nodes.one.publish(ACME)
            await self._until(heard, ACME)
            nodes.one.publish(GLOBEX)

            assert {GLOBEX} == set(await self._until(heard, GLOBEX)) - {ACME}

    async def test_of_any_number_at_once_no_account_is_left_out(self, nodes: Nodes) -> None:
        accounts = {AccountId(UUID(int=number)) for number in range(1, 1_001)}
        async with self._hearing(nodes.other) as heard:
            for _ in range(3):
                for account_id in accounts:
                    nodes.one.publish(account_id)
            missing = set(accounts)
            async with timeout(LONGEST_WAIT):
                while missing:
                    missing.discard(await heard.get() or ACME)

            assert set() == missing

    async def test_the_last_of_many_is_always_heard(self, nodes: Nodes) -> None:
        """However many became one: something is heard after each."""
        async with self._hearing(nodes.other) as heard:
            for _ in range(20):
                while not heard.empty():
                    heard.get_nowait()
                nodes.one.publish(ACME)
                await self._until(heard, ACME)

    async def test_publishing_to_nobody_is_no_mistake(self, nodes: Nodes) -> None:
        nodes.one.publish(ACME)
        async with self._hearing(nodes.other) as heard:
            nodes.one.publish(GLOBEX)

            assert GLOBEX in await self._until(heard, GLOBEX)

    async def test_who_hears_no_more_holds_nobody_up(self, nodes: Nodes) -> None:
        async with self._hearing(nodes.one) as stays:
            async with self._hearing(nodes.other):
                pass
            nodes.other.publish(ACME)

            assert ACME in await self._until(stays, ACME)

    @pytest.mark.requires("cuts")
    async def test_after_a_connection_was_lost_all_are_to_be_looked_at_and_all_is_heard_again(self, nodes: Nodes) -> None:
        """F39: what was published in the gap is found by looking, which comes after listening."""
        assert nodes.cut is not None
        async with self._hearing(nodes.other) as heard:
            await nodes.cut()
            await self._until(heard, None)
            await self._published_until_heard(nodes.one, heard)

    @pytest.mark.requires("stops")
    async def test_publishing_returns_at_once_and_raises_nothing_while_all_is_down(self, nodes: Nodes) -> None:
        """F43"""
        assert nodes.stop is not None
        assert nodes.start is not None
        async with self._hearing(nodes.other) as heard:
            await nodes.stop()
            for _ in range(100):
                nodes.one.publish(ACME)
            await nodes.start()
            await self._until(heard, None)
            await self._published_until_heard(nodes.one, heard)

    async def _published_until_heard(self, stream: EventStream, heard: "Queue[AccountId | None]") -> None:
        """One that was published while its own connection was not there yet may be lost; a later one is not."""
        async with timeout(LONGEST_WAIT):
            while True:
                stream.publish(GLOBEX)
                with suppress(TimeoutError):
                    async with timeout(0.05):
                        while await heard.get() != GLOBEX:
                            pass
                        return
