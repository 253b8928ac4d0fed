"""Idempotency keys: one request at a time with each, and its answer for those who come again."""

from hashlib import sha256
from typing import Final

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert

from flowpilot_adapters.sql.schema import idempotency_key as key
from flowpilot_adapters.sql.statement import INT8, UUID, Call, Statement, compiled
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.ports.kernel import Answer, Once

ENTER: Final = Statement(
    "enter account, locking key",
    "SELECT set_config('flowpilot.account_id', $1::text, true), pg_advisory_xact_lock($2)::text",
    account_id=UUID,
    number=INT8,
)
KEPT: Final = compiled(
    "kept answer",
    # As a range in the order of the primary key, which is found by it then, whatever the planner knows: with `=` it may as well read all
    # that the person has kept, by the other index, and does so for as long as the plan is good.
    select(key.c.fingerprint, key.c.status, key.c.body)
    .where(
        key.c.account_id == bindparam("account_id"),
        key.c.user_id == bindparam("user_id"),
        key.c.key.between(bindparam("key"), bindparam("key")),
        key.c.kept_at >= bindparam("expired"),
    )
    .order_by(key.c.key),
)
_forgotten = (
    delete(key)
    .where(
        key.c.account_id == bindparam("account_id"),
        key.c.user_id == bindparam("user_id"),
        # A statement cannot change twice what it keeps.
        key.c.key != bindparam("key"),
        key.c.kept_at < bindparam("expired"),
    )
    .cte("forgotten")
)
_insert = insert(key).values({column: bindparam(column.name) for column in key.c})
KEEP: Final = compiled(
    "keep answer",
    _insert.on_conflict_do_update(
        index_elements=[key.c.account_id, key.c.user_id, key.c.key],
        set_={column: _insert.excluded[column] for column in ("fingerprint", "status", "body", "kept_at")},
    ).add_cte(_forgotten),
)


def enter(account_id: AccountId, once: Once) -> list[Call]:
    """Enter the account and wait until nobody else does this request, then read what it was answered with, if it was."""
    number = sha256(account_id.bytes + once.user_id.bytes + once.key.encode()).digest()[:8]
    return [
        ENTER(account_id=account_id, number=int.from_bytes(number, signed=True)),
        KEPT(account_id=account_id, user_id=once.user_id, key=once.key, expired=once.expired),
    ]


def keep(account_id: AccountId, once: Once, answer: Answer) -> Call:
    """Keep the answer, and drop the same person's expired ones."""
    return KEEP(
        account_id=account_id,
        user_id=once.user_id,
        key=once.key,
        fingerprint=once.fingerprint,
        status=answer.status,
        body=answer.body,
        kept_at=once.at,
        expired=once.expired,
    )
