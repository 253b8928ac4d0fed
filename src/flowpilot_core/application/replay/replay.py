"""Replay: an incident log driven through the real use cases, each row at its own time and as one unit of work."""

import asyncio
import hashlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import zip_longest
from typing import Final, Protocol

from attrs import define, evolve, frozen

from flowpilot_core.application.handoffs.handoffs import Handoffs
from flowpilot_core.application.handoffs.parks import Parks
from flowpilot_core.application.kernel.units import MOST_TRIES, Joined
from flowpilot_core.application.sessions.sessions import Sessions
from flowpilot_core.domain.access.account import Team, User
from flowpilot_core.domain.handoffs.handoff import Handoff, Intent
from flowpilot_core.domain.kernel.actor import Person, Role
from flowpilot_core.domain.kernel.errors import FlowPilotError, Stale, Unavailable
from flowpilot_core.domain.kernel.identifiers import AccountId, TeamId, UserId
from flowpilot_core.domain.kernel.name import checked_name
from flowpilot_core.domain.replay.incident_log import Happening, LogMove, LogRow, PlannedMove, Standing, planned_moves
from flowpilot_core.domain.sessions.bounds import Bounds
from flowpilot_core.domain.sessions.session import Priority, Status, Ticket
from flowpilot_core.domain.sessions.step import StepKind
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.handoffs import HandoffView, HandoffWork
from flowpilot_core.ports.kernel import BeginWork, NewId, ViewOf
from flowpilot_core.ports.replay import IGNORED, Figures, ImportedCase, ImportedRow, ReplayView, ReplayWork
from flowpilot_core.ports.sessions import SessionDetail, SessionView, SessionWork


class ReplayNeeds(ReplayWork, HandoffWork, SessionWork, AccessWork, Protocol):
    """What is done here asks this of a unit of work."""


class ReplaySees(ReplayView, HandoffView, SessionView, Protocol):
    """What is done here asks this of a view."""


NOTHING = "nothing"
"""The outcome of a row that changed nothing."""
ADMIN = ("",)
"""Stands where an actor's parts stand, for the admin who does what a log does not show: no row has it."""


@define
class RowRefused(FlowPilotError):
    """A row that could not be replayed: the cause says why. Nothing of it was kept; the rows of its case before it were."""

    line: int
    case: str

    def __str__(self) -> str:
        return f"line {self.line} (case {self.case}): {self.__cause__}"


@define
class AnotherLog(FlowPilotError):
    """What was imported under the log's name is not how this log begins: it is another log, or was changed before where it ended."""

    log: str
    case: str
    line: int

    def __str__(self) -> str:
        return f"line {self.line} of case {self.case} was imported from another log under the name {self.log!r}"


@frozen(kw_only=True)
class Replay:
    """Replays logs. Who appears in one is made an engineer; nobody is told of anything."""

    begin: BeginWork[ReplayNeeds]
    view: ViewOf[ReplaySees]
    new_id: NewId

    async def run(
        self, account_id: AccountId, log: str, rows: Sequence[LogRow], *, concurrency: int, done: Callable[[int], None]
    ) -> Figures:
        """Replay the rows of the log called `log` that were not replayed before; `done` is called with how many more are done.

        Rows of one case run in their order, up to `concurrency` cases at once. Stopped at any point and called again it goes
        on where it was. Raises `RowRefused`, `AnotherLog`, or `NotFound` where there is no such account.
        """
        cases: dict[str, list[LogRow]] = {}
        for row in rows:
            cases.setdefault(row.case, []).append(row)
        imported = await self.view(account_id).imported(log)
        for case, before in imported.items():
            _require_same(log, case, before, cases.get(case, []))
            done(len(before.lines))
        cast = await _Cast.of(account_id, log, rows, begin=self.begin, new_id=self.new_id)
        waiting = iter(cases.items())

        async def work_on_cases() -> None:
            for case, case_rows in waiting:
                await self._replay(cast, case_rows, imported.get(case), done)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(concurrency):
                    group.create_task(work_on_cases())
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed.exceptions[0].__cause__
        async with self.begin(account_id) as work:
            await work.imports.settle()
            await work.commit()
        return await self.view(account_id).figures(log)

    async def _replay(self, cast: "_Cast", rows: Sequence[LogRow], before: ImportedCase | None, done: Callable[[int], None]) -> None:
        """All rows of one case that are not done yet.

        Somebody else may be at it too: the last commit of a run that was killed, or a second run. Then a row finds its line
        taken or its session moved, and the case goes on from how it is now.
        """
        for _ in range(MOST_TRIES):
            try:
                return await self._go_on(cast, rows, before, done)
            except (Stale, RowRefused) as problem:
                before = (await self.view(cast.account_id).imported(cast.log)).get(rows[0].case)
                if isinstance(problem, RowRefused) and (before is None or problem.line not in before.lines):
                    raise
        raise Unavailable("database")

    async def _go_on(self, cast: "_Cast", rows: Sequence[LogRow], before: ImportedCase | None, done: Callable[[int], None]) -> None:
        standing: Standing | None = None
        if before is not None:
            rows = rows[len(before.lines) :]
            standing = _standing(await self.view(cast.account_id).session(before.session_id)) if rows else None
        for row in rows:
            unit = _RowUnit(cast=cast, row=row, before=standing, view=self.view, new_id=self.new_id)
            try:
                async with self.begin(cast.account_id) as work:
                    standing = await unit.run(work)
                    await work.commit()
            except Stale:
                raise
            except FlowPilotError as refused:
                raise RowRefused(row.line, row.case) from refused
            done(1)


