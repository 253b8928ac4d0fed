"""Notes that are due, and a relay that posts them to a simulated PSA."""

import ssl
from collections.abc import Callable, Collection, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, cast

import httpx
from attrs import evolve, frozen

from flowpilot_adapters.memory import MemoryVault
from flowpilot_adapters.psa import Autotask, ConnectWise, HaloPsa
from flowpilot_adapters.psa.vendor_line import Window
from flowpilot_adapters.system import SystemClock, new_id
from flowpilot_core.application.access.secrets import Safe
from flowpilot_core.application.kernel.units import Units
from flowpilot_core.application.psa.access import Psas
from flowpilot_core.application.psa.posting import PostNote
from flowpilot_core.application.relay.relay import Relay
from flowpilot_core.domain.kernel.identifiers import OutputId, PsaConnectionId, PsaPostId, SecretId
from flowpilot_core.domain.outputs.document import as_note
from flowpilot_core.domain.outputs.output import Output, OutputKind
from flowpilot_core.domain.psa.connection import NoteKind, PsaConnection, TicketAction, TicketChange
from flowpilot_core.domain.psa.post import PsaPost
from flowpilot_core.domain.sessions.session import Ticket
from flowpilot_core.ports.kernel import BeginWork
from flowpilot_core.ports.psa import Psa
from flowpilot_core.ports.relay import Outbox, WorkKind
from flowpilot_core.ports.unit_of_work import UnitOfWork
from flowpilot_core.testing.builders import Staff, a_session
from flowpilot_core.testing.faults import Faults
from flowpilot_core.testing.redaction import as_it_is

from .server import Simulator

ADAPTERS: Mapping[str, Callable[[httpx.AsyncClient, SystemClock], Psa]] = MappingProxyType(
    {"connectwise": ConnectWise, "halopsa": partial(HaloPsa, window=Window(most=1_000_000, seconds=300.0)), "autotask": Autotask}
)
"""What speaks to each simulator, however often."""


NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Simulators speak plain http: reading everybody's certificates takes longer than the rest of a test."""


@frozen
class FaultyPsa:
    """A PSA whose calls pass fault points."""

    faults: Faults
    psa: Psa

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.psa, name)
        if name == "vendor":
            return found

        async def method(*args: Any) -> Any:
            return await self.faults.call(f"psa.{name}", lambda: found(*args))

        return method


def _psas(vendors: Mapping[str, Psa]) -> Psas:
    return Psas(vendors=vendors, safe=Safe(vault=MemoryVault(), clock=SystemClock(), new_id=new_id))


async def connected(begin: BeginWork[UnitOfWork], staff: Staff, simulator: Simulator) -> None:
    """The account has a connection to the simulator, which knows its engineers by their addresses."""
    at = SystemClock().now()
    connection = PsaConnection(
        id=PsaConnectionId(new_id()),
        system=simulator.system,
        name="Desk",
        base_url=simulator.url,
        secret_id=SecretId(new_id()),
        changes={NoteKind.ESCALATED: TicketChange(status="In Progress", priority="Priority 2", owner=True, time_entry=True)},
        created_at=at,
        updated_at=at,
    )
    async with begin(staff.account_id) as work:
        await _psas({}).lock_away(work, staff.account_id, connection, simulator.credentials)
        await work.psa.add(connection)
        for person, name in ((staff.anna, "anna"), (staff.ben, "ben")):
            await work.people.save_user(evolve(staff.user(person), email=f"{name}@acme.example"))
        await work.commit()


async def escalated(
    begin: BeginWork[UnitOfWork],
    staff: Staff,
    simulator: Simulator,
    ticket: str = "1001",
    actions: Collection[TicketAction] = (TicketAction.NOTE,),
) -> Mapping[TicketAction, PsaPostId]:
    """A session that was escalated to Ben, with the posts of these actions due."""
    on = Ticket(system=simulator.system, id=ticket)
    kept = await a_session(by=staff.anna, ticket=on).step().escalated(user_id=staff.ben.user_id).kept(begin)
    last, post_ids = kept.moves[-1], {action: PsaPostId(new_id()) for action in TicketAction if action in actions}
    event_id = last.event.id
    assert event_id is not None
    async with begin(staff.account_id) as work:
        # The event is on record already; what follows from it is written as it would have been with it.
        await work.psa.connections()
        await work.psa.note(post_ids, NoteKind.ESCALATED, caused_by=event_id)
        await work.commit()
    return post_ids


async def written_up(
    begin: BeginWork[UnitOfWork], staff: Staff, simulator: Simulator, *, kind: OutputKind = OutputKind.PSA_NOTE, public: bool = False
) -> Output:
    """An approved output of a resolved session, with its post due."""
    case = await a_session(by=staff.anna, ticket=Ticket(system=simulator.system, id="1001")).step().resolved().kept(begin)
    at = SystemClock().now()
    draft, _ = Output.made(OutputId(new_id()), case.session, kind, "## What solved it\n\nAnother port.", by=staff.anna, at=at)
    approved, _ = draft.approved(case.session, by=staff.anna, at=at)
    output, _ = approved.given_to_post(case.session, by=staff.anna, at=at)
    async with begin(staff.account_id) as work:
        (connection,) = await work.psa.connections()
        post = PsaPost(
            id=PsaPostId(new_id()),
            connection_id=connection.id,
            session_id=case.id,
            ticket_id="1001",
            kind=NoteKind.OUTPUT,
            output_id=output.id,
            output_version=output.version,
            public=public,
            by=staff.anna.user_id,
            sent=as_note(output.body),
            created_at=at,
            updated_at=at,
        )
        await work.outputs.add(output)
        await work.psa.add_post(post)
        await work.commit()
    return output


def posting(begin: BeginWork[UnitOfWork], outbox: Outbox, client: httpx.AsyncClient, faults: Faults) -> Relay:
    """A relay that posts notes and does nothing else."""
    vendors = {system: cast(Psa, FaultyPsa(faults, adapter(client, SystemClock()))) for system, adapter in ADAPTERS.items()}
    begins = faults.begin(begin)
    handler = PostNote(
        units=Units(begin=begins, committed=lambda _: None, new_id=new_id),
        psas=_psas(vendors),
        clock=SystemClock(),
        jitter=lambda: 0.0,
        redact=as_it_is,
        base_url="https://flowpilot.example",
    )
    return Relay(outbox=faults.outbox(outbox), begin=begins, handlers={WorkKind.PSA_POST: handler}, jitter=lambda: 0.0)
