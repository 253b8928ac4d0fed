"""The schedules of one account and their runs, inside one unit of work."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Integer, Uuid, bindparam, delete, func, insert, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from flowpilot_adapters.sql import documents
from flowpilot_adapters.sql.errors import STALE
from flowpilot_adapters.sql.knowledge.trees import account_of
from flowpilot_adapters.sql.queries import ACCOUNT, HIGHEST, LIMIT, LOWEST, only_saved, own
from flowpilot_adapters.sql.records import maintenance as records
from flowpilot_adapters.sql.schema import (
    maintenance_calendar,
    maintenance_notice,
    maintenance_run,
    maintenance_schedule,
    maintenance_session,
    session,
)
from flowpilot_adapters.sql.statement import compiled
from flowpilot_adapters.sql.transaction import Transaction
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import MaintenanceNoticeId, MaintenanceRunId, MaintenanceScheduleId, SessionId
from flowpilot_core.domain.maintenance.run import Notice, Run
from flowpilot_core.domain.maintenance.schedule import Schedule

SCHEDULE_ID: Final = bindparam("schedule_id", type_=Uuid())
RUN_ID: Final = bindparam("run_id", type_=Uuid())
NOTICE_ID: Final = bindparam("notice_id", type_=Uuid())

GET: Final = compiled(
    "maintenance schedule", select(maintenance_schedule).where(own(maintenance_schedule), maintenance_schedule.c.id == SCHEDULE_ID)
)
PAGE: Final = compiled(
    "maintenance schedules",
    select(maintenance_schedule)
    .where(own(maintenance_schedule), maintenance_schedule.c.id > bindparam("after", type_=Uuid()))
    .order_by(maintenance_schedule.c.id)
    .limit(LIMIT),
)
ACTIVE: Final = compiled(
    "active maintenance schedules",
    select(maintenance_schedule)
    # What is as it is from the start is not written down.
    .where(own(maintenance_schedule), func.coalesce(maintenance_schedule.c.plan["active"].as_boolean(), literal_column("true")))
    .order_by(maintenance_schedule.c.id),
)
ADD: Final = compiled(
    "add maintenance schedule",
    insert(maintenance_schedule).values({column: bindparam(column.name) for column in maintenance_schedule.c}),
)
CHANGING: Final = ("version", "plan", "tree_account_id", "tree_id", "assignee_id", "changed_at", "next_run_at", "last_run_at")
EDITION_OF: Final = ("version", "next_run_at", "last_run_at")
SAVE: Final = only_saved(
    "save maintenance schedule",
    update(maintenance_schedule)
    .where(
        own(maintenance_schedule),
        maintenance_schedule.c.id == SCHEDULE_ID,
        *(maintenance_schedule.c[name].is_not_distinct_from(bindparam(f"old_{name}")) for name in EDITION_OF),
    )
    .values({name: bindparam(f"new_{name}") for name in CHANGING}),
    STALE,
)
_runs_of = select(maintenance_run.c.id).where(own(maintenance_run), maintenance_run.c.schedule_id == SCHEDULE_ID)
DROP: Final = tuple(
    compiled(name, delete(table).where(own(table), which))
    for name, table, which in (
        ("drop maintenance notices", maintenance_notice, maintenance_notice.c.run_id.in_(_runs_of)),
        ("drop maintenance sessions", maintenance_session, maintenance_session.c.run_id.in_(_runs_of)),
        ("drop maintenance runs", maintenance_run, maintenance_run.c.schedule_id == SCHEDULE_ID),
        ("drop maintenance schedule", maintenance_schedule, maintenance_schedule.c.id == SCHEDULE_ID),
    )
)

_started = select(
    maintenance_session.c.run_id,
    maintenance_session.c.number,
    maintenance_session.c.session_id,
    session.c.status,
    session.c.step_count,
    session.c.walk,
    session.c.active_branch_id,
    session.c.parked_with,
).join_from(maintenance_session, session, own(session) & (session.c.id == maintenance_session.c.session_id))
RUN: Final = compiled("maintenance run", select(maintenance_run).where(own(maintenance_run), maintenance_run.c.id == RUN_ID))
SESSIONS: Final = compiled("sessions of maintenance run", _started.where(own(maintenance_session), maintenance_session.c.run_id == RUN_ID))


def _page(*columns: Any) -> Any:
    return (
        select(*columns)
        .where(own(maintenance_run), maintenance_run.c.schedule_id == SCHEDULE_ID, maintenance_run.c.id < bindparam("before", type_=Uuid()))
        .order_by(maintenance_run.c.id.desc())
        .limit(LIMIT)
    )


RUNS: Final = compiled("maintenance runs", _page(maintenance_run))
SESSIONS_OF_RUNS: Final = compiled(
    "sessions of maintenance runs", _started.where(own(maintenance_session), maintenance_session.c.run_id.in_(_page(maintenance_run.c.id)))
)
ADD_RUN: Final = compiled(
    "add maintenance run", insert(maintenance_run).values({column: bindparam(column.name) for column in maintenance_run.c})
)
SAVE_RUN: Final = compiled(
    "save maintenance run",
    update(maintenance_run)
    .where(own(maintenance_run), maintenance_run.c.id == RUN_ID)
    .values({name: bindparam(f"new_{name}") for name in ("state", "problem", "open_window")}),
)
ADD_SESSION: Final = compiled(
    "add maintenance session", insert(maintenance_session).values({column: bindparam(column.name) for column in maintenance_session.c})
)
ADD_NOTICE: Final = compiled(
    "add maintenance notice", insert(maintenance_notice).values({column: bindparam(column.name) for column in maintenance_notice.c})
)
NOTICE: Final = compiled(
    "maintenance notice", select(maintenance_notice).where(own(maintenance_notice), maintenance_notice.c.id == NOTICE_ID)
)
SAVE_NOTICE: Final = compiled(
    "save maintenance notice",
    update(maintenance_notice)
    .where(own(maintenance_notice), maintenance_notice.c.id == NOTICE_ID)
    .values({name: bindparam(f"new_{name}") for name in ("state", "attempts", "last_error")}),
)
EDITION: Final = compiled("edition of calendar", select(maintenance_calendar.c.edition).where(own(maintenance_calendar)))
_renewed = upsert(maintenance_calendar).values(account_id=ACCOUNT, edition=literal_column("1", Integer()))
RENEW: Final = compiled(
    "renew calendar",
    _renewed.on_conflict_do_update(
        index_elements=list(maintenance_calendar.primary_key), set_={"edition": maintenance_calendar.c.edition + literal_column("1")}
    ).returning(maintenance_calendar.c.edition),
)


class SqlMaintenance:
    """As `Maintenance` says."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id

    async def schedule(self, schedule_id: MaintenanceScheduleId) -> Schedule:
        """As `Maintenance.schedule` says."""
        (found,) = await self._transaction.read(GET(account_id=self._account_id, schedule_id=schedule_id))
        if found.first is None:
            raise NotFound("schedule")
        return records.schedule(found.first)

    async def schedules(self, *, after: MaintenanceScheduleId | None, limit: int) -> Sequence[Schedule]:
        """As `Maintenance.schedules` says."""
        (found,) = await self._transaction.read(PAGE(account_id=self._account_id, after=after or LOWEST, most=limit))
        return [records.schedule(row) for row in found.rows]

    async def active(self) -> Sequence[Schedule]:
        """As `Maintenance.active` says."""
        (found,) = await self._transaction.read(ACTIVE(account_id=self._account_id))
        return [records.schedule(row) for row in found.rows]

    async def add(self, schedule: Schedule) -> None:
        """As `Maintenance.add` says."""
        self._transaction.write(
            ADD(
                account_id=self._account_id,
                id=schedule.id,
                created_by=schedule.created_by,
                created_at=schedule.created_at,
                **self._changing(schedule),
            )
        )

    async def save(self, schedule: Schedule, *, before: Schedule) -> None:
        """As `Maintenance.save` says; which it is shows when it is written."""
        new = {f"new_{name}": value for name, value in self._changing(schedule).items()}
        old = {f"old_{name}": getattr(before, name) for name in EDITION_OF}
        self._transaction.write(SAVE(account_id=self._account_id, schedule_id=schedule.id, **old, **new))

    async def drop(self, schedule_id: MaintenanceScheduleId) -> None:
        """As `Maintenance.drop` says."""
        for statement in DROP:
            self._transaction.write(statement(account_id=self._account_id, schedule_id=schedule_id))

    async def add_run(self, run: Run) -> None:
        """As `Maintenance.add_run` says; which it is shows when it is written."""
        self._transaction.write(
            ADD_RUN(
                account_id=self._account_id,
                id=run.id,
                schedule_id=run.schedule_id,
                occurrence_at=run.occurrence_at,
                until=run.until,
                plan=documents.written(run.plan),
                created_at=run.created_at,
                **_of_run(run),
            )
        )

    async def run(self, run_id: MaintenanceRunId) -> Run:
        """As `Maintenance.run` says."""
        it = {"account_id": self._account_id, "run_id": run_id}
        found, sessions = await self._transaction.read(RUN(**it), SESSIONS(**it))
        if found.first is None:
            raise NotFound("run")
        return records.run(found.first, sessions.rows)

    async def runs(self, schedule_id: MaintenanceScheduleId, *, before: MaintenanceRunId | None, limit: int) -> Sequence[Run]:
        """As `Maintenance.runs` says."""
        page = {"account_id": self._account_id, "schedule_id": schedule_id, "before": before or HIGHEST, "most": limit}
        found, sessions = await self._transaction.read(RUNS(**page), SESSIONS_OF_RUNS(**page))
        return [records.run(row, sessions.rows) for row in found.rows]

    async def save_run(self, run: Run) -> None:
        """As `Maintenance.save_run` says."""
        new = {f"new_{name}": value for name, value in _of_run(run).items()}
        self._transaction.write(SAVE_RUN(account_id=self._account_id, run_id=run.id, **new))

    async def keep_session(self, run_id: MaintenanceRunId, number: int, session_id: SessionId) -> None:
        """As `Maintenance.keep_session` says; which it is shows when it is written."""
        self._transaction.write(ADD_SESSION(account_id=self._account_id, run_id=run_id, number=number, session_id=session_id))

    async def add_notices(self, notices: Sequence[Notice]) -> None:
        """As `Maintenance.add_notices` says; which it is shows when it is written."""
        for one in notices:
            self._transaction.write(
                ADD_NOTICE(account_id=self._account_id, id=one.id, run_id=one.run_id, user_id=one.user_id, **_of_notice(one))
            )

    async def notice(self, notice_id: MaintenanceNoticeId) -> Notice:
        """As `Maintenance.notice` says."""
        (found,) = await self._transaction.read(NOTICE(account_id=self._account_id, notice_id=notice_id))
        if found.first is None:
            raise NotFound("notice")
        return records.notice(found.first)

    async def save_notice(self, notice: Notice) -> None:
        """As `Maintenance.save_notice` says."""
        new = {f"new_{name}": value for name, value in _of_notice(notice).items()}
        self._transaction.write(SAVE_NOTICE(account_id=self._account_id, notice_id=notice.id, **new))

    async def calendar_edition(self) -> int:
        """As `Maintenance.calendar_edition` says."""
        (found,) = await self._transaction.read(EDITION(account_id=self._account_id))
        return 0 if found.first is None else int(found.first.edition)

    async def renew_calendar(self) -> int:
        """As `Maintenance.renew_calendar` says."""
        (found,) = await self._transaction.read(RENEW(account_id=self._account_id))
        return int(found.rows[0].edition)

    def _changing(self, one: Schedule) -> dict[str, Any]:
        return {
            "version": one.version,
            "plan": documents.written(one.plan),
            "tree_account_id": account_of(one.plan.tree, self._account_id),
            "tree_id": one.plan.tree and one.plan.tree.id,
            "assignee_id": one.plan.assignee_id,
            "changed_at": one.changed_at,
            "next_run_at": one.next_run_at,
            "last_run_at": one.last_run_at,
        }


def _of_run(run: Run) -> dict[str, Any]:
    return {"state": run.state, "problem": run.problem, "open_window": documents.written(run.window) if run.is_open else None}


def _of_notice(notice: Notice) -> dict[str, Any]:
    return {"state": notice.state, "attempts": notice.attempts, "last_error": notice.last_error}