AS_IT_WAS: Final = Bounds(steps=sys.maxsize, branches=sys.maxsize, levels=sys.maxsize, bytes=sys.maxsize)
"""What happened is not refused: an operator plays it, once, and whatever it comes to can be read and ended."""


@frozen(kw_only=True)
class _Cast:
    """Everybody and every team of one log, as they are in the account."""

    account_id: AccountId
    log: str
    admin: Person
    people: Mapping[tuple[str, ...], User]
    teams: Mapping[str, TeamId]

    @classmethod
    async def of(cls, account_id: AccountId, log: str, rows: Sequence[LogRow], *, begin: BeginWork[ReplayNeeds], new_id: NewId) -> "_Cast":
        """They as an earlier run left them, and the others made now."""
        actors = {row.actor: row for row in reversed(rows)}
        async with begin(account_id) as work:
            created_at = (await work.people.account()).created_at
            teams = {team.name: team.id for team in await work.people.teams()}
            users = {user.email: user for user in await work.people.users()}
            for name in dict.fromkeys(checked_name(row.team) for row in rows if row.team):
                if name not in teams:
                    team = Team(id=TeamId(new_id()), name=name)
                    await work.people.add_team(team)
                    teams[name] = team.id

            async def user(key: tuple[str, ...], name: str, role: Role, at: datetime) -> User:
                email = _address(log, key)
                if email not in users:
                    users[email] = User(id=UserId(new_id()), email=email, name=checked_name(name), role=role, created_at=at)
                    await work.people.add_user(users[email])
                return users[email]

            admin = (await user(ADMIN, f"Import of {log}", Role.ADMIN, created_at)).acting(account_id)
            people = {key: await user(key, row.actor_name, Role.ENGINEER, row.at) for key, row in actors.items()}
            await work.commit()
        return cls(account_id=account_id, log=log, admin=admin, people=people, teams=teams)

    def team(self, name: str | None) -> TeamId | None:
        """The team with this name."""
        return self.teams[checked_name(name)] if name else None


@frozen
class _RowClock:
    """It is when the row happened."""

    at: datetime

    def now(self) -> datetime:
        return self.at


