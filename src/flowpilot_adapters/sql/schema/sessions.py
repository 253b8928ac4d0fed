"""Sessions and what is in them: branches, fork points, steps."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, SmallInteger, Table, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from flowpilot_core.domain.sessions.branch import BranchState
from flowpilot_core.domain.sessions.session import Priority, Status
from flowpilot_core.domain.sessions.step import StepKind, StepResult

from .columns import foreign_key, integer_column, metadata, one_of, primary_key, text_column, time_column, uuid_column

session = Table(
    "session",
    metadata,
    uuid_column("account_id"),
    uuid_column("id"),
    integer_column("version"),
    text_column("status"),
    text_column("title"),
    text_column("problem"),
    text_column("client_name", null=True),
    text_column("ticket_system", null=True),
    text_column("ticket_id", null=True),
    Column("ticket_facts", JSONB, nullable=True),
    text_column("priority"),
    uuid_column("team_id", null=True),
    uuid_column("assignee_id"),
    Column("parked_with", ARRAY(Uuid), nullable=False),
    Column("helper_ids", ARRAY(Uuid), nullable=False),
    uuid_column("active_branch_id"),
    integer_column("step_count"),
    Column("text_bytes", BigInteger, nullable=False, server_default=text("0")),
    text_column("resolution_summary", null=True),
    text_column("resolution_root_cause", null=True),
    Column("escalation_package", JSONB, nullable=True),
    uuid_column("latest_handoff_id", null=True),
    uuid_column("created_by"),
    time_column("created_at"),
    time_column("updated_at"),
    primary_key("session", "id"),
    foreign_key("session", "team", ("team_id",), "team", ("id",)),
    foreign_key("session", "assignee", ("assignee_id",), "person", ("id",)),
    foreign_key("session", "created_by", ("created_by",), "person", ("id",)),
    foreign_key("session", "active_branch", ("id", "active_branch_id"), "branch", ("session_id", "id"), late=True),
    foreign_key("session", "latest_handoff", ("latest_handoff_id",), "handoff", ("id",), late=True),
    one_of("session", "status", Status),
    one_of("session", "priority", Priority),
    CheckConstraint("(ticket_system IS NULL) = (ticket_id IS NULL)", name="ck_session_ticket"),
    CheckConstraint("status = 'parked' OR parked_with = '{}'", name="ck_session_parked_with"),
    CheckConstraint("status = 'active' OR helper_ids = '{}'", name="ck_session_helper_ids"),
    CheckConstraint("resolution_summary IS NOT NULL OR resolution_root_cause IS NULL", name="ck_session_resolution"),
    Index("ix_session_assignee", "account_id", "assignee_id", "id"),
    Index("ix_session_resolved", "account_id", "id", postgresql_where=text("status = 'resolved'")),
    Index("ix_session_ticket", "account_id", "ticket_id", "ticket_system", postgresql_where=text("ticket_id IS NOT NULL")),
)


branch = Table(
    "branch",
    metadata,
    uuid_column("account_id"),
    uuid_column("session_id"),
    uuid_column("id"),
    integer_column("number"),
    uuid_column("parent_id", null=True),
    uuid_column("fork_point_id", null=True),
    text_column("label"),
    text_column("hypothesis", null=True),
    text_column("state"),
    text_column("close_reason", null=True),
    time_column("created_at"),
    time_column("closed_at", null=True),
    primary_key("branch", "session_id", "id"),
    foreign_key("branch", "session", ("session_id",), "session", ("id",)),
    foreign_key("branch", "parent", ("session_id", "parent_id"), "branch", ("session_id", "id")),
    foreign_key("branch", "fork_point", ("session_id", "fork_point_id"), "fork_point", ("session_id", "id"), late=True),
    one_of("branch", "state", BranchState),
    CheckConstraint("(parent_id IS NULL) = (fork_point_id IS NULL)", name="ck_branch_fork"),
    CheckConstraint("(state = 'open') = (closed_at IS NULL)", name="ck_branch_closed_at"),
)
"""`number` is its place among the branches of its session, oldest first, from 0."""


fork_point = Table(
    "fork_point",
    metadata,
    uuid_column("account_id"),
    uuid_column("session_id"),
    uuid_column("id"),
    uuid_column("branch_id"),
    uuid_column("at_step_id"),
    integer_column("at_step_number"),
    text_column("reason"),
    uuid_column("created_by"),
    time_column("created_at"),
    primary_key("fork_point", "session_id", "id"),
    foreign_key("fork_point", "branch", ("session_id", "branch_id"), "branch", ("session_id", "id")),
    foreign_key("fork_point", "step", ("session_id", "at_step_id"), "step", ("session_id", "id")),
    foreign_key("fork_point", "created_by", ("created_by",), "person", ("id",)),
)


step = Table(
    "step",
    metadata,
    uuid_column("account_id"),
    uuid_column("session_id"),
    uuid_column("id"),
    uuid_column("branch_id"),
    integer_column("number"),
    text_column("kind"),
    text_column("content"),
    text_column("result", null=True),
    text_column("evidence", null=True),
    uuid_column("created_by"),
    time_column("created_at"),
    time_column("updated_at"),
    primary_key("step", "session_id", "id"),
    UniqueConstraint("account_id", "session_id", "number", name="uq_step_number"),
    foreign_key("step", "branch", ("session_id", "branch_id"), "branch", ("session_id", "id")),
    foreign_key("step", "created_by", ("created_by",), "person", ("id",)),
    one_of("step", "kind", StepKind),
    one_of("step", "result", StepResult),
)


step_rating = Table(
    "step_rating",
    metadata,
    uuid_column("account_id"),
    uuid_column("session_id"),
    uuid_column("step_id"),
    uuid_column("user_id"),
    Column("thumb", SmallInteger, nullable=False),
    text_column("comment", null=True),
    time_column("given_at"),
    primary_key("step_rating", "session_id", "step_id", "user_id"),
    foreign_key("step_rating", "step", ("session_id", "step_id"), "step", ("session_id", "id")),
    foreign_key("step_rating", "user", ("user_id",), "person", ("id",)),
    CheckConstraint("thumb IN (-1, 1)", name="ck_step_rating_thumb"),
)
