"""kill -9 of a relay that posts notes, a vendor that misbehaves, and addresses that lead where they must not."""

import asyncio
import os
import random
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from uuid import UUID

import anyio
import httpx
import pytest
from anyio.lowlevel import checkpoint
from attrs import evolve

from flowpilot_adapters.outgoing import guarded_client
from flowpilot_adapters.psa import Autotask, ConnectWise, HaloPsa
from flowpilot_adapters.sql import Database, SqlOutbox
from flowpilot_adapters.system import SystemClock
from flowpilot_core.domain.outputs.output import OutputKind, OutputState
from flowpilot_core.domain.psa.connection import TicketAction
from flowpilot_core.domain.psa.note import marker
from flowpilot_core.domain.psa.post import PostState, PsaPost
from flowpilot_core.ports.psa import NotDone, PostFilter, Psa, Trouble
from flowpilot_core.testing.builders import Staff, a_staff
from flowpilot_core.testing.contracts import Adapter
from flowpilot_core.testing.faults import Faults
from tests.support import processes
from tests.support.postgres import PostgresDatabase
from tests.support.processes import Victim
from tests.support.psa import AutotaskSimulator, ConnectWiseSimulator, HaloPsaSimulator, Simulator, Trick
from tests.support.psa.posting import NO_CERTIFICATES, connected, escalated, posting, written_up
from tests.support.psa.server import PROXY_PAGE

pytestmark = pytest.mark.anyio

KILLS = int(os.environ.get("FLOWPILOT_KILLS", "3"))
"""How many relays are killed at random moments; `FLOWPILOT_KILLS=100 make test ARGS="-k random_moments"` kills a hundred."""
MANY = 20
"""Notes, more than the work of one kind that one relay does at once."""
A_FEW = 5
"""Kills, after which somebody lives long enough to finish."""
MOST_ROUNDS = 50
"""Until all that is due is done; an action waits for those before it for a round each."""
DOING = {
    "psa.add_time: before": (TicketAction.TIME_ENTRY,),
    "psa.add_time: after": (TicketAction.TIME_ENTRY,),
    "psa.set_owner: after": (TicketAction.OWNER,),
    "psa.set_status: after": (TicketAction.STATUS,),
}
"""Where else somebody is killed, with what is to be done then."""
BEN = 2
"""Whose ticket it is to be, at each simulator."""
LONGEST_LIFE = 0.6
"""Seconds after which a relay that is to be killed is killed."""


@pytest.fixture
async def adapter(own_database: PostgresDatabase) -> AsyncIterator[Adapter]:
    store, outbox = Database(own_database.app), SqlOutbox(own_database.relay)
    yield Adapter(begin=store.begin, view=store.view, outbox=outbox)
    await outbox.close()
    await store.close()


@pytest.fixture(params=[ConnectWiseSimulator, HaloPsaSimulator, AutotaskSimulator], ids=lambda kind: kind.system)
def simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """Each vendor in turn, with no limit to how often it is called."""
    kind: type[Simulator] = request.param
    with kind.running() as simulator:
        simulator.calls_left = 1_000_000
        yield simulator


async def an_office(adapter: Adapter, simulator: Simulator) -> Staff:
    staff = await a_staff().kept(adapter.begin)
    await connected(adapter.begin, staff, simulator)
    return staff


async def posted(adapter: Adapter, faults: Faults | None = None) -> None:
    """Somebody posts all that is due."""
    async with httpx.AsyncClient(verify=NO_CERTIFICATES) as client:
        relay = posting(adapter.begin, adapter.outbox, client, faults or Faults())
        while await relay.run_once():
            pass


async def all_posted(database: PostgresDatabase, adapter: Adapter, faults: Faults | None = None) -> None:
    """As `posted`, until nothing is to be done any more."""
    for _ in range(MOST_ROUNDS):
        await posted(adapter, faults)
        if not database.do("SELECT 1 FROM flowpilot.due_work WHERE kind = 'psa_post' LIMIT 1"):
            return
        lapse(database)
    raise AssertionError("something is never done")


async def posts_of(adapter: Adapter, staff: Staff) -> list[PsaPost]:
    return list(await adapter.view(staff.account_id).psa_posts(PostFilter(), after=None, limit=10_000))


