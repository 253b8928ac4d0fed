"""What follows from events: event by event, the work to be done after the commit."""

from flowpilot_core.domain.events import EventKind
from flowpilot_core.domain.identifiers import ClaimWatchId, PsaPostId
from flowpilot_core.domain.psa_connection import NOTED, TicketAction
from flowpilot_core.ports.clock import NewId
from flowpilot_core.ports.persistence import UnitOfWork

from .units import Cause, Reaction
from .webhooks import tell_webhooks


def reactions(new_id: NewId) -> tuple[Reaction, ...]:
    """All of them."""
    return _watch_claims(new_id), tell_webhooks, _note_on_ticket(new_id), _read_ticket


async def _read_ticket(work: UnitOfWork, cause: Cause) -> None:
    """The ticket of a session that begins is read, where it is in a PSA that the account has connected."""
    if cause.kind is EventKind.SESSION_STARTED:
        await work.psa.read_ticket(caused_by=cause.id)


def _watch_claims(new_id: NewId) -> Reaction:
    """A claim is looked at again, where the account lets quiet ones lapse."""

    async def watch(work: UnitOfWork, cause: Cause) -> None:
        if cause.kind is EventKind.HANDOFF_CLAIMED:
            await work.escalation.watch_claim(ClaimWatchId(new_id()), caused_by=cause.id)

    return watch


def _note_on_ticket(new_id: NewId) -> Reaction:
    """A note on the ticket, and what else the account wants done there: which the store finds out as it writes it down."""

    async def note(work: UnitOfWork, cause: Cause) -> None:
        kind = NOTED.get(cause.kind)
        if kind is not None:
            await work.psa.note({action: PsaPostId(new_id()) for action in TicketAction}, kind, caused_by=cause.id)

    return note
