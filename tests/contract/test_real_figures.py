"""Figures of a real log that was replayed, against what its file says by itself: nothing of the product is asked how to count."""

import csv
import gzip
import io
import json
import math
import os
import statistics
import subprocess
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from attrs import Factory, define

from flowpilot_adapters.sql import Database
from flowpilot_adapters.system import SystemClock
from flowpilot_core.application.insights.analytics import Analytics
from flowpilot_core.domain.insights.analytics import GROUPS, MOST_GROUPS, GroupBy, Question, Tally, called, seconds
from flowpilot_core.domain.insights.figures import FIGURES, Subject
from flowpilot_core.domain.insights.period import Period
from flowpilot_core.domain.insights.spread import Spread
from flowpilot_core.domain.kernel.identifiers import AccountId
from tests.support.postgres import PostgresDatabase, PostgresServer
from tests.support.serving import PROGRAM, environment, named

ROOT = Path(__file__).parents[2]
NAMED = os.environ.get("FLOWPILOT_INCIDENT_LOG")
LOG = Path(NAMED or ROOT.parent / "shared/data/volvo-incidents-2013/incidents.csv.gz")
SOME = 150
"""Cases that are enough where nobody names the log: the whole of it takes minutes."""
WHOLE: dict[str, Any] = {
    "sessions": 4418,
    "escalated_sessions": 2636,
    "escalations": 6132,
    "reroutes": 455,
    "claimed": 5754,
    "withdrawn": 378,
    "time_to_claim": (5754, 2895.0, 209377.0, 91311.137, 13910830.0),
    "time_to_first_step": (1397, 18.0, 827.0, 11334.786, 1750586.0),
    "claimed_without_step": 4357,
    "time_to_resolve": (4415, 42705.0, 1541408.0, 665706.623, 65988630.0),
}
START, END = date(2010, 1, 1), date(2013, 1, 1)
ZONE = timezone(timedelta(hours=1))
"""That of the log, without summer time, which a zone of the database has under this name."""
ZONE_NAME = "Etc/GMT-1"

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not LOG.is_file(), reason="needs the published incident log: name it with FLOWPILOT_INCIDENT_LOG"),
]


@define
class Wait:
    """One escalation in the file."""

    at: datetime
    by: tuple[str, str]
    claimer: tuple[str, str] | None = None
    claimed_at: datetime | None = None
    worked_at: datetime | None = None
    withdrawn: bool = False
    reroutes: int = 0


@define
class Incident:
    """One case of the file, told row by row."""

    started: datetime
    state: str = "active"
    waits: list[Wait] = Factory(list)
    done: datetime | None = None
    reopened: int = 0
    steps: int = 0
    last: Wait | None = None
    """The claim that somebody has yet to work on."""

    def tell(self, row: Mapping[str, str]) -> None:
        """One row more."""
        at, who = datetime.fromisoformat(row["Change Date+Time"]), (row["Country"], row["Owner First Name"])
        status, rest = row["Status"], row["Sub Status"]
        if status == "Unmatched":
            return
        if self.state == "ended":
            if status == "Completed":
                return
            self.reopened += 1
            self.state, self.last = "active", None
            if status == "Accepted" and not rest.startswith("Wait"):
                return
        if status == "Queued":
            if self.state == "waiting":
                self.waits[-1].reroutes += 1
            else:
                self.waits.append(Wait(at=at, by=who))
                self.state, self.last = "waiting", None
            return
        if self.state == "waiting":
            wait = self.waits[-1]
            if status == "Completed" or who == wait.by:
                wait.withdrawn = True
            else:
                wait.claimer, wait.claimed_at, self.last = who, at, wait
            self.state = "active"
            came = True
        else:
            came = False
        if status == "Completed":
            self.state, self.last = "ended", None
            if rest != "Cancelled":
                self.done = at
        elif rest.startswith("Wait"):
            self.state = "parked"
        elif self.state == "parked":
            self.state = "active"
        elif not came:
            self.steps += 1
            if self.last and self.last.claimer == who:
                self.last.worked_at, self.last = at, None