@frozen(kw_only=True)
class _RowUnit:
    """All that one row comes to, and its line in the ledger."""

    cast: _Cast
    row: LogRow
    before: Standing | None
    """None: this is the first row of its case, which starts the session."""
    view: ViewOf[ReplaySees]
    new_id: NewId

    async def run(self, work: ReplayNeeds) -> Standing:
        """How the case stands after it."""
        row, clock, joined = self.row, _RowClock(self.row.at), Joined(work, self.new_id)
        actor = self.cast.people[row.actor].acting(self.cast.account_id)
        handoffs = Handoffs(units=joined, view=self.view, clock=clock, new_id=self.new_id)
        sessions = Sessions(units=joined, view=self.view, clock=clock, new_id=self.new_id, followers=(Parks(),), bounds=AS_IT_WAS)
        standing = self.before or await self._start(sessions, actor)
        plan = planned_moves(row.happening, standing, actor.user_id)
        for planned in plan:
            standing = await self._do(planned, standing, actor, sessions, handoffs)
        outcome = IGNORED if row.happening is Happening.IGNORED else ", ".join(planned.move for planned in plan) or NOTHING
        await work.imports.add(
            ImportedRow(log=self.cast.log, line=row.line, case=row.case, session_id=standing.session_id, outcome=outcome)
        )
        return standing

    async def _start(self, sessions: Sessions[ReplayNeeds], actor: Person) -> Standing:
        title = self.row.title or f"{self.cast.log} {self.row.case}"
        detail = await sessions.start(
            actor,
            title=title,
            problem=title,
            client_name=self.row.client,
            ticket=Ticket(system=self.cast.log, id=self.row.case),
            priority=self.row.priority or Priority.NORMAL,
            team_id=self.cast.team(self.row.team),
        )
        return _standing(detail)

    async def _do(
        self, planned: PlannedMove, before: Standing, actor: Person, sessions: Sessions[ReplayNeeds], handoffs: Handoffs[ReplayNeeds]
    ) -> Standing:
        row, session_id = self.row, before.session_id
        by = self.cast.admin if planned.by_admin else actor
        match planned.move:
            case LogMove.STEP:
                await sessions.add_step(by, session_id, kind=StepKind.NOTE, content=row.words)
                return before
            case LogMove.PARK:
                parked = await handoffs.hand_off(by, session_id, intent=Intent.PARK, reason=row.words)
                return _handed_off(before, parked.handoff, Status.PARKED)
            case LogMove.ESCALATE:
                team_id = self.cast.team(row.team)
                escalated = await handoffs.hand_off(
                    by, session_id, intent=Intent.ESCALATE, reason=row.words, priority=row.priority, team_id=team_id
                )
                return _handed_off(before, escalated.handoff, Status.ESCALATED)
            case LogMove.REROUTE:
                await handoffs.reroute(by, before.open_handoff, team_id=self.cast.team(row.team), priority=row.priority)
                return before
            case LogMove.CLAIM:
                await handoffs.claim(by, before.open_handoff)
                return evolve(before, status=Status.ACTIVE, assignee_id=by.user_id)
            case LogMove.WITHDRAW:
                await handoffs.withdraw(by, before.open_handoff)
                return evolve(before, status=Status.ACTIVE)
            case LogMove.REASSIGN:
                return _now(before, await sessions.reassign(by, session_id, user_id=actor.user_id))
            case LogMove.RESUME:
                return _now(before, await sessions.resume(by, session_id))
            case LogMove.RESOLVE:
                return _now(before, await sessions.resolve(by, session_id, summary=row.words))
            case LogMove.ABANDON:
                return _now(before, await sessions.abandon(by, session_id, reason=row.words))
            case LogMove.REOPEN:
                return _now(before, await sessions.reopen(by, session_id, reason=row.words))


def _standing(detail: SessionDetail) -> Standing:
    session = detail.session
    latest = next((handoff for handoff in detail.handoffs if handoff.id == session.latest_handoff_id), None)
    return Standing(
        session_id=session.id,
        status=session.status,
        assignee_id=session.assignee_id,
        handoff_id=latest.id if latest else None,
        escalator_id=latest.escalated_by if latest else None,
    )


def _handed_off(before: Standing, handoff: Handoff, status: Status) -> Standing:
    return evolve(before, status=status, handoff_id=handoff.id, escalator_id=handoff.escalated_by)


def _now(before: Standing, detail: SessionDetail) -> Standing:
    return evolve(before, status=detail.session.status, assignee_id=detail.session.assignee_id)


def _require_same(log: str, case: str, before: ImportedCase, rows: Sequence[LogRow]) -> None:
    """Raises `AnotherLog` unless what is done of a case is how its rows begin."""
    for line, row in zip_longest(before.lines, rows[: len(before.lines)]):
        if row is None or row.line != line:
            raise AnotherLog(log, case, line)


def _address(log: str, key: tuple[str, ...]) -> str:
    """An address that nobody has, the same for the same person in every run, and of no two alike in any case of letters."""
    return f"{hashlib.sha256(json.dumps([log, *key]).encode()).hexdigest()[:24]}@replay.invalid"