def standing(simulator: Simulator, post: PsaPost) -> int:
    """How often it is there what a post is for: the first part of a note, an entry of work, or what the ticket was given."""
    mark, ticket = marker(post.id, 1), simulator.tickets[int(post.ticket_id)]
    match post.action:
        case TicketAction.NOTE:
            return sum(mark in note.text for note in ticket.notes if "timetaken" not in note.raw)
        case TicketAction.TIME_ENTRY:
            return sum(mark in work.text for work in ticket.work)
        case TicketAction.OWNER:
            return int(ticket.owner == BEN)
        case TicketAction.PRIORITY:
            return int(ticket.priority == 2)
        case _:
            return int(simulator.statuses[ticket.id] not in (simulator.closed_status, simulator.first_status))


def lapse(database: PostgresDatabase) -> None:
    """The leases of whoever was killed have run out."""
    database.do(
        "UPDATE flowpilot.due_work SET lease_until = now() WHERE lease_until IS NOT NULL", "UPDATE flowpilot.due_work SET due_at = now()"
    )


async def test_of_who_posts_at_every_step_leaves_each_note_there_exactly_once(
    own_database: PostgresDatabase, adapter: Adapter, simulator: Simulator
) -> None:
    """F16, F34: killed at each fault point of a note, and at each call of the vendor for whatever else is done on its ticket."""
    staff = await an_office(adapter, simulator)
    noting, doing = Faults(), Faults()
    await escalated(adapter.begin, staff, simulator)
    await written_up(adapter.begin, staff, simulator)
    await posted(adapter, noting)
    await escalated(adapter.begin, staff, simulator, ticket=simulator.another(), actions=tuple(TicketAction))
    await all_posted(own_database, adapter, doing)
    # Between the end of one call and the beginning of the next nothing happens: they are one moment.
    points = [point for before, point in zip(["", *noting.seen], noting.seen, strict=False) if not before.endswith("after")]
    assert {"psa.add_note: before", "psa.add_note: after"} <= set(noting.seen)
    assert set(DOING) <= set(doing.seen)

    for number, (point, actions) in enumerate([*((point, (TicketAction.NOTE,)) for point in points), *DOING.items()]):
        if number % 2 and actions == (TicketAction.NOTE,):
            await written_up(adapter.begin, staff, simulator)
        else:
            await escalated(adapter.begin, staff, simulator, ticket=simulator.another(), actions=actions)
        victim = Victim.of(processes.post, own_database.app, own_database.relay, point)
        assert await asyncio.to_thread(victim.ended) in (-signal.SIGKILL, 0), point
        lapse(own_database)
        await all_posted(own_database, adapter)
        newest = (await posts_of(adapter, staff))[: len(actions)]
        assert [(PostState.POSTED, 1)] * len(actions) == [(post.state, standing(simulator, post)) for post in newest], point

    found = await posts_of(adapter, staff)
    assert [1] * len(found) == [standing(simulator, post) for post in found]


async def test_of_who_posts_at_random_moments_leaves_each_note_there_exactly_once(
    own_database: PostgresDatabase, adapter: Adapter, simulator: Simulator
) -> None:
    """F16, F34: as many times as `FLOWPILOT_KILLS` says, with whatever else is done on the ticket."""
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    staff = await an_office(adapter, simulator)

    outputs = []
    for number in range(KILLS):
        for _ in range(2):
            await escalated(adapter.begin, staff, simulator, ticket=simulator.another(), actions=tuple(TicketAction))
        outputs.append(await written_up(adapter.begin, staff, simulator))
        lapse(own_database)
        victim = Victim.of(processes.post, own_database.app, own_database.relay, "")
        await asyncio.to_thread(victim.process.join, chance.uniform(0, LONGEST_LIFE))
        victim.process.kill()
        await asyncio.to_thread(victim.ended)
        lapse(own_database)
        if number % A_FEW == 0:
            # Nobody is killed forty times over the same piece of work, which would be poison then.
            await all_posted(own_database, adapter)
    await all_posted(own_database, adapter)

    found = await posts_of(adapter, staff)
    assert (2 * len(TicketAction) + 1) * KILLS == len(found)
    assert {(PostState.POSTED, 1)} == {(post.state, standing(simulator, post)) for post in found}, f"seed {seed}"
    async with adapter.begin(staff.account_id) as work:
        assert {OutputState.POSTED} == {(await work.outputs.get(output.id)).state for output in outputs}, f"seed {seed}"


