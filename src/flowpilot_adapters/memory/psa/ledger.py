"""The PSAs of an account and the log of what was posted there."""

from collections.abc import Mapping, Sequence
from functools import partial

from attrs import evolve, frozen

from flowpilot_adapters.memory.tables import DueWork, Working
from flowpilot_adapters.memory.transaction import Transaction
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import EventId, PsaConnectionId, PsaPostId
from flowpilot_core.domain.psa.connection import Health, NoteKind, PsaConnection, TicketAction
from flowpilot_core.domain.psa.post import TO_POST, PsaPost
from flowpilot_core.ports.psa import PostFilter
from flowpilot_core.ports.relay import WorkKind


def connections(rows: Working) -> Sequence[PsaConnection]:
    """All of them, oldest first."""
    return sorted(rows.psa_connections.values(), key=lambda connection: connection.id)


def posts(rows: Working, where: PostFilter, *, after: PsaPostId | None, limit: int) -> Sequence[PsaPost]:
    """The newest first."""
    found = (
        post
        for post in rows.psa_posts.values()
        if where.connection_id in (None, post.connection_id)
        and where.session_id in (None, post.session_id)
        and where.handoff_id in (None, post.handoff_id)
        and where.state in (None, post.state)
        and where.kind in (None, post.kind)
        and (after is None or post.id < after)
    )
    return sorted(found, key=lambda post: post.id, reverse=True)[:limit]


@frozen
class MemoryPsaLedger:
    """Of one account, inside one unit of work."""

    _work: Transaction

    async def connections(self) -> Sequence[PsaConnection]:
        """As `PsaLedger.connections` says."""
        return connections(self._work.rows)

    async def connection(self, connection_id: PsaConnectionId) -> PsaConnection:
        """As `PsaLedger.connection` says."""
        connection = self._work.rows.psa_connections.get(connection_id)
        if connection is None:
            raise NotFound("connection")
        return connection

    async def add(self, connection: PsaConnection) -> None:
        """As `PsaLedger.add` says; two at once are told apart at the commit."""
        self._work.psa_connections.added(connection.id)
        self._work.rows.psa_connections.put(connection.id, connection)
        self._work.require_unique()

    async def save(self, connection: PsaConnection) -> PsaConnection:
        """As `PsaLedger.save` says."""
        saved = evolve(connection, version=self._work.psa_connections.next(connection.id, connection.version))
        self._work.rows.psa_connections.put(saved.id, saved)
        return saved

    async def save_health(self, connection_id: PsaConnectionId, health: Health) -> None:
        """As `PsaLedger.save_health` says."""
        connection = self._work.rows.psa_connections.get(connection_id)
        if connection is not None:
            self._work.rows.psa_connections.put(connection_id, evolve(connection, health=health))

    async def remove(self, connection: PsaConnection) -> None:
        """As `PsaLedger.remove` says."""
        self._work.psa_connections.next(connection.id, connection.version)
        self._work.rows.psa_connections.drop(connection.id)

    async def note(self, post_ids: Mapping[TicketAction, PsaPostId], kind: NoteKind, *, caused_by: EventId) -> None:
        """As `PsaLedger.note` says."""
        for action, post_id in post_ids.items():
            self._work.react(caused_by, partial(self._note, post_id, kind, action, caused_by))

    async def is_behind(self, post: PsaPost) -> bool:
        """As `PsaLedger.is_behind` says."""
        return any(
            before.id < post.id
            and before.state in TO_POST
            and (before.connection_id, before.ticket_id) == (post.connection_id, post.ticket_id)
            for before in self._work.rows.psa_posts.values()
        )

    async def add_post(self, post: PsaPost) -> None:
        """As `PsaLedger.add_post` says."""
        self._post(post)

    async def read_ticket(self, *, caused_by: EventId) -> None:
        """As `PsaLedger.read_ticket` says."""
        self._work.react(caused_by, lambda: self._read_ticket(caused_by))

    async def post(self, post_id: PsaPostId) -> PsaPost:
        """As `PsaLedger.post` says."""
        post = self._work.rows.psa_posts.get(post_id)
        if post is None:
            raise NotFound("post")
        return post

    async def save_post(self, post: PsaPost) -> None:
        """As `PsaLedger.save_post` says."""
        self._work.rows.psa_posts.put(post.id, post)

    def _read_ticket(self, caused_by: EventId) -> None:
        rows = self._work.rows
        event = next(event for event in rows.events if event.id == caused_by)
        session = rows.sessions.get(event.session_id)
        ticket = session.ticket if session else None
        connection = next((one for one in connections(rows) if ticket and one.system == ticket.system), None)
        if connection is not None:
            due_at = self._work.clock.now()
            work = DueWork(id=event.session_id, kind=WorkKind.TICKET_FACTS, due_at=due_at, target=connection.id)
            rows.due.put(work.id, work)

    def _note(self, post_id: PsaPostId, kind: NoteKind, action: TicketAction, caused_by: EventId) -> None:
        rows = self._work.rows
        event = next(event for event in rows.events if event.id == caused_by)
        session = rows.sessions.get(event.session_id)
        ticket = session.ticket if session else None
        connection = next((one for one in connections(rows) if ticket and one.system == ticket.system and one.wants(kind, action)), None)
        if ticket is None or connection is None or (kind is NoteKind.RESOLVED and event.by is None):
            return
        post = PsaPost(
            id=post_id,
            connection_id=connection.id,
            session_id=event.session_id,
            handoff_id=event.handoff_id,
            ticket_id=ticket.id,
            kind=kind,
            action=action,
            by=event.by,
            created_at=event.at,
            updated_at=event.at,
        )
        self._post(post)

    def _post(self, post: PsaPost) -> None:
        due_at, rank = self._work.clock.now(), self._work.queue_rank(post.handoff_id)
        self._work.rows.psa_posts.put(post.id, post)
        due = DueWork(id=post.id, kind=WorkKind.PSA_POST, due_at=due_at, target=post.connection_id, queue_rank=rank)
        self._work.rows.due.put(post.id, due)