def incidents(rows: Iterable[Mapping[str, str]]) -> list[Incident]:
    """All cases of the file."""
    cases: dict[str, Incident] = {}
    for row in rows:
        at = datetime.fromisoformat(row["Change Date+Time"])
        cases.setdefault(row["SR Number"], Incident(started=at)).tell(row)
    return list(cases.values())


def spread(waits: Iterable[timedelta]) -> tuple[int, float | None, float | None, float | None, float | None]:
    """Count, median, 90th percentile by nearest rank, mean and longest, in seconds."""
    found = sorted(wait.total_seconds() for wait in waits)
    if not found:
        return 0, None, None, None, None
    rank = math.ceil(len(found) * 9 / 10 - 1e-9)
    return len(found), statistics.median(found), found[rank - 1], round(statistics.fmean(found), 3), found[-1]


def lengths(waits: Iterable[timedelta]) -> dict[str, int]:
    """How many took how long, in classes from under ten seconds to a day and longer."""
    names = {10: "10_s", 30: "30_s", 60: "1_min", 300: "5_min", 900: "15_min", 3600: "1_h", 14400: "4_h", 86400: "1_day"}
    found = dict.fromkeys((*(f"under_{name}" for name in names.values()), "longer"), 0)
    for wait in waits:
        bound = min((bound for bound in names if wait.total_seconds() < bound), default=None)
        found["longer" if bound is None else f"under_{names[bound]}"] += 1
    return found


def escalation_figures(started: list[Incident], waits: list[Wait]) -> dict[str, Any]:
    """The figures of these cases and these escalations."""
    claimed = [wait for wait in waits if wait.claimed_at]
    to_claim = [wait.claimed_at - wait.at for wait in claimed if wait.claimed_at]
    to_step = [wait.worked_at - wait.claimed_at for wait in claimed if wait.claimed_at and wait.worked_at]
    return {
        "sessions": len(started),
        "escalated_sessions": sum(bool(case.waits) for case in started),
        "escalations": len(waits),
        "reroutes": sum(wait.reroutes for wait in waits),
        "claimed": len(claimed),
        "withdrawn": sum(wait.withdrawn for wait in waits),
        "lapsed": 0,
        "unclaimed": 0,
        "reopened": sum(case.reopened for case in started),
        "waiting": 0,
        "overdue": 0,
        "time_to_claim": spread(to_claim),
        "time_to_first_step": spread(to_step),
        "time_to_claim_classes": lengths(to_claim),
        "time_to_first_step_classes": lengths(to_step),
        "claimed_without_step": sum(wait.worked_at is None for wait in claimed),
        "time_to_resolve": spread(case.done - case.started for case in started if case.done),
        "verdicts": {"right": 0, "late": 0, "avoidable": 0, "none": len(claimed)},
    }


def work_figures(started: list[Incident], waits: list[Wait]) -> dict[str, Any]:
    """The figures of work on these cases."""
    states = {"active": "active", "parked": "parked", "escalated": "waiting"}
    ended = [case for case in started if case.state == "ended"]
    return {
        **{f"sessions.{name}": sum(case.state == state for case in started) for name, state in states.items()},
        "ended": len(ended),
        "steps": sum(case.steps for case in started),
        "time_to_resolve": spread(case.done - case.started for case in started if case.done),
    }


def grouped(cases: list[Incident], key: Callable[[datetime], str], figures: Callable[[list[Incident], list[Wait]], Any]) -> dict[str, Any]:
    """Figures by a key of when a case started, and when an escalation was made."""
    started: dict[str, list[Incident]] = defaultdict(list)
    made: dict[str, list[Wait]] = defaultdict(list)
    for case in cases:
        started[key(case.started.astimezone(ZONE))].append(case)
        for wait in case.waits:
            made[key(wait.at.astimezone(ZONE))].append(wait)
    names = started if figures is work_figures else {**started, **made}
    return {name: figures(started[name], made[name]) for name in names}


def shown(tally: Tally, subject: Subject, names: Iterable[str]) -> dict[str, Any]:
    """What the product says of the same figures."""
    said: dict[str, Any] = {}
    for figure in FIGURES[subject]:
        value = tally.value(figure)
        if isinstance(value, Spread):
            value = (value.count, *(seconds(one) for one in (value.median, value.p90, value.mean, value.max)))  # type: ignore[assignment]
        if subject is Subject.WORK and isinstance(value, Mapping):
            said |= {f"sessions.{word}": value[word] for word in ("active", "parked", "escalated")}
            said["ended"] = value["resolved"] + value["abandoned"]
        else:
            said[figure.name] = value
    return {name: said[name] for name in names}