@pytest.mark.parametrize("public", [True, False])
async def test_only_what_is_meant_for_the_client_is_shown_to_the_client(adapter: Adapter, simulator: Simulator, public: bool) -> None:
    staff = await an_office(adapter, simulator)
    output = await written_up(adapter.begin, staff, simulator, kind=OutputKind.CLIENT_SUMMARY, public=public)

    await posted(adapter)

    assert [public] == [note.public for note in simulator.notes()]
    async with adapter.begin(staff.account_id) as work:
        assert OutputState.POSTED is (await work.outputs.get(output.id)).state


async def test_a_vendor_that_is_slow_or_answers_as_a_proxy_costs_no_other_accounts_note(adapter: Adapter) -> None:
    """One account's PSA hangs until the note of the third is there; another's is a proxy's page."""
    gate = threading.Event()
    with ConnectWiseSimulator.running() as slow, ConnectWiseSimulator.running() as proxied, ConnectWiseSimulator.running() as well:
        offices = [await an_office(adapter, simulator) for simulator in (slow, proxied, well)]
        slow.play_on_notes(gate=gate)
        proxied.play_on_notes(instead=PROXY_PAGE)
        for staff, simulator in zip(offices, (slow, proxied, well), strict=True):
            await escalated(adapter.begin, staff, simulator)

        well.play(Trick("POST", "/notes", opens=gate))
        await posted(adapter)

        found = [(await posts_of(adapter, staff))[0] for staff in offices]
        assert [(PostState.POSTED, 1), (PostState.POSTED, 2), (PostState.POSTED, 1)] == [(post.state, post.attempts) for post in found]
        assert [1, 1, 1] == [len(simulator.notes()) for simulator in (slow, proxied, well)]


async def test_many_notes_to_a_vendor_who_hangs_keep_no_other_vendors_back(adapter: Adapter) -> None:
    """A59: the first of them hangs until another vendor's note is there, which was asked for once it did."""
    gate = threading.Event()
    with ConnectWiseSimulator.running() as hanging, HaloPsaSimulator.running() as proxied, AutotaskSimulator.running() as well:
        offices = [await an_office(adapter, simulator) for simulator in (hanging, proxied, well)]
        hanging.play(*[Trick("POST", "/notes", gate=gate)] * MANY)
        proxied.play_on_notes(instead=PROXY_PAGE)
        well.play(Trick("POST", "/Notes", opens=gate))
        for _ in range(MANY):
            await escalated(adapter.begin, offices[0], hanging, ticket=hanging.another())

        async def states(*of: Staff) -> list[PostState]:
            return [post.state for staff in of for post in await posts_of(adapter, staff)]

        async with httpx.AsyncClient(verify=NO_CERTIFICATES) as client, anyio.create_task_group() as tasks:
            relay, stop = posting(adapter.begin, adapter.outbox, client, Faults()), asyncio.Event()
            tasks.start_soon(relay.run, stop)
            with anyio.fail_after(60):
                while (await states(offices[0])).count(PostState.SENDING) < 1:
                    await checkpoint()
                for staff, simulator in zip(offices[1:], (proxied, well), strict=True):
                    await escalated(adapter.begin, staff, simulator)
                while {PostState.POSTED} != set(await states(*offices)):
                    await checkpoint()
            stop.set()

        found = [[post.attempts for post in await posts_of(adapter, staff)] for staff in offices]
        assert [[1] * MANY, [2], [1]] == found
        assert [1] * MANY == [len(hanging.notes(ticket)) for ticket in hanging.tickets if ticket > 1002]


@pytest.mark.parametrize("kind", [ConnectWise, HaloPsa, Autotask])
async def test_a_base_url_that_leads_to_this_machine_is_not_asked(kind: type[ConnectWise | HaloPsa | Autotask]) -> None:
    """A38: by the guard that accounts' addresses go through."""
    with ConnectWiseSimulator.running() as simulator:
        secrets = {"company_id": "a", "public_key": "b", "private_key": "c", "client_id": "d", "client_secret": "e"}
        more = {"username": "f", "secret": "g", "integration_code": "h"}
        for url in (simulator.url, simulator.url.replace("http:", "https:"), "https://169.254.169.254", "https://[::1]", "https://0x7f.1"):
            access = evolve(simulator.access(), base_url=url, credentials={**secrets, **more})
            async with guarded_client(longest=timedelta(seconds=5)) as client:
                psa: Psa = kind(client, SystemClock())
                with pytest.raises(NotDone) as refused:
                    await psa.check(access)
            assert Trouble.UNREACHABLE is refused.value.trouble

        assert [] == simulator.asked
        assert UUID(int=1) == access.account_id
