"""What an assistant makes of sessions and handoffs."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Table, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from flowpilot_core.domain.assistant.assessment import AssessmentState, FeedbackVerdict
from flowpilot_core.domain.assistant.suggestion import SuggestionState
from flowpilot_core.domain.sessions.step import StepKind

from .columns import (
    counting_column,
    foreign_key,
    integer_column,
    metadata,
    of_account,
    one_of,
    primary_key,
    text_column,
    time_column,
    uuid_column,
)

assessment = Table(
    "assessment",
    metadata,
    uuid_column("account_id"),
    uuid_column("id"),
    uuid_column("handoff_id"),
    text_column("state"),
    text_column("snapshot_digest"),
    uuid_column("requested_by", null=True),
    time_column("requested_at"),
    time_column("made_at", null=True),
    text_column("provider", null=True),
    text_column("model", null=True),
    text_column("prompt_version", null=True),
    integer_column("tokens_in"),
    integer_column("tokens_out"),
    Column("cost_micros", BigInteger, nullable=True),
    integer_column("latency_ms"),
    text_column("problem", null=True),
    Column("body", JSONB, nullable=True),
    counting_column("cited"),
    counting_column("dropped"),
    primary_key("assessment", "id"),
    foreign_key("assessment", "handoff", ("handoff_id",), "handoff", ("id",)),
    foreign_key("assessment", "requested_by", ("requested_by",), "person", ("id",)),
    one_of("assessment", "state", AssessmentState),
    CheckConstraint("state <> 'ready' OR num_nulls(made_at, provider, prompt_version, body) = 0", name="ck_assessment_ready"),
    Index("ix_assessment_handoff", "account_id", "handoff_id", "id"),
    Index("ix_assessment_asked", "account_id", "requested_at"),
)
"""`cited` and `dropped` are counted from `body`, for figures."""


assessment_feedback = Table(
    "assessment_feedback",
    metadata,
    uuid_column("account_id"),
    uuid_column("assessment_id"),
    uuid_column("user_id"),
    text_column("verdict"),
    text_column("comment", null=True),
    time_column("at"),
    primary_key("assessment_feedback", "assessment_id", "user_id"),
    foreign_key("assessment_feedback", "assessment", ("assessment_id",), "assessment", ("id",)),
    foreign_key("assessment_feedback", "user", ("user_id",), "person", ("id",)),
    one_of("assessment_feedback", "verdict", FeedbackVerdict),
)


token_use = Table(
    "token_use",
    metadata,
    uuid_column("account_id"),
    text_column("month"),
    Column("tokens", BigInteger, nullable=False),
    primary_key("token_use", "month"),
    of_account("token_use"),
)
"""What models have used up of an account's tokens in a month, and what is set aside for those that are being asked."""


suggestion = Table(
    "suggestion",
    metadata,
    uuid_column("account_id"),
    uuid_column("id"),
    uuid_column("session_id"),
    uuid_column("branch_id"),
    text_column("state"),
    text_column("source"),
    text_column("kind"),
    text_column("content"),
    Column("cites", ARRAY(Uuid), nullable=False),
    text_column("reason", null=True),
    uuid_column("step_id", null=True),
    text_column("node_id", null=True),
    uuid_column("requested_by"),
    time_column("requested_at"),
    primary_key("suggestion", "id"),
    foreign_key("suggestion", "branch", ("session_id", "branch_id"), "branch", ("session_id", "id")),
    foreign_key("suggestion", "step", ("session_id", "step_id"), "step", ("session_id", "id")),
    foreign_key("suggestion", "requested_by", ("requested_by",), "person", ("id",)),
    one_of("suggestion", "state", SuggestionState),
    one_of("suggestion", "kind", StepKind),
    CheckConstraint("(state = 'accepted') = (step_id IS NOT NULL)", name="ck_suggestion_step"),
    Index("ix_suggestion_session", "account_id", "session_id", "id"),
    Index("ix_suggestion_content", "account_id", "content"),
    Index("ix_suggestion_asked", "account_id", "requested_at"),
)
