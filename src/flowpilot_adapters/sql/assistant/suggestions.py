"""Suggestions of one account, and the resolved sessions that some of them come from."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Text, Uuid, any_, bindparam, func, insert, literal_column, select, true, update
from sqlalchemy.dialects.postgresql import ARRAY

from flowpilot_adapters.sql.connection import Result
from flowpilot_adapters.sql.queries import columns_but_account, own, thumbs_by
from flowpilot_adapters.sql.records import assistant as records
from flowpilot_adapters.sql.relay import due_work
from flowpilot_adapters.sql.schema import step_rating, suggestion
from flowpilot_adapters.sql.statement import INT4, TEXT, UUID, Call, Statement, compiled
from flowpilot_adapters.sql.transaction import Transaction
from flowpilot_core.domain.assistant.similar_sessions import ResolvedSession
from flowpilot_core.domain.assistant.suggestion import Record, Suggestion, SuggestionState
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import AccountId, SessionId, SuggestionId
from flowpilot_core.domain.sessions.feedback import Thumbs
from flowpilot_core.ports.relay import Work, WorkKind

ID: Final = bindparam("id", type_=Uuid())
SESSION_ID: Final = bindparam("session_id", type_=Uuid())

GET: Final = compiled("suggestion", select(*columns_but_account(suggestion)).where(own(suggestion), suggestion.c.id == ID))
OF: Final = compiled(
    "suggestions",
    select(*columns_but_account(suggestion)).where(own(suggestion), suggestion.c.session_id == SESSION_ID).order_by(suggestion.c.id),
)
ADD: Final = compiled("add suggestion", insert(suggestion).values({column: bindparam(column.name) for column in suggestion.c}))
CHANGING: Final = ("state", "source", "kind", "content", "cites", "reason", "step_id", "node_id")
SAVE: Final = compiled(
    "save suggestion",
    update(suggestion)
    .where(own(suggestion), suggestion.c.id == bindparam("suggestion_id"))
    .values({name: bindparam(f"new_{name}") for name in CHANGING}),
)
_thumbs = (
    thumbs_by(step_rating.c.step_id)
    .where(own(step_rating), step_rating.c.session_id == suggestion.c.session_id, step_rating.c.step_id == suggestion.c.step_id)
    .lateral("thumbs")
)
RECORD: Final = compiled(
    "record of suggestions",
    select(
        suggestion.c.content,
        func.count().filter(suggestion.c.state == SuggestionState.ACCEPTED).label("accepted"),
        func.count().filter(suggestion.c.state == SuggestionState.REJECTED).label("rejected"),
        *(func.coalesce(func.sum(column), literal_column("0")).label(column.name) for column in (_thumbs.c.up, _thumbs.c.down)),
    )
    .select_from(suggestion.outerjoin(_thumbs, true()))
    .where(
        own(suggestion),
        suggestion.c.state.in_((SuggestionState.ACCEPTED, SuggestionState.REJECTED)),
        suggestion.c.content == any_(bindparam("contents", type_=ARRAY(Text))),
    )
    .group_by(suggestion.c.content),
)
# No index on words: row security lets the application use none, since the operators of text search are not leakproof. So the
# account's latest resolved sessions are found by their key, and looked through.
SIMILAR: Final = Statement(
    "similar sessions",
    """
    WITH recent AS MATERIALIZED (
      SELECT id, title, left(problem, 2000) AS problem, resolution_summary, resolution_root_cause
      FROM flowpilot.session
      WHERE account_id = $1 AND status = 'resolved' AND id <> $2
      ORDER BY id DESC
      LIMIT 1000
    )
    SELECT recent.*
    FROM recent
    CROSS JOIN LATERAL (
      SELECT setweight(to_tsvector('simple', title), 'A') || setweight(to_tsvector('simple', problem), 'B')
             || setweight(to_tsvector('simple', left(concat_ws(' ', resolution_summary, resolution_root_cause), 2000)), 'C') AS words,
             flowpilot_search.similarity(title, $4) AS likeness
    ) AS looked
    WHERE words @@ to_tsquery('simple', $3) OR likeness > 0.3
    ORDER BY ts_rank(words, to_tsquery('simple', $3)) + likeness DESC, id
    LIMIT $5
    """,
    account_id=UUID,
    without=UUID,
    words=TEXT,
    title=TEXT,
    most=INT4,
)


def similar_call(account_id: AccountId, words: Sequence[str], title: str, *, without: SessionId, limit: int) -> Call:
    """What finds resolved sessions: words are letters and digits alone, so that they are no operators."""
    return SIMILAR(account_id=account_id, without=without, words=" | ".join(words), title=title, most=limit)


def similar_of(result: Result) -> list[ResolvedSession]:
    """What the result of `similar_call` says."""
    return [
        ResolvedSession(
            session_id=row.id,
            title=row.title,
            problem=row.problem,
            summary=row.resolution_summary,
            root_cause=row.resolution_root_cause,
        )
        for row in result.rows
    ]


class SqlSuggestions:
    """Inside one unit of work."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id

    async def add(self, suggestions: Sequence[Suggestion]) -> None:
        """As `Suggestions.add` says."""
        for one in suggestions:
            self._transaction.write(
                ADD(
                    account_id=self._account_id,
                    id=one.id,
                    session_id=one.session_id,
                    branch_id=one.branch_id,
                    requested_by=one.requested_by,
                    requested_at=one.requested_at,
                    **_changing(one),
                )
            )
            if one.state is SuggestionState.PENDING:
                work = Work(id=one.id, kind=WorkKind.SUGGESTION, due_at=one.requested_at)
                self._transaction.write(due_work.add(self._account_id, work))

    async def get(self, suggestion_id: SuggestionId) -> Suggestion:
        """As `Suggestions.get` says."""
        (found,) = await self._transaction.read(GET(account_id=self._account_id, id=suggestion_id))
        if found.first is None:
            raise NotFound("suggestion")
        return records.suggestion(found.first)

    async def save(self, changed: Suggestion) -> None:
        """As `Suggestions.save` says."""
        values = {f"new_{name}": value for name, value in _changing(changed).items()}
        self._transaction.write(SAVE(account_id=self._account_id, suggestion_id=changed.id, **values))

    async def of(self, session_id: SessionId) -> tuple[Suggestion, ...]:
        """As `Suggestions.of` says."""
        (found,) = await self._transaction.read(OF(account_id=self._account_id, session_id=session_id))
        return tuple(records.suggestion(row) for row in found.rows)

    async def record(self, contents: Sequence[str]) -> Mapping[str, Record]:
        """As `Suggestions.record` says."""
        (found,) = await self._transaction.read(RECORD(account_id=self._account_id, contents=list(contents)))
        return {
            row.content: Record(accepted=row.accepted, rejected=row.rejected, thumbs=Thumbs(up=row.up, down=row.down)) for row in found.rows
        }


def _changing(one: Suggestion) -> dict[str, Any]:
    """The columns that moves change."""
    return {
        "state": one.state,
        "source": one.source,
        "kind": one.kind,
        "content": one.content,
        "cites": list(one.cites),
        "reason": one.reason,
        "step_id": one.step_id,
        "node_id": one.node_id,
    }
