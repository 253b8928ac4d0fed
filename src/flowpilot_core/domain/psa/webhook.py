"""What a PSA tells of its tickets: the address that it is told, and what follows for the sessions on a ticket."""

from datetime import datetime

from attrs import frozen

from flowpilot_core.domain.handoffs.handoff import Handoff
from flowpilot_core.domain.kernel.actor import System
from flowpilot_core.domain.kernel.events import Event
from flowpilot_core.domain.kernel.identifiers import PsaConnectionId, PsaTicketId, SecretId
from flowpilot_core.domain.sessions.session import Session, Status


@frozen(kw_only=True)
class PsaWebhook:
    """The one address of a connection that its PSA calls."""

    connection_id: PsaConnectionId
    digest: bytes
    """SHA-256 of the secret in the address: what is stored of it."""
    secret_id: SecretId
    """What vouches for a caller besides, where the vendor lets us choose it."""
    made_at: datetime


@frozen(kw_only=True)
class WatchedTicket:
    """A ticket that its PSA told of while a session was on it."""

    id: PsaTicketId
    connection_id: PsaConnectionId
    ticket_id: str
    closed: bool = False
    """Whether it was closed when it was last looked at."""

    def ends(self, session: Session, *, closed: bool, closed_at: datetime | None) -> bool:
        """Whether a ticket that is now found so ends a session that is on it.

        It does as it closes, and not for having been closed before: a session that was reopened, or begun on a closed ticket, goes on.
        """
        before = closed_at is not None and closed_at < session.created_at
        return closed and not self.closed and not before


@frozen(kw_only=True)
class Ended:
    """A session whose ticket was closed, with whatever handoff had to end first."""

    session: Session
    handoff: Handoff | None = None
    events: tuple[Event, ...]


def ended(session: Session, handoff: Handoff | None, *, summary: str, by: System, at: datetime) -> Ended | None:
    """The session resolved, whatever it was doing; None where it is resolved or abandoned already.

    Of a parked one the park ends first, an escalated one is taken out of the queue: each is the move that a person would make, so that
    whatever follows from it follows. `handoff` is the session's latest.
    """
    before: tuple[Event, ...] = ()
    match session.status:
        case Status.PARKED if handoff is not None:
            session, event = session.resumed(by=by, at=at)
            handoff, before = handoff.resumed(), (event,)
        case Status.ESCALATED if handoff is not None:
            handoff, session, event = handoff.withdrawn(session, by=by, at=at)
            before = (event,)
        case Status.ACTIVE:
            handoff = None
        case _:
            return None
    session, event = session.resolved(summary, None, by=by, at=at)
    return Ended(session=session, handoff=handoff, events=(*before, event))