@define
class Replayed:
    """The log's cases, and the account that they were replayed into."""

    cases: list[Incident]
    storage: Database
    account_id: AccountId

    async def counted(self, subject: Subject, group_by: GroupBy | None) -> tuple[Tally, dict[str | None, Tally]]:
        question = Question(subject=subject, period=Period(start=START, end=END, time_zone=ZONE_NAME), group_by=group_by)
        found = await self.storage.view(self.account_id).tallies(question, None, at=datetime.now(ZONE), most=MOST_GROUPS)
        return found.total, {called(question, key): tally for key, tally in found.groups.items()}


@define
class Played:
    """A database into which the log was replayed."""

    cases: list[Incident]
    database: PostgresDatabase
    account_id: AccountId


@pytest.fixture(scope="module")
def played(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """The whole log where somebody names it, and else some of its cases."""
    rows = list(csv.DictReader(io.StringIO(gzip.decompress(LOG.read_bytes()).decode())))
    if not NAMED:
        some = set(list(dict.fromkeys(row["SR Number"] for row in rows))[:: WHOLE["sessions"] // SOME])
        rows = [row for row in rows if row["SR Number"] in some]
    log = tmp_path_factory.mktemp("log") / "incidents.csv"
    with log.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    database = postgres.database()
    arguments = ("replay", str(log), "--mapping", str(ROOT / "examples" / "volvo-incidents-2013.toml"), "--json")
    replay = subprocess.run([*PROGRAM, *arguments], env=environment(**named(database)), capture_output=True, text=True, check=False)
    assert 0 == replay.returncode, replay.stderr
    yield Played(cases=incidents(rows), database=database, account_id=AccountId(UUID(json.loads(replay.stdout)["account_id"])))
    postgres.drop(database)


@pytest.fixture
async def replayed(played: Played) -> AsyncIterator[Replayed]:
    storage = Database(played.database.app, pool_size=2)
    yield Replayed(cases=played.cases, storage=storage, account_id=played.account_id)
    await storage.close()


KEYS = {GroupBy.DAY: "%Y-%m-%d", GroupBy.MONTH: "%Y-%m"}
SUBJECTS = {Subject.ESCALATIONS: escalation_figures, Subject.WORK: work_figures}


@pytest.mark.parametrize("subject", SUBJECTS)
async def test_in_all_they_are_what_the_file_says(replayed: Replayed, subject: Subject) -> None:
    waits = [wait for case in replayed.cases for wait in case.waits]
    expected = SUBJECTS[subject](replayed.cases, waits)

    total, _ = await replayed.counted(subject, None)

    assert expected == shown(total, subject, expected)


@pytest.mark.parametrize("group_by", KEYS)
@pytest.mark.parametrize("subject", SUBJECTS)
async def test_by_day_and_by_month_they_are_what_the_file_says(replayed: Replayed, subject: Subject, group_by: GroupBy) -> None:
    if group_by not in GROUPS[subject]:
        pytest.skip("work is not grouped by month")
    expected = grouped(replayed.cases, lambda at: at.strftime(KEYS[group_by]), SUBJECTS[subject])

    _, groups = await replayed.counted(subject, group_by)

    names = next(iter(expected.values()))
    assert expected == {key: shown(tally, subject, names) for key, tally in groups.items()}


async def test_they_are_what_the_event_log_says(replayed: Replayed) -> None:
    analytics = Analytics(begin=replayed.storage.begin, view=replayed.storage.view, clock=SystemClock())

    assert () == await analytics.verify(replayed.account_id)


@pytest.mark.skipif(not NAMED, reason="some cases are not the whole log: name it with FLOWPILOT_INCIDENT_LOG")
async def test_the_whole_log_comes_to_the_figures_that_were_published_with_it(replayed: Replayed) -> None:
    total, _ = await replayed.counted(Subject.ESCALATIONS, None)

    assert WHOLE == shown(total, Subject.ESCALATIONS, WHOLE)
