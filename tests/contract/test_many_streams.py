"""A thousand streams of events at once, over real sockets."""

import time
from collections.abc import AsyncIterator

import pytest

from tests.support.listening import Pushing, pushing

THOUSAND = 1_000


@pytest.fixture
async def office(anyio_backend: str) -> AsyncIterator[Pushing]:
    async with pushing() as running:
        yield running


async def test_a_thousand_streams_that_are_killed_leave_nothing_behind_and_miss_nothing_on_coming_back(office: Pushing) -> None:
    """F38: each hears everything once, before and after; the memory for each is bounded."""
    world = office.world
    people = (world.owner, world.admin, world.senior, world.viewer)
    before = await office.listen(world.junior)
    streams = [await office.listen(people[number % 4]) for number in range(THOUSAND)]
    handoffs = [await world.junior.escalation() for _ in range(3)]
    heard = [await stream.some(2) for stream in streams]
    for stream in streams:
        stream.hang_up()
    await office.until(lambda: len(office.push.streams) == 1)
    handoffs += [await world.junior.escalation() for _ in range(2)]

    again = [await office.listen(people[number % 4], last_event_id=stream.last or "") for number, stream in enumerate(streams)]
    rest = [await stream.some(3) for stream in again]

    expected = [one["id"] for one in handoffs]
    assert THOUSAND + 1 == len(office.push.streams)
    assert {tuple(expected)} == {tuple(one.data["handoff_id"] for one in (*first, *then)) for first, then in zip(heard, rest, strict=True)}
    assert expected == [one.data["handoff_id"] for one in await before.some(5)]


async def test_a_stream_is_opened_as_quickly_with_thousands_open_as_with_none(office: Pushing) -> None:
    """A54: with 5,500 open, opening 500 more took twelve seconds."""
    people = (office.world.owner, office.world.admin, office.world.senior, office.world.viewer)

    async def some() -> float:
        began = time.perf_counter()
        for number in range(100):
            await office.listen(people[number % 4])
        return time.perf_counter() - began

    first = min([await some() for _ in range(3)])
    for _ in range(30):
        await some()
    last = min([await some() for _ in range(3)])

    assert 3_600 == len(office.push.streams)
    assert last < 3 * first
