"""What the repositories of one unit of work share: its rows, its locks, and the commit that checks and applies without a pause."""

from collections.abc import Callable, Hashable
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from flowpilot_core.domain.handoffs.handoff import Handoff
from flowpilot_core.domain.kernel.errors import ConnectionExists, InvalidValue, NotFound, Stale, Unauthenticated
from flowpilot_core.domain.kernel.identifiers import AccountId, EventId, HandoffId, PsaConnectionId, SessionId, UserId
from flowpilot_core.domain.kernel.mailbox import folded_email
from flowpilot_core.domain.psa.connection import PsaConnection
from flowpilot_core.domain.sessions.session import Session
from flowpilot_core.ports.kernel import Clock

from .locks import Locks
from .tables import Rows, Tables, Working


class _Versioned(Protocol):
    @property
    def version(self) -> int: ...


K = TypeVar("K", bound=Hashable)
R = TypeVar("R", bound=_Versioned)


class Versions(Generic[K, R]):
    """Which versions a unit of work has built on, to be checked at its commit."""

    def __init__(self, rows: Rows[K, R]) -> None:
        self._rows = rows
        self._based_on: dict[K, int | None] = {}

    def added(self, key: K) -> None:
        """A row that nobody has committed yet."""
        self._based_on[key] = None

    def next(self, key: K, version: int) -> int:
        """The version after `version`. Raises `Stale` where that is not the current one."""
        current = self._rows.get(key)
        if current is None or current.version != version:
            raise Stale
        self._based_on.setdefault(key, version)
        return version + 1

    def check(self) -> None:
        """Raises `Stale` where somebody else has saved one of the rows since."""
        for key, version in self._based_on.items():
            committed = self._rows.committed(key)
            if (committed.version if committed else None) != version:
                raise Stale


class Transaction:
    """The state of one unit of work in one account."""

    def __init__(self, account_id: AccountId, tables: Tables, *, locks: Locks, clock: Clock) -> None:
        self.account_id = account_id
        self.rows = Working(tables)
        self.clock = clock
        self.sessions: Versions[SessionId, Session] = Versions(self.rows.sessions)
        self.handoffs: Versions[HandoffId, Handoff] = Versions(self.rows.handoffs)
        self.psa_connections: Versions[PsaConnectionId, PsaConnection] = Versions(self.rows.psa_connections)
        self._locks = locks
        self._committed = False
        self._built_on: list[tuple[Rows[Any, Any], Any, object]] = []
        self._reactions: list[tuple[EventId, Callable[[], None]]] = []

    async def lock(self, *key: Hashable) -> None:
        """Hold a row of the account until this unit of work ends."""
        await self._locks.take((self.account_id, *key), self)

    def end(self) -> None:
        """Let go of all locks."""
        self._locks.let_go(self)

    def react(self, caused_by: EventId | None, write: Callable[[], None]) -> None:
        """Write at the commit, if the event is recorded here by then; without an event at once."""
        if caused_by is None:
            write()
        else:
            self._reactions.append((caused_by, write))

    def builds_on(self, rows: Rows[K, R], key: K, row: R) -> None:
        """The commit is to find this row as it was; of one that was built on before, or is new, nothing."""
        if rows.committed(key) is not None and all((known, at) != (rows, key) for known, at, _ in self._built_on):
            self._built_on.append((rows, key, row))

    def active(self, user_id: UserId) -> bool:
        """Whether this is somebody of the account who may do things."""
        user, account = self.rows.users.get(user_id), self.rows.accounts.get(self.account_id)
        return user is not None and user.deactivated_at is None and account is not None and account.closed_at is None

    def queue_rank(self, handoff_id: HandoffId | None) -> int:
        """How soon what is about a handoff is wanted; what is about none stands where the lowest priority does."""
        handoff = self.rows.handoffs.get(handoff_id) if handoff_id else None
        return -handoff.priority.rank if handoff else 0

    def commit(self) -> None:
        """Check all and apply all; nothing else runs in between. Once; a second call does nothing."""
        if self._committed:
            return
        if self.rows.touched and self.rows.accounts.get(self.account_id) is None:
            raise NotFound("account")
        self.sessions.check()
        self.handoffs.check()
        self.psa_connections.check()
        if any(rows.committed(key) != row for rows, key, row in self._built_on):
            raise Stale
        self.require_unique()
        if not all(self.active(event.by) for event in self.rows.events if event.by is not None):
            raise Unauthenticated
        recorded = {event.id for event in self.rows.events}
        for caused_by, write in self._reactions:
            if caused_by in recorded:
                write()
        self.rows.apply()
        self._committed = True

    def require_unique(self) -> None:
        """Raises `InvalidValue` for an e-mail address or a team's name that is taken, `ConnectionExists` for a second way to one PSA."""
        people = [(folded_email(user.email), user.id) for user in self.rows.users.values()]
        if len({email for email, _ in people}) < len(people):
            raise InvalidValue("email", "is already used by somebody in this account")
        teams = [team.name for team in self.rows.teams.values()]
        if len(set(teams)) < len(teams):
            raise InvalidValue("name", "is already the name of a team")
        systems = [connection.system for connection in self.rows.psa_connections.values()]
        for number, system in enumerate(systems):
            if system in systems[:number]:
                raise ConnectionExists(system)


def due_key(work_id: UUID) -> tuple[str, UUID]:
    """What locks a piece of due work."""
    return "due", work_id
