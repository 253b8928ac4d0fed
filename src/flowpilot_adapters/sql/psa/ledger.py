"""The PSAs of an account and the log of what was posted there, inside one unit of work."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from attrs import evolve
from sqlalchemy import (
    Boolean,
    Integer,
    Text,
    Uuid,
    any_,
    bindparam,
    column,
    false,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from flowpilot_adapters.sql.connection import Result
from flowpilot_adapters.sql.errors import STALE
from flowpilot_adapters.sql.queries import ACCOUNT, columns_but_account, only_saved, own, queue_rank_of
from flowpilot_adapters.sql.records import kernel as kernel_records
from flowpilot_adapters.sql.records import psa as records
from flowpilot_adapters.sql.relay.due_work import add as add_work
from flowpilot_adapters.sql.schema import due_work, event, psa_connection, psa_post, session
from flowpilot_adapters.sql.statement import Call, compiled
from flowpilot_adapters.sql.transaction import Transaction
from flowpilot_core.domain.kernel.errors import ConnectionExists, NotFound
from flowpilot_core.domain.kernel.identifiers import AccountId, EventId, PsaConnectionId, PsaPostId
from flowpilot_core.domain.psa.connection import Health, NoteKind, PsaConnection, TicketAction
from flowpilot_core.domain.psa.post import TO_POST, PostState, PsaPost
from flowpilot_core.ports.psa import PostFilter
from flowpilot_core.ports.relay import Work, WorkKind

ID: Final = bindparam("id", type_=psa_connection.c.id.type)
_kept: Final = own(psa_connection) & psa_connection.c.removed_at.is_(None)
_connection: Final = [column for column in columns_but_account(psa_connection) if column.name != "removed_at"]

CONNECTIONS: Final = compiled("connections", select(*_connection).where(_kept).order_by(psa_connection.c.id))
CONNECTION: Final = compiled("connection", select(*_connection).where(_kept, psa_connection.c.id == ID))
TAKEN: Final = compiled("connection to", select(psa_connection.c.id).where(_kept, psa_connection.c.system == bindparam("system")))
HEALTH: Final = ("circuit", "failures", "rests_until", "problem", "last_success_at")
ADD: Final = compiled(
    "add connection",
    insert(psa_connection).values({column: bindparam(column.name) for column in psa_connection.c if column.name != "removed_at"}),
)
CHANGING: Final = ("name", "base_url", "settings", "noted", "templates", "summary_public", "changes", "updated_at", *HEALTH)
_same = psa_connection.c.version == bindparam("old_version")
_one = (psa_connection.c.account_id == ACCOUNT, psa_connection.c.id == bindparam("connection_id"), psa_connection.c.removed_at.is_(None))
SAVE: Final = only_saved(
    "save connection",
    update(psa_connection)
    .where(*_one, _same)
    .values(
        {
            "version": psa_connection.c.version + 1,
            **{name: bindparam(f"new_{name}") for name in CHANGING},
        }
    ),
    STALE,
)
SAVE_HEALTH: Final = compiled(
    "save health of connection", update(psa_connection).where(*_one).values({name: bindparam(f"new_{name}") for name in HEALTH})
)
REMOVE: Final = only_saved(
    "remove connection",
    update(psa_connection).where(*_one, _same).values(removed_at=func.now(), secret_id=null(), version=psa_connection.c.version + 1),
    STALE,
)

_KIND: Final = bindparam("kind", type_=Text())
_wanted = (
    func.unnest(bindparam("ids", type_=ARRAY(Uuid)), bindparam("actions", type_=ARRAY(Text)))
    .table_valued(column("id", Uuid()), column("action", Text()))
    .render_derived(name="wanted")
)
_caused = (
    select(
        ACCOUNT,
        _wanted.c.id,
        psa_connection.c.id,
        event.c.session_id,
        event.c.handoff_id,
        session.c.ticket_id,
        _KIND,
        false(),
        _wanted.c.action,
        event.c.by_user_id,
        literal_column(f"'{PostState.PENDING}'"),
        literal_column("0"),
        false(),
        event.c.at,
        event.c.at,
    )
    .select_from(psa_connection)
    .join(event, own(event) & (event.c.id == bindparam("caused_by", type_=event.c.id.type)))
    .join(session, own(session) & (session.c.id == event.c.session_id) & (session.c.ticket_system == psa_connection.c.system))
    .join(_wanted, true())
    .where(
        _kept,
        or_(
            (_wanted.c.action == TicketAction.NOTE) & (any_(psa_connection.c.noted) == _KIND),
            func.jsonb_exists(psa_connection.c.changes.op("->", return_type=JSONB())(_KIND), _wanted.c.action),
        ),
        or_(_KIND != NoteKind.RESOLVED, event.c.by_user_id.is_not(None)),
    )
)
_posted = (
    insert(psa_post)
    .from_select(
        [
            "account_id",
            "id",
            "connection_id",
            "session_id",
            "handoff_id",
            "ticket_id",
            "kind",
            "public",
            "action",
            "by_user_id",
            "state",
            "attempts",
            "maybe_posted",
            "created_at",
            "updated_at",
        ],
        _caused,
    )
    .returning(psa_post.c.id, psa_post.c.connection_id, psa_post.c.handoff_id)
    .cte("posted")
)
NOTE: Final = compiled(
    "note on ticket",
    insert(due_work).from_select(
        ["account_id", "id", "kind", "due_at", "takes", "target", "queue_rank"],
        select(
            ACCOUNT,
            _posted.c.id,
            literal_column(f"'{WorkKind.PSA_POST}'"),
            func.now(),
            literal_column("0"),
            _posted.c.connection_id,
            queue_rank_of(_posted.c.handoff_id),
        ),
    ),
)

_BEFORE: Final = psa_post.alias("before")
BEHIND: Final = compiled(
    "post behind others",
    select(_BEFORE.c.id)
    .where(
        own(_BEFORE),
        _BEFORE.c.connection_id == bindparam("connection_id", type_=psa_post.c.connection_id.type),
        _BEFORE.c.ticket_id == bindparam("ticket_id", type_=Text()),
        _BEFORE.c.id < ID,
        literal_column(f"before.state IN ({', '.join(repr(str(state)) for state in sorted(TO_POST))})", Boolean()),
    )
    .limit(1),
)

READ_TICKET: Final = compiled(
    "read ticket",
    insert(due_work).from_select(
        ["account_id", "id", "kind", "due_at", "takes", "target"],
        select(ACCOUNT, session.c.id, literal_column(f"'{WorkKind.TICKET_FACTS}'"), func.now(), literal_column("0"), psa_connection.c.id)
        .select_from(psa_connection)
        .join(event, own(event) & (event.c.id == bindparam("caused_by", type_=event.c.id.type)))
        .join(session, own(session) & (session.c.id == event.c.session_id) & (session.c.ticket_system == psa_connection.c.system))
        .where(_kept),
    ),
)

_post: Final = [psa_post.c.by_user_id.label("by"), *(column for column in columns_but_account(psa_post) if column.name != "by_user_id")]
POST: Final = compiled("post", select(*_post).where(own(psa_post), psa_post.c.id == ID))
ADD_POST: Final = compiled("add post", insert(psa_post).values({column: bindparam(column.name) for column in psa_post.c}))
_FILTERS: Final = ("connection_id", "session_id", "handoff_id", "state", "kind")
POSTS: Final = compiled(
    "posts",
    select(*_post)
    .where(
        own(psa_post),
        psa_post.c.id < bindparam("before"),
        *(
            or_(bindparam(name, type_=psa_post.c[name].type).is_(None), psa_post.c[name] == bindparam(name, type_=psa_post.c[name].type))
            for name in _FILTERS
        ),
    )
    .order_by(psa_post.c.id.desc())
    .limit(bindparam("most", type_=Integer())),
)
POST_CHANGING: Final = (
    "state",
    "reason",
    "attempts",
    "maybe_posted",
    "last_error",
    "minutes",
    "sent",
    "vendor_id",
    "answer",
    "updated_at",
    "posted_at",
)
ADDED: Final = (
    *(
        "id",
        "connection_id",
        "session_id",
        "handoff_id",
        "ticket_id",
        "kind",
        "action",
        "output_id",
        "output_version",
        "public",
        "created_at",
    ),
    *POST_CHANGING,
)
SAVE_POST: Final = compiled(
    "save post",
    update(psa_post)
    .where(psa_post.c.account_id == ACCOUNT, psa_post.c.id == bindparam("post_id"))
    .values({name: bindparam(f"new_{name}") for name in POST_CHANGING}),
)


def connections_of(found: Result) -> Sequence[PsaConnection]:
    """What `CONNECTIONS` came to."""
    return [records.psa_connection(row) for row in found.rows]


def posts_call(account_id: AccountId, where: PostFilter, before: object, limit: int) -> Call:
    """What lists posts."""
    return POSTS(account_id=account_id, before=before, most=limit, **{name: getattr(where, name) for name in _FILTERS})


def posts_of(found: Result) -> Sequence[PsaPost]:
    """What `POSTS` came to."""
    return [records.psa_post(row) for row in found.rows]


class SqlPsaLedger:
    """Inside one unit of work."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id

    async def connections(self) -> Sequence[PsaConnection]:
        """As `PsaLedger.connections` says."""
        (found,) = await self._transaction.read(CONNECTIONS(account_id=self._account_id))
        return connections_of(found)

    async def connection(self, connection_id: PsaConnectionId) -> PsaConnection:
        """As `PsaLedger.connection` says."""
        (found,) = await self._transaction.read(CONNECTION(account_id=self._account_id, id=connection_id))
        if found.first is None:
            raise NotFound("connection")
        return records.psa_connection(found.first)

    async def add(self, connection: PsaConnection) -> None:
        """As `PsaLedger.add` says: now where it is there already, at the commit where two come at once."""
        (taken,) = await self._transaction.read(TAKEN(account_id=self._account_id, system=connection.system))
        if taken.first is not None:
            raise ConnectionExists(connection.system)
        values = {
            "id": connection.id,
            "version": connection.version,
            "system": connection.system,
            "secret_id": connection.secret_id,
            "created_at": connection.created_at,
            **_changing(connection),
        }
        self._transaction.write(ADD(account_id=self._account_id, **values))

    async def save(self, connection: PsaConnection) -> PsaConnection:
        """As `PsaLedger.save` says, at the commit."""
        new = {f"new_{name}": value for name, value in _changing(connection).items()}
        self._transaction.write(SAVE(account_id=self._account_id, connection_id=connection.id, old_version=connection.version, **new))
        return evolve(connection, version=connection.version + 1)

    async def save_health(self, connection_id: PsaConnectionId, health: Health) -> None:
        """As `PsaLedger.save_health` says."""
        new = {f"new_{name}": getattr(health, name) for name in HEALTH}
        self._transaction.write(SAVE_HEALTH(account_id=self._account_id, connection_id=connection_id, **new))

    async def remove(self, connection: PsaConnection) -> None:
        """As `PsaLedger.remove` says."""
        self._transaction.write(REMOVE(account_id=self._account_id, connection_id=connection.id, old_version=connection.version))

    async def note(self, post_ids: Mapping[TicketAction, PsaPostId], kind: NoteKind, *, caused_by: EventId) -> None:
        """As `PsaLedger.note` says, in one statement behind the event."""
        what = {"ids": list(post_ids.values()), "actions": list(post_ids), "kind": kind, "caused_by": caused_by}
        self._transaction.react(NOTE(account_id=self._account_id, **what))

    async def is_behind(self, post: PsaPost) -> bool:
        """As `PsaLedger.is_behind` says."""
        (found,) = await self._transaction.read(
            BEHIND(account_id=self._account_id, connection_id=post.connection_id, ticket_id=post.ticket_id, id=post.id)
        )
        return found.first is not None

    async def add_post(self, post: PsaPost) -> None:
        """As `PsaLedger.add_post` says."""
        values = {name: getattr(post, name) for name in ADDED}
        self._transaction.write(ADD_POST(account_id=self._account_id, by_user_id=post.by, **values))
        due = Work(id=post.id, kind=WorkKind.PSA_POST, due_at=post.created_at, target=post.connection_id)
        self._transaction.write(add_work(self._account_id, due))

    async def read_ticket(self, *, caused_by: EventId) -> None:
        """As `PsaLedger.read_ticket` says, in one statement behind the event."""
        self._transaction.react(READ_TICKET(account_id=self._account_id, caused_by=caused_by))

    async def post(self, post_id: PsaPostId) -> PsaPost:
        """As `PsaLedger.post` says."""
        (found,) = await self._transaction.read(POST(account_id=self._account_id, id=post_id))
        if found.first is None:
            raise NotFound("post")
        return records.psa_post(found.first)

    async def save_post(self, post: PsaPost) -> None:
        """As `PsaLedger.save_post` says."""
        new = {f"new_{name}": getattr(post, name) for name in POST_CHANGING}
        self._transaction.write(SAVE_POST(account_id=self._account_id, post_id=post.id, **new))


def _changing(connection: PsaConnection) -> dict[str, Any]:
    return {
        "name": connection.name,
        "base_url": connection.base_url,
        "settings": kernel_records.document(connection.settings),
        "noted": sorted(connection.noted),
        "templates": json.dumps(dict(connection.templates), ensure_ascii=False),
        "summary_public": connection.summary_public,
        "changes": json.dumps({kind: change.named() for kind, change in connection.changes.items()}, ensure_ascii=False),
        "updated_at": connection.updated_at,
        **{name: getattr(connection.health, name) for name in HEALTH},
    }
