"""What is sent to a stream at once, without its task: the same as what comes out of it, once, and to nobody else."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from attrs import define, field

from flowpilot_adapters.memory import MemoryEventStream, MemoryStore
from flowpilot_adapters.system import SystemClock, new_id
from flowpilot_core.application.notifications.push import Push, Stream
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.testing.builders import Staff, a_session, a_staff, an_escalation
from flowpilot_http.cursors import Cursors
from flowpilot_http.sse import EventIds, Sse
from tests.support.http import SECRET_KEY

pytestmark = pytest.mark.anyio


@define
class Wired:
    """A stream whose connection takes what is sent at once, or does not."""

    stream: Stream
    takes: bool = True
    sent: list[bytes] = field(factory=list)
    told: list[bytes] = field(factory=list)
    """What came out of the stream instead."""

    def send_now(self, text: bytes) -> bool:
        if self.takes:
            self.sent.append(text)
        return self.takes

    async def listen(self) -> None:
        self.stream.send_with(self.send_now)
        while text := await self.stream.next():
            self.told.append(text)


@define
class Office:
    """An account, and who listens there."""

    store: MemoryStore
    push: Push
    staff: Staff
    tasks: asyncio.TaskGroup

    async def listens(self, reader: Person, *, takes: bool = True) -> Wired:
        async def still() -> Person:
            return reader

        wired = Wired(await self.push.open(reader, credential=reader.user_id.bytes, signed_in=still), takes)
        self.tasks.create_task(wired.listen())
        return wired

    async def news(self) -> None:
        """Whatever there is has been told."""
        for stream in self.push.streams:
            await stream._feed.up_to_date()
        await asyncio.sleep(0)


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    store, stop = MemoryStore(clock=SystemClock(), new_token=new_id), asyncio.Event()
    wire = Sse(EventIds(Cursors([SECRET_KEY])))
    push = Push(view=store.view, wire=wire, jitter=lambda: 0.5, begin=store.begin, node_id=new_id())
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(push.run(MemoryEventStream(), stop))
        await asyncio.sleep(0)
        yield Office(store, push, await a_staff().kept(store.begin), tasks)
        stop.set()


async def test_news_is_sent_at_once_to_whoever_takes_it_and_comes_out_of_the_streams_of_others(office: Office) -> None:
    taking, waiting = await office.listens(office.staff.ben), await office.listens(office.staff.ben, takes=False)
    await asyncio.sleep(0)
    for _ in range(3):
        await an_escalation(by=office.staff.anna).kept(office.store.begin)
        await office.news()
    await asyncio.sleep(0)

    assert 3 == b"".join(taking.sent).count(b"event: handoff.escalated")
    assert (taking.sent, []) == (waiting.told, waiting.sent)
    assert [] == taking.told


async def test_what_was_not_taken_at_once_is_told_before_what_comes_after_it(office: Office) -> None:
    wired = await office.listens(office.staff.ben, takes=False)
    await asyncio.sleep(0)
    handed_off = []
    for number in range(4):
        wired.takes = number % 2 == 1
        handed_off.append((await an_escalation(by=office.staff.anna).kept(office.store.begin)).handoff.id)
        await office.news()
        await asyncio.sleep(0)

    assert (2, 2) == (len(wired.told), len(wired.sent))
    # By turns: one that came out of the stream, one that was sent at once.
    heard = [text for both in zip(wired.told, wired.sent, strict=True) for text in both]
    assert [str(one).encode() in text for one, text in zip(handed_off, heard, strict=True)] == [True] * 4
    assert 4 == b"".join(heard).count(b"event: handoff.escalated")


@pytest.mark.parametrize("takes", [True, False])
async def test_what_is_private_is_sent_at_once_to_whoever_may_know_of_it_alone(office: Office, takes: bool) -> None:
    staff = office.staff
    anna, ben, adam = [await office.listens(who, takes=takes) for who in (staff.anna, staff.ben, staff.adam)]
    await asyncio.sleep(0)
    await a_session(by=staff.anna).step().parked().kept(office.store.begin)
    await office.news()
    await an_escalation(by=staff.anna).kept(office.store.begin)
    await office.news()

    heard = [b"".join(who.sent if takes else who.told) for who in (anna, ben, adam)]
    assert [True, False, True] == [b"event: session.parked" in one for one in heard]
    assert [1, 1, 1] == [one.count(b"event: handoff.escalated") for one in heard]


async def test_nothing_is_sent_to_who_has_left(office: Office) -> None:
    wired = await office.listens(office.staff.ben)
    stays = await office.listens(office.staff.ben)
    await asyncio.sleep(0)
    office.push.close(wired.stream)
    await an_escalation(by=office.staff.anna).kept(office.store.begin)
    await office.news()

    assert ([], 1) == (wired.sent, len(stays.sent))
