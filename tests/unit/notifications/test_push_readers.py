"""Whether those who listen still may: asked about many at once, whatever they signed in with."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping

import pytest
from attrs import define, evolve, field

from flowpilot_adapters.memory import MemoryEventStream, MemoryStore
from flowpilot_adapters.system import SystemClock, new_id
from flowpilot_core.application.notifications import push
from flowpilot_core.application.notifications.push import Ended, Push, Stream
from flowpilot_core.domain.kernel.actor import Person, Role
from flowpilot_core.domain.kernel.errors import Unauthenticated, Unavailable
from flowpilot_core.domain.kernel.identifiers import AccountId, UserId
from flowpilot_core.testing.builders import Staff, a_staff
from flowpilot_http.cursors import Cursors
from flowpilot_http.sse import EventIds, Sse
from tests.support.http import SECRET_KEY

pytestmark = pytest.mark.anyio

MANY = 450
"""Readers of an account: more than are asked about in one read."""


@define
class Credentials:
    """Who each digest stands for, and what was asked."""

    people: dict[bytes, Person] = field(factory=dict)
    asked: list[tuple[AccountId, int]] = field(factory=list)
    fails: bool = False

    async def standing(self, account_id: AccountId, digests: Collection[bytes]) -> Mapping[bytes, Person]:
        self.asked.append((account_id, len(digests)))
        if self.fails:
            raise Unavailable("database")
        return {digest: self.people[digest] for digest in digests if digest in self.people}


@define
class Office:
    """Push that looks at its readers when it is told to."""

    push: Push
    credentials: Credentials
    staff: Staff
    other: Staff

    async def listens(self, account_id: AccountId, number: int) -> Stream:
        """Somebody with a token of their own."""
        digest = b"%s %d" % (account_id.bytes, number)
        reader = evolve(self.staff.ben, account_id=account_id, user_id=UserId(new_id()))
        self.credentials.people[digest] = reader
        return await self.push.open(reader, credential=digest, signed_in=_nobody, digest=digest)

    async def looked(self) -> None:
        self.credentials.asked.clear()
        await self.push._look_at_readers()


async def _nobody() -> Person:
    raise Unauthenticated


@pytest.fixture
async def office(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    monkeypatch.setattr(push, "LOOK", 10**9)
    store, stop, credentials = MemoryStore(clock=SystemClock(), new_token=new_id), asyncio.Event(), Credentials()
    pushing = Push(
        view=store.view,
        wire=Sse(EventIds(Cursors([SECRET_KEY]))),
        jitter=lambda: 0.5,
        begin=store.begin,
        node_id=new_id(),
        standing=credentials.standing,
    )
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(pushing.run(MemoryEventStream(), stop))
        await asyncio.sleep(0)
        yield Office(pushing, credentials, await a_staff().kept(store.begin), await a_staff().kept(store.begin))
        stop.set()


async def test_readers_of_an_account_are_asked_about_in_few_reads_whatever_they_signed_in_with(office: Office) -> None:
    acme, globex = office.staff.account_id, office.other.account_id
    streams = [await office.listens(acme, number) for number in range(MANY)]
    streams.append(await office.listens(globex, 0))

    await office.looked()

    assert [(acme, 50), (acme, 200), (acme, 200), (globex, 1)] == sorted(office.credentials.asked, key=lambda one: (one[0] != acme, one[1]))
    assert {None} == {stream.ended for stream in streams}


async def test_whoever_is_nobody_any_more_is_out_and_whoever_has_another_role_has_it_here_too(office: Office) -> None:
    out, moved, stays = [await office.listens(office.staff.account_id, number) for number in range(3)]
    del office.credentials.people[b"%s 0" % office.staff.account_id.bytes]
    office.credentials.people[b"%s 1" % office.staff.account_id.bytes] = viewer = evolve(moved.reader, role=Role.VIEWER)

    await office.looked()

    assert (Ended.SIGNED_OUT, None, None) == (out.ended, moved.ended, stays.ended)
    assert viewer == moved.reader


async def test_while_nothing_can_be_read_nobody_is_out(office: Office) -> None:
    stream = await office.listens(office.staff.account_id, 0)
    office.credentials.people.clear()
    office.credentials.fails = True
    await office.looked()
    assert None is stream.ended

    office.credentials.fails = False
    await office.looked()
    assert Ended.SIGNED_OUT is stream.ended


async def test_who_signed_in_with_what_others_issue_is_asked_about_alone(office: Office) -> None:
    ours = await office.listens(office.staff.account_id, 0)
    theirs = await office.push.open(office.staff.anna, credential=b"of another", signed_in=_nobody)

    await office.looked()

    assert [(office.staff.account_id, 1)] == office.credentials.asked
    assert (None, Ended.SIGNED_OUT) == (ours.ended, theirs.ended)
