"""Rows of maintenance as values of the domain."""

from collections.abc import Iterable
from typing import Any

from flowpilot_adapters.sql import documents
from flowpilot_adapters.sql.records.kernel import member
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.domain.maintenance.run import Notice, Run, RunState, RunTarget
from flowpilot_core.domain.maintenance.schedule import Plan, Schedule, Target
from flowpilot_core.domain.sessions.session import Status
from flowpilot_core.domain.sessions.walk import Walk

_run_state = member(RunState)
_status = member(Status)
_notice_state = member(DeliveryState)


def schedule(row: Any) -> Schedule:
    """A schedule."""
    return Schedule(
        id=row.id,
        version=row.version,
        plan=documents.read(row.plan, Plan),
        changed_at=row.changed_at,
        next_run_at=row.next_run_at,
        last_run_at=row.last_run_at,
        created_by=row.created_by,
        created_at=row.created_at,
    )


def run(row: Any, sessions: Iterable[Any]) -> Run:
    """A run, with the rows of sessions of it and of others."""
    plan, started = documents.read(row.plan, Plan), {one.number: one for one in sessions if one.run_id == row.id}
    return Run(
        id=row.id,
        schedule_id=row.schedule_id,
        occurrence_at=row.occurrence_at,
        until=row.until,
        plan=plan,
        targets=tuple(_target(target, started.get(number)) for number, target in enumerate(plan.targets)),
        state=_run_state(row.state),
        problem=row.problem,
        is_open=row.open_window is not None,
        created_at=row.created_at,
    )


def _target(target: Target, row: Any) -> RunTarget:
    one = RunTarget(target=target)
    if row is None:
        return one
    walk = None if row.walk is None else documents.read(row.walk, Walk)
    return one.with_session(row.session_id, _status(row.status), row.step_count, walk, row.active_branch_id, frozenset(row.parked_with))


def notice(row: Any) -> Notice:
    """A mail to one person about a run."""
    return Notice(
        id=row.id,
        run_id=row.run_id,
        user_id=row.user_id,
        state=_notice_state(row.state),
        attempts=row.attempts,
        last_error=row.last_error,
    )
