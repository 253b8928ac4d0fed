"""What there is to see in one account, each call in one round trip that can change nothing."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import psycopg
from sqlalchemy import Boolean, ColumnElement, Integer, SmallInteger, Text, Uuid, any_, bindparam, exists, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY

from flowpilot_core.domain.account import ApiToken
from flowpilot_core.domain.actor import Actor, Permission, Person, Role, permits
from flowpilot_core.domain.delivery import Delivery, DeliveryState
from flowpilot_core.domain.errors import NotFound, Unauthenticated
from flowpilot_core.domain.events import LoggedEvent
from flowpilot_core.domain.handoff import HandoffState, Intent
from flowpilot_core.domain.identifiers import AccountId, AssessmentId, DeliveryId, HandoffId, PsaPostId, SessionId, TeamId, UserId
from flowpilot_core.domain.psa_connection import PsaConnection
from flowpilot_core.domain.psa_post import PsaPost
from flowpilot_core.domain.session import Session, Status
from flowpilot_core.domain.similar import ResolvedSession
from flowpilot_core.domain.suggestion import Suggestion
from flowpilot_core.ports.assessments import JudgedAssessment
from flowpilot_core.ports.imports import Figures, ImportedCase
from flowpilot_core.ports.invitations import Member, TeamDetail
from flowpilot_core.ports.persistence import (
    Entry,
    HandoffDetail,
    News,
    QueueFilter,
    QueueItem,
    QueuePosition,
    SessionDetail,
    SessionFilter,
    StoredSnapshot,
)
from flowpilot_core.ports.psa_ledger import PostFilter

from . import assessments, handoffs, imports, people, psa_ledger, records, sessions, suggestions
from .connection import Result
from .errors import translated
from .pool import Pool
from .presence import ONLINE
from .queries import branches_of, columns_but_account, is_open, names_of, own, people_in_fork_points, people_in_sessions
from .schema import (
    api_token,
    branch,
    delivery,
    event,
    event_counter,
    fork_point,
    handoff,
    handoff_snapshot,
    person,
    session,
    sign_in,
)
from .statement import UUID, Call, Statement, compiled

BEGIN: Final = Statement("begin reading", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
COMMIT: Final = Statement("commit", "COMMIT")
ENTER: Final = Statement("enter account", "SELECT set_config('flowpilot.account_id', $1::text, true)", account_id=UUID)
ENTER_READING: Final = Statement(
    "enter account, reading",
    "SELECT set_config('flowpilot.account_id', $1::text, true), set_config('transaction_read_only', 'on', true)",
    account_id=UUID,
)
"""For a trip that is its own transaction, and whose one query sees one state by itself."""

LIMIT: Final = bindparam("most", type_=Integer())
ID: Final = bindparam("id", type_=handoff.c.id.type)
READER: Final = bindparam("reader_id", type_=Uuid())
READS_ALL: Final = bindparam("reads_all", type_=Boolean())


def _if_given(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    given = bindparam(name, type_=column.type)
    return or_(given.is_(None), column == given)


_page = (
    select(session.c.id)
    .where(
        own(session),
        session.c.id < bindparam("before"),
        _if_given(session.c.status, "status"),
        _if_given(session.c.assignee_id, "assignee_id"),
        or_(session.c.status != Status.PARKED, READS_ALL, any_(session.c.parked_with) == READER),
    )
    .order_by(session.c.id.desc())
    .limit(LIMIT)
)
SESSIONS: Final = compiled(
    "sessions",
    select(
        *columns_but_account(session),
        *names_of(people_in_sessions(session.c.id.in_(_page)), people_in_fork_points(fork_point.c.session_id.in_(_page))).c,
    )
    .where(own(session), session.c.id.in_(_page))
    .order_by(session.c.id.desc()),
)
BRANCHES: Final = compiled("branches of sessions", branches_of(branch.c.session_id.in_(_page)))

SNAPSHOT: Final = compiled(
    "snapshot",
    select(*columns_but_account(handoff), handoff_snapshot.c.body)
    .join_from(handoff, handoff_snapshot, own(handoff_snapshot) & (handoff_snapshot.c.handoff_id == handoff.c.id))
    .where(own(handoff), handoff.c.id == ID),
)
QUEUE: Final = compiled(
    "queue",
    select(
        handoff.c.id,
        handoff.c.session_id,
        handoff.c.title,
        handoff.c.client_name,
        handoff.c.ticket_system,
        handoff.c.ticket_id,
        handoff.c.reason,
        handoff.c.priority,
        handoff.c.escalated_by,
        person.c.name.label("escalated_by_name"),
        handoff.c.team_id,
        handoff.c.user_id,
        handoff.c.escalated_at,
        handoff.c.due_at,
        handoff.c.headline,
        handoff.c.branch_count,
        handoff.c.step_count,
    )
    .join_from(handoff, person, own(person) & (person.c.id == handoff.c.escalated_by))
    .where(
        own(handoff),
        handoff.c.state == HandoffState.OPEN,
        handoff.c.intent == Intent.ESCALATE,
        tuple_(handoff.c.queue_rank, handoff.c.escalated_at, handoff.c.id)
        > tuple_(
            bindparam("after_rank", type_=SmallInteger()),
            bindparam("after_time", type_=handoff.c.escalated_at.type),
            bindparam("after_id", type_=handoff.c.id.type),
        ),
        _if_given(handoff.c.team_id, "team_id"),
        _if_given(handoff.c.user_id, "user_id"),
        _if_given(handoff.c.priority, "priority"),
    )
    .order_by(handoff.c.queue_rank, handoff.c.escalated_at, handoff.c.id)
    .limit(LIMIT),
)
DELIVERIES: Final = compiled(
    "deliveries",
    select(*columns_but_account(delivery))
    .where(own(delivery), delivery.c.handoff_id == ID, delivery.c.id > bindparam("after"))
    .order_by(delivery.c.id)
    .limit(LIMIT),
)
LEDGER: Final = compiled(
    "ledger",
    select(*columns_but_account(delivery))
    .where(own(delivery), delivery.c.id < bindparam("before"), delivery.c.state == any_(bindparam("states", type_=ARRAY(Text))))
    .order_by(delivery.c.id.desc())
    .limit(LIMIT),
)
_entries = (
    select(*columns_but_account(event), person.c.name.label("by_name"))
    .select_from(event.outerjoin(person, own(person) & (person.c.id == event.c.by_user_id)))
    .where(own(event))
    .order_by(event.c.number)
    .limit(LIMIT)
)
_making = event.alias("making")
_made = (
    select(func.min(_making.c.number))
    .where(own(_making), _making.c.session_id == bindparam("session_id"), _making.c.handoff_id == bindparam("since"))
    .scalar_subquery()
)
_after = bindparam("after", type_=event.c.number.type)
READABLE: Final = compiled(
    "session to read of",
    select(session.c.id).where(
        own(session),
        session.c.id == bindparam("session_id"),
        or_(
            bindparam("in_hindsight", type_=Boolean()), session.c.status != Status.PARKED, READS_ALL, any_(session.c.parked_with) == READER
        ),
    ),
)
TIMELINE: Final = compiled(
    "timeline",
    _entries.where(
        event.c.session_id == bindparam("session_id"),
        event.c.number > func.greatest(_after, func.coalesce(_made, _after)),
        or_(
            event.c.private.is_(False),
            READS_ALL,
            exists().where(own(handoff), handoff.c.id == event.c.handoff_id, any_(handoff.c.readers) == READER),
        ),
    ),
)
EVENTS: Final = compiled("events", _entries.where(event.c.number > _after))
NEWS: Final = compiled(
    "news",
    select(*columns_but_account(event), person.c.name.label("by_name"), handoff.c.readers)
    .select_from(
        event.outerjoin(person, own(person) & (person.c.id == event.c.by_user_id)).outerjoin(
            handoff, own(handoff) & (handoff.c.id == event.c.handoff_id)
        )
    )
    .where(own(event), event.c.number > _after)
    .order_by(event.c.number)
    .limit(LIMIT),
)
LAST: Final = compiled("last number", select(event_counter.c.number).where(own(event_counter)))
AUTHENTICATE: Final = compiled(
    "authenticate",
    select(*columns_but_account(api_token), person.c.name.label("user_name"), person.c.role)
    .join_from(api_token, person, own(person) & (person.c.id == api_token.c.user_id))
    .where(
        own(api_token),
        api_token.c.digest == bindparam("digest"),
        api_token.c.revoked_at.is_(None),
        or_(api_token.c.expires_at.is_(None), api_token.c.expires_at > bindparam("at", type_=api_token.c.expires_at.type)),
        person.c.deactivated_at.is_(None),
        is_open(),
    ),
)
SIGNED_IN: Final = compiled(
    "authenticate browser",
    select(person.c.id, person.c.name, person.c.role)
    .join_from(sign_in, person, own(person) & (person.c.id == sign_in.c.user_id))
    .where(
        own(sign_in),
        sign_in.c.digest == bindparam("digest"),
        sign_in.c.expires_at > bindparam("at"),
        person.c.deactivated_at.is_(None),
        is_open(),
    ),
)

FIRST: Final = QueuePosition(rank=2**15 - 1, escalated_at=datetime.min.replace(tzinfo=UTC), handoff_id=HandoffId(uuid.UUID(int=0)))
"""A place before the whole queue."""
LOWEST: Final = uuid.UUID(int=0)
HIGHEST: Final = uuid.UUID(int=2**128 - 1)


class SqlView:
    """Reads what is committed in one account."""

    def __init__(self, pool: Pool, account_id: AccountId) -> None:
        self._pool = pool
        self._account_id = account_id

    async def session(self, session_id: SessionId) -> SessionDetail:
        """As `View.session` says."""
        return sessions.detail_of(await self._read(*sessions.detail_calls(self._account_id, session_id)))

    async def sessions(
        self, where: SessionFilter, reader: Actor, *, after: SessionId | None, limit: int
    ) -> tuple[Sequence[Session], Mapping[UserId, str]]:
        """As `View.sessions` says."""
        page = {
            "account_id": self._account_id,
            "before": after or HIGHEST,
            "status": where.status,
            "assignee_id": where.assignee_id,
            "most": limit,
            **_reader(reader),
        }
        found, branches = await self._read(SESSIONS(**page), BRANCHES(**page))
        by_session: dict[SessionId, list[Any]] = {}
        for row in branches.rows:
            by_session.setdefault(row.session_id, []).append(row)
        names = records.names(found.first) if found.first else {}
        return [records.session(row, by_session[row.id]) for row in found.rows], names

    async def handoff(self, handoff_id: HandoffId) -> HandoffDetail:
        """As `View.handoff` says."""
        return handoffs.detail_of(await self._read_one(handoffs.detail_call(self._account_id, handoff_id)))

    async def snapshot(self, handoff_id: HandoffId) -> StoredSnapshot:
        """As `View.snapshot` says."""
        row = (await self._read_one(SNAPSHOT(account_id=self._account_id, id=handoff_id))).first
        if row is None:
            raise NotFound("handoff")
        return StoredSnapshot(handoff=records.handoff(row), body=row.body)

    async def queue(self, where: QueueFilter, *, after: QueuePosition | None, limit: int) -> Sequence[QueueItem]:
        """As `View.queue` says."""
        start = after or FIRST
        found = await self._read_one(
            QUEUE(
                account_id=self._account_id,
                after_rank=-start.rank,
                after_time=start.escalated_at,
                after_id=start.handoff_id,
                team_id=where.team_id,
                user_id=where.user_id,
                priority=where.priority,
                most=limit,
            )
        )
        return [records.queue_item(row) for row in found.rows]

    async def deliveries(self, handoff_id: HandoffId, *, after: DeliveryId | None, limit: int) -> Sequence[Delivery]:
        """As `View.deliveries` says."""
        handoff, found = await self._read(
            handoffs.GET(account_id=self._account_id, id=handoff_id),
            DELIVERIES(account_id=self._account_id, id=handoff_id, after=after or LOWEST, most=limit),
        )
        if handoff.first is None:
            raise NotFound("handoff")
        return [records.delivery(row) for row in found.rows]

    async def ledger(self, states: frozenset[DeliveryState], *, before: DeliveryId | None, limit: int) -> Sequence[Delivery]:
        """As `View.ledger` says."""
        (found,) = await self._read(LEDGER(account_id=self._account_id, states=sorted(states), before=before or HIGHEST, most=limit))
        return [records.delivery(row) for row in found.rows]

    async def assessments(self, handoff_id: HandoffId, *, after: AssessmentId | None, limit: int) -> Sequence[JudgedAssessment]:
        """As `View.assessments` says."""
        handoff, *found = await self._read(
            handoffs.GET(account_id=self._account_id, id=handoff_id),
            *assessments.page_calls(self._account_id, handoff_id, before=after or HIGHEST, most=limit),
        )
        if handoff.first is None:
            raise NotFound("handoff")
        return assessments.page_of(found)

    async def suggestions(self, session_id: SessionId) -> Sequence[Suggestion]:
        """As `View.suggestions` says."""
        found = await self._read_one(suggestions.OF(account_id=self._account_id, session_id=session_id))
        return [records.suggestion(row) for row in reversed(found.rows)]

    async def similar(self, words: Sequence[str], title: str, *, without: SessionId, limit: int) -> Sequence[ResolvedSession]:
        """As `View.similar` says."""
        call = suggestions.similar_call(self._account_id, words, title, without=without, limit=limit)
        return suggestions.similar_of(await self._read_one(call))

    async def timeline(self, session_id: SessionId, reader: Actor, *, since: HandoffId | None, after: int, limit: int) -> Sequence[Entry]:
        """As `View.timeline` says."""
        of_session = {"account_id": self._account_id, "session_id": session_id, **_reader(reader)}
        session, found = await self._read(
            READABLE(in_hindsight=since is not None, **of_session), TIMELINE(since=since, after=after, most=limit, **of_session)
        )
        if session.first is None:
            raise NotFound("session")
        return [Entry(logged=records.logged_event(row), name=row.by_name) for row in found.rows]

    async def events(self, *, after: int, limit: int) -> Sequence[LoggedEvent]:
        """As `View.events` says."""
        found = await self._read_one(EVENTS(account_id=self._account_id, after=after, most=limit))
        return [records.logged_event(row) for row in found.rows]

    async def news(self, *, after: int, limit: int) -> Sequence[News]:
        """As `View.news` says."""
        found = await self._read_one(NEWS(account_id=self._account_id, after=after, most=limit))
        return [records.news(row) for row in found.rows]

    async def online(self) -> frozenset[UserId]:
        """As `View.online` says."""
        return frozenset(row.user_id for row in (await self._read_one(ONLINE(account_id=self._account_id))).rows)

    async def last_number(self) -> int:
        """As `View.last_number` says."""
        row = (await self._read_one(LAST(account_id=self._account_id))).first
        return row.number if row else 0

    async def imported(self, log: str) -> Mapping[str, ImportedCase]:
        """As `View.imported` says."""
        return imports.imported_of(await self._read_one(imports.imported_call(self._account_id, log)))

    async def figures(self, log: str) -> Figures:
        """As `View.figures` says."""
        return imports.figures_of(await self._read_one(imports.figures_call(self._account_id, log)))

    async def psa_connections(self) -> Sequence[PsaConnection]:
        """As `View.psa_connections` says."""
        return psa_ledger.connections_of(await self._read_one(psa_ledger.CONNECTIONS(account_id=self._account_id)))

    async def psa_posts(self, where: PostFilter, *, after: PsaPostId | None, limit: int) -> Sequence[PsaPost]:
        """As `View.psa_posts` says."""
        return psa_ledger.posts_of(await self._read_one(psa_ledger.posts_call(self._account_id, where, after or HIGHEST, limit)))

    async def members(self, *, after: UserId | None, limit: int) -> Sequence[Member]:
        """As `View.members` says."""
        found = await self._read_one(people.MEMBERS(account_id=self._account_id, after=after or LOWEST, most=limit))
        return [records.member(row) for row in found.rows]

    async def member(self, user_id: UserId) -> Member:
        """As `View.member` says."""
        return people.member_of(await self._read_one(people.member_call(self._account_id, user_id)))

    async def teams(self, *, after: TeamId | None, limit: int) -> Sequence[TeamDetail]:
        """As `View.teams` says."""
        found = await self._read_one(people.TEAM_PAGE(account_id=self._account_id, after=after or LOWEST, most=limit))
        return [records.team(row) for row in found.rows]

    async def team(self, team_id: TeamId) -> TeamDetail:
        """As `View.team` says."""
        return people.team_of(await self._read_one(people.team_call(self._account_id, team_id)))

    async def authenticate(self, digest: bytes, *, at: datetime) -> tuple[Person, ApiToken]:
        """As `View.authenticate` says."""
        row = (await self._read_one(AUTHENTICATE(account_id=self._account_id, digest=digest, at=at))).first
        if row is None:
            raise Unauthenticated
        token = records.api_token(row)
        person = Person(account_id=self._account_id, user_id=token.user_id, role=Role(row.role), name=row.user_name, scope=token.scope)
        return person, token

    async def signed_in(self, digest: bytes, *, at: datetime) -> Person:
        """As `View.signed_in` says."""
        return await self._person(SIGNED_IN(account_id=self._account_id, digest=digest, at=at))

    async def _person(self, call: Call) -> Person:
        row = (await self._read_one(call)).first
        if row is None:
            raise Unauthenticated
        return Person(account_id=self._account_id, user_id=row.id, role=Role(row.role), name=row.name)

    async def _read_one(self, call: Call) -> Result:
        return (await self._trip([ENTER_READING(account_id=self._account_id), call]))[-1]

    async def _read(self, *calls: Call) -> list[Result]:
        """The results of `calls`, which all see the same state."""
        return (await self._trip([BEGIN(), ENTER(account_id=self._account_id), *calls, COMMIT()]))[2:-1]

    async def _trip(self, calls: list[Call]) -> list[Result]:
        try:
            async with self._pool.connection() as connection:
                return await connection.round_trip(calls)
        except psycopg.Error as error:
            raise translated(error) from error


def _reader(reader: Actor) -> dict[str, Any]:
    """What of others' parks `reader` may read, as the core's table says: all, where they are the reader's own, or none."""
    user_id = reader.user_id if isinstance(reader, Person) else None
    own_parks = user_id is not None and permits(reader, Permission.READ_PARKED, (user_id,))
    return {"reads_all": permits(reader, Permission.READ_PARKED, ()), "reader_id": user_id if own_parks else None}
