"""Where maintenance schedules and their runs are kept."""

from collections.abc import Sequence
from typing import Protocol

from flowpilot_core.domain.kernel.identifiers import MaintenanceNoticeId, MaintenanceRunId, MaintenanceScheduleId, SessionId
from flowpilot_core.domain.maintenance.run import Notice, Run
from flowpilot_core.domain.maintenance.schedule import Schedule

from .kernel import KernelWork


class Maintenance(Protocol):
    """The schedules of one account and their runs, inside one unit of work.

    While a run is open, sessions and handoffs carry its window (`Session.window`, `Handoff.window`) if its targets name their client.
    """

    async def schedule(self, schedule_id: MaintenanceScheduleId) -> Schedule:
        """Raises `NotFound`."""

    async def schedules(self, *, after: MaintenanceScheduleId | None, limit: int) -> Sequence[Schedule]:
        """By id."""

    async def active(self) -> Sequence[Schedule]:
        """All that are switched on, by id."""

    async def add(self, schedule: Schedule) -> None:
        """Keep a new one. Raises `NotFound` (now or at the commit) where its assignee or its tree is not to be had here."""

    async def save(self, schedule: Schedule, *, before: Schedule) -> None:
        """Keep a changed one, with the version that it has.

        Raises `Stale` (now, or at the latest at the commit) where the stored one is no longer as `before`: in its version, in when it
        comes next, or in when it came last.
        """

    async def drop(self, schedule_id: MaintenanceScheduleId) -> None:
        """Forget one with its runs; the sessions that they started stay."""

    async def add_run(self, run: Run) -> None:
        """Keep a new one. Raises `Stale` (now, or at the latest at the commit) where its schedule has one of the same moment."""

    async def run(self, run_id: MaintenanceRunId) -> Run:
        """With the sessions that were started, where they stand now. Raises `NotFound`."""

    async def runs(self, schedule_id: MaintenanceScheduleId, *, before: MaintenanceRunId | None, limit: int) -> Sequence[Run]:
        """Of one schedule, newest first."""

    async def save_run(self, run: Run) -> None:
        """Keep how far it is, and whether it is open."""

    async def keep_session(self, run_id: MaintenanceRunId, number: int, session_id: SessionId) -> None:
        """Keep which session a target has. Raises `Stale` (now, or at the latest at the commit) where it has one."""

    async def add_notices(self, notices: Sequence[Notice]) -> None:
        """Keep mails to be sent. Raises `Stale` as above where somebody has one about that run."""

    async def notice(self, notice_id: MaintenanceNoticeId) -> Notice:
        """Raises `NotFound`."""

    async def save_notice(self, notice: Notice) -> None:
        """Keep how far it is."""

    async def calendar_edition(self) -> int:
        """How often the address of the calendar was renewed."""

    async def renew_calendar(self) -> int:
        """It was renewed once more; returns how often."""


class MaintenanceWork(KernelWork, Protocol):
    """A unit of work over maintenance."""

    @property
    def maintenance(self) -> Maintenance:
        """The schedules and their runs."""
