"""Who has seen what, and what they think of it, inside one unit of work."""

from typing import Final

from attrs import asdict
from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert as upsert

from flowpilot_adapters.sql.queries import columns_but_account, own
from flowpilot_adapters.sql.records import sessions as records
from flowpilot_adapters.sql.schema import handoff_seen, handoff_verdict, step_rating
from flowpilot_adapters.sql.statement import compiled
from flowpilot_adapters.sql.transaction import Transaction
from flowpilot_core.domain.kernel.identifiers import HandoffId, SessionId, StepId, UserId
from flowpilot_core.domain.sessions.feedback import Judgement, Rating, Seen

SEE: Final = compiled(
    "see handoff",
    upsert(handoff_seen)
    .values({column: bindparam(column.name) for column in handoff_seen.c})
    .on_conflict_do_nothing(index_elements=list(handoff_seen.primary_key)),
)
SEEN_BY: Final = compiled(
    "seen by", select(handoff_seen.c.user_id).where(own(handoff_seen), handoff_seen.c.handoff_id == bindparam("handoff_id"))
)
_verdict = upsert(handoff_verdict).values({column: bindparam(column.name) for column in handoff_verdict.c})
JUDGE: Final = compiled(
    "judge handoff",
    _verdict.on_conflict_do_update(
        index_elements=list(handoff_verdict.primary_key),
        set_={column: _verdict.excluded[column] for column in ("verdict", "comment", "given_at")},
    ),
)
_rating = upsert(step_rating).values({column: bindparam(column.name) for column in step_rating.c})
RATE: Final = compiled(
    "rate step",
    _rating.on_conflict_do_update(
        index_elements=list(step_rating.primary_key),
        set_={column: _rating.excluded[column] for column in ("thumb", "comment", "given_at")},
    ),
)
JUDGEMENTS: Final = compiled(
    "verdicts",
    select(*columns_but_account(handoff_verdict))
    .where(own(handoff_verdict), handoff_verdict.c.handoff_id == bindparam("handoff_id"))
    .order_by(handoff_verdict.c.given_at, handoff_verdict.c.user_id),
)
RATINGS: Final = compiled(
    "ratings",
    select(*columns_but_account(step_rating))
    .where(own(step_rating), step_rating.c.session_id == bindparam("session_id"), step_rating.c.step_id == bindparam("step_id"))
    .order_by(step_rating.c.given_at, step_rating.c.user_id),
)


class SqlFeedback:
    """Inside one unit of work."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id

    async def see(self, seen: Seen) -> None:
        """As `Feedback.see` says."""
        self._transaction.write(SEE(account_id=self._account_id, **asdict(seen)))

    async def seen_by(self, handoff_id: HandoffId) -> frozenset[UserId]:
        """As `Feedback.seen_by` says."""
        (found,) = await self._transaction.read(SEEN_BY(account_id=self._account_id, handoff_id=handoff_id))
        return frozenset(row.user_id for row in found.rows)

    async def judge(self, judgement: Judgement) -> None:
        """As `Feedback.judge` says."""
        self._transaction.write(JUDGE(account_id=self._account_id, **asdict(judgement)))

    async def rate(self, rating: Rating) -> None:
        """As `Feedback.rate` says."""
        self._transaction.write(RATE(account_id=self._account_id, **asdict(rating)))

    async def judgements(self, handoff_id: HandoffId) -> tuple[Judgement, ...]:
        """As `Feedback.judgements` says."""
        (found,) = await self._transaction.read(JUDGEMENTS(account_id=self._account_id, handoff_id=handoff_id))
        return tuple(records.judgement(row) for row in found.rows)

    async def ratings(self, session_id: SessionId, step_id: StepId) -> tuple[Rating, ...]:
        """As `Feedback.ratings` says."""
        (found,) = await self._transaction.read(RATINGS(account_id=self._account_id, session_id=session_id, step_id=step_id))
        return tuple(records.rating(row) for row in found.rows)
