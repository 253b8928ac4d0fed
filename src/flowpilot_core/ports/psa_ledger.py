"""The PSAs of an account and the log of what was posted there."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from attrs import frozen

from flowpilot_core.domain.identifiers import EventId, HandoffId, PsaConnectionId, PsaPostId, SessionId
from flowpilot_core.domain.psa_connection import Health, NoteKind, PsaConnection, TicketAction
from flowpilot_core.domain.psa_post import PostState, PsaPost


@frozen(kw_only=True)
class PostFilter:
    """Which posts to list; None: all."""

    connection_id: PsaConnectionId | None = None
    session_id: SessionId | None = None
    handoff_id: HandoffId | None = None
    state: PostState | None = None
    kind: NoteKind | None = None


class PsaLedger(Protocol):
    """The connections and posts of one account, inside one unit of work."""

    async def connections(self) -> Sequence[PsaConnection]:
        """Those that were not removed, oldest first."""

    async def connection(self, connection_id: PsaConnectionId) -> PsaConnection:
        """Raises `NotFound`, also once it was removed."""

    async def add(self, connection: PsaConnection) -> None:
        """Keep a new one, whose secret is kept before.

        Raises `ConnectionExists` (now or at the commit) where there is one to its system.
        """

    async def save(self, connection: PsaConnection) -> PsaConnection:
        """Keep a changed one; returns it with the next `version`. Raises `Stale` as `Sessions.save` does."""

    async def save_health(self, connection_id: PsaConnectionId, health: Health) -> None:
        """Keep how well it works; no other version for that, and whoever says so last is right."""

    async def remove(self, connection: PsaConnection) -> None:
        """Forget it, so that its secret can be dropped; what was posted stays in the log. Raises `Stale` as `save` does."""

    async def note(self, post_ids: Mapping[TicketAction, PsaPostId], kind: NoteKind, *, caused_by: EventId) -> None:
        """Have done on the ticket what is wanted at this event, if it is recorded here: a post for each action that is wanted, under the
        id given for it, and the work of it, due at once.

        There is none where the session has no ticket, where the connection to the ticket's system does not want it at events of this
        kind (`PsaConnection.wants`), or where the system resolved the session: then its ticket was closed first.
        """

    async def add_post(self, post: PsaPost) -> None:
        """Keep a new one that somebody asked for, with the work of posting it, due at once."""

    async def is_behind(self, post: PsaPost) -> bool:
        """Whether something that was asked for before it, and has a lower id, is still to be done on its ticket."""

    async def read_ticket(self, *, caused_by: EventId) -> None:
        """Have the ticket of this event's session read, if it is recorded here: work under the session's id, due at once.

        There is none where the session has no ticket, or the account no connection to its system.
        """

    async def post(self, post_id: PsaPostId) -> PsaPost:
        """Raises `NotFound`."""

    async def save_post(self, post: PsaPost) -> None:
        """Keep a changed post."""
