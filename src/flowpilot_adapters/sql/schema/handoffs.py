"""Handoffs: what was frozen, who has seen it, and claims that may go quiet."""

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary, SmallInteger, Table, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY

from flowpilot_core.domain.handoffs.handoff import HANDOFF, HandoffState, Intent
from flowpilot_core.domain.sessions.feedback import Verdict
from flowpilot_core.domain.sessions.session import Priority

from .columns import (
    counting_column,
    foreign_key,
    integer_column,
    listed,
    metadata,
    one_of,
    primary_key,
    text_column,
    time_column,
    uuid_column,
)

handoff = Table(
    "handoff",
    metadata,
    uuid_column("account_id"),
    uuid_column("id"),
    integer_column("version"),
    uuid_column("session_id"),
    text_column("intent"),
    text_column("state"),
    text_column("reason"),
    text_column("note", null=True),
    text_column("priority"),
    Column("queue_rank", SmallInteger, nullable=False),
    uuid_column("team_id", null=True),
    uuid_column("user_id", null=True),
    uuid_column("escalated_by"),
    time_column("escalated_at"),
    uuid_column("claimed_by", null=True),
    time_column("claimed_at", null=True),
    integer_column("claim_step_count", null=True),
    integer_column("claim_branch_count", null=True),
    time_column("first_step_at", null=True),
    counting_column("reroutes"),
    counting_column("lapses"),
    counting_column("unclaims"),
    time_column("wake_at", null=True),
    time_column("due_at", null=True),
    Column("readers", ARRAY(Uuid), nullable=False),
    text_column("snapshot_digest"),
    text_column("title"),
    text_column("client_name", null=True),
    text_column("ticket_system", null=True),
    text_column("ticket_id", null=True),
    text_column("headline"),
    integer_column("branch_count"),
    integer_column("step_count"),
    primary_key("handoff", "id"),
    foreign_key("handoff", "session", ("session_id",), "session", ("id",)),
    foreign_key("handoff", "team", ("team_id",), "team", ("id",)),
    foreign_key("handoff", "user", ("user_id",), "person", ("id",)),
    foreign_key("handoff", "escalated_by", ("escalated_by",), "person", ("id",)),
    foreign_key("handoff", "claimed_by", ("claimed_by",), "person", ("id",)),
    one_of("handoff", "intent", Intent),
    one_of("handoff", "priority", Priority),
    CheckConstraint(
        " OR ".join(
            f"intent = '{intent}' AND state IN ({listed(sorted({HandoffState.OPEN, *moves.values()}))})"
            for intent, moves in HANDOFF.items()
        ),
        name="ck_handoff_state",
    ),
    CheckConstraint(
        "(state = 'claimed') = (claimed_by IS NOT NULL)"
        " AND num_nulls(claimed_by, claimed_at, claim_step_count, claim_branch_count) IN (0, 4)",
        name="ck_handoff_claim",
    ),
    CheckConstraint("(ticket_system IS NULL) = (ticket_id IS NULL)", name="ck_handoff_ticket"),
    CheckConstraint("intent = 'park' OR readers = '{}'", name="ck_handoff_readers"),
    CheckConstraint("intent = 'park' OR wake_at IS NULL", name="ck_handoff_wake_at"),
    Index(
        "ix_handoff_queue",
        "account_id",
        "queue_rank",
        "escalated_at",
        "id",
        postgresql_where=text("state = 'open' AND intent = 'escalate'"),
    ),
    Index("ix_handoff_escalated", "account_id", "escalated_at", postgresql_where=text("intent = 'escalate'")),
    Index("ix_handoff_claimed", "account_id", "claimed_at", postgresql_where=text("claimed_at IS NOT NULL")),
    Index("ix_handoff_session", "account_id", "session_id"),
)
"""`queue_rank` is the priority's rank with its sign turned, so that the queue is read by one ascending index. `first_step_at`: when
whoever has claimed it did something first."""


handoff_snapshot = Table(
    "handoff_snapshot",
    metadata,
    uuid_column("account_id"),
    uuid_column("handoff_id"),
    Column("body", LargeBinary, nullable=False),
    primary_key("handoff_snapshot", "handoff_id"),
    foreign_key("handoff_snapshot", "handoff", ("handoff_id",), "handoff", ("id",)),
)


handoff_seen = Table(
    "handoff_seen",
    metadata,
    uuid_column("account_id"),
    uuid_column("handoff_id"),
    uuid_column("user_id"),
    time_column("seen_at"),
    primary_key("handoff_seen", "handoff_id", "user_id"),
    foreign_key("handoff_seen", "handoff", ("handoff_id",), "handoff", ("id",)),
    foreign_key("handoff_seen", "user", ("user_id",), "person", ("id",)),
)


handoff_verdict = Table(
    "handoff_verdict",
    metadata,
    uuid_column("account_id"),
    uuid_column("handoff_id"),
    uuid_column("user_id"),
    text_column("verdict"),
    text_column("comment", null=True),
    time_column("given_at"),
    primary_key("handoff_verdict", "handoff_id", "user_id"),
    foreign_key("handoff_verdict", "handoff", ("handoff_id",), "handoff", ("id",)),
    foreign_key("handoff_verdict", "user", ("user_id",), "person", ("id",)),
    one_of("handoff_verdict", "verdict", Verdict),
)


claim_watch = Table(
    "claim_watch",
    metadata,
    uuid_column("account_id"),
    uuid_column("id"),
    uuid_column("handoff_id"),
    time_column("claimed_at"),
    time_column("warned_of", null=True),
    primary_key("claim_watch", "id"),
    foreign_key("claim_watch", "handoff", ("handoff_id",), "handoff", ("id",)),
)
"""Claims that lapse if they go quiet."""
