"""Maintenance: schedules, their runs with the sessions that were started, whom they were mailed to, and the calendar's edition."""

from sqlalchemy import CheckConstraint, Column, Index, Table, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB

from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.domain.maintenance.run import RunState

from .columns import (
    foreign_key,
    integer_column,
    metadata,
    of_account,
    one_of,
    primary_key,
    text_column,
    time_column,
    to_own_or_platform,
    uuid_column,
)

maintenance_schedule = Table(
    "maintenance_schedule",
    metadata,
    uuid_column("account_id"),
    uuid_column("id"),
    integer_column("version"),
    Column("plan", JSONB, nullable=False),
    uuid_column("tree_account_id", null=True),
    uuid_column("tree_id", null=True),
    uuid_column("assignee_id"),
    time_column("changed_at"),
    time_column("next_run_at", null=True),
    time_column("last_run_at", null=True),
    uuid_column("created_by"),
    time_column("created_at"),
    primary_key("maintenance_schedule", "id"),
    foreign_key("maintenance_schedule", "assignee", ("assignee_id",), "person", ("id",)),
    foreign_key("maintenance_schedule", "created_by", ("created_by",), "person", ("id",)),
    *to_own_or_platform("maintenance_schedule", "tree", "tree"),
)
"""`plan` says everything that people say of it; what it refers to stands beside it, for the keys."""


maintenance_run = Table(
    "maintenance_run",
    metadata,
    uuid_column("account_id"),
    uuid_column("id"),
    uuid_column("schedule_id"),
    time_column("occurrence_at"),
    time_column("until"),
    Column("plan", JSONB, nullable=False),
    Column("open_window", JSONB),
    text_column("state"),
    text_column("problem", null=True),
    time_column("created_at"),
    primary_key("maintenance_run", "id"),
    foreign_key("maintenance_run", "schedule", ("schedule_id",), "maintenance_schedule", ("id",)),
    UniqueConstraint("account_id", "schedule_id", "occurrence_at", name="uq_maintenance_run_occurrence"),
    one_of("maintenance_run", "state", RunState),
    CheckConstraint("(state = 'blocked') = (problem IS NOT NULL)", name="ck_maintenance_run_problem"),
    Index("ix_maintenance_run_open", "account_id", postgresql_where=text("open_window IS NOT NULL")),
)
"""`plan` is the schedule's as it was then. `open_window` is what sessions carry, and gone once it is over."""


maintenance_session = Table(
    "maintenance_session",
    metadata,
    uuid_column("account_id"),
    uuid_column("run_id"),
    integer_column("number"),
    uuid_column("session_id"),
    primary_key("maintenance_session", "run_id", "number"),
    foreign_key("maintenance_session", "run", ("run_id",), "maintenance_run", ("id",)),
    foreign_key("maintenance_session", "session", ("session_id",), "session", ("id",)),
)
"""The session of a target, which is named by its place in the plan: one each, however often a relay dies."""


maintenance_notice = Table(
    "maintenance_notice",
    metadata,
    uuid_column("account_id"),
    uuid_column("id"),
    uuid_column("run_id"),
    uuid_column("user_id"),
    text_column("state"),
    integer_column("attempts"),
    text_column("last_error", null=True),
    primary_key("maintenance_notice", "id"),
    foreign_key("maintenance_notice", "run", ("run_id",), "maintenance_run", ("id",)),
    foreign_key("maintenance_notice", "user", ("user_id",), "person", ("id",)),
    UniqueConstraint("account_id", "run_id", "user_id", name="uq_maintenance_notice_user"),
    one_of("maintenance_notice", "state", DeliveryState),
)


maintenance_calendar = Table(
    "maintenance_calendar",
    metadata,
    uuid_column("account_id"),
    integer_column("edition"),
    primary_key("maintenance_calendar"),
    of_account("maintenance_calendar"),
)
