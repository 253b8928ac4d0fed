"""`flowpilot replay` as it is called: a log of the test's own, and a real one where there is one."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from attrs import frozen

from tests.support.postgres import PostgresDatabase

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "volvo-incidents-2013.toml"
REAL_LOG = Path(os.environ.get("FLOWPILOT_INCIDENT_LOG") or ROOT.parent / "shared/data/volvo-incidents-2013/incidents.csv.gz")

MAPPING = """
log = "helpdesk"

[columns]
case = "ticket"
time = "at"
actor = "who"
team = "team"

[[rules]]
means = "queued"
when = { status = "queued" }

[[rules]]
means = "on_hold"
when = { status = "waiting" }

[[rules]]
means = "working"
when = { status = "open" }

[[rules]]
means = "done"
when = { status = "closed" }
"""

HEADER = "ticket,at,who,team,status"
SMALL = """\
1,2026-03-02T12:00:00Z,SE,V30,open
1,2026-03-02T12:01:00Z,SE,V5,queued
1,2026-03-02T12:02:00Z,anna,V5,queued
1,2026-03-02T12:04:30Z,se,V5,waiting
2,2026-03-02T12:00:00Z,anna,V5,queued
1,2026-03-02T12:05:00Z,se,V5,closed
2,2026-03-02T12:06:00Z,anna,V5,open
"""
SMALL_FIGURES = {
    "sessions": 2,
    "events": 7,
    "escalations": 2,
    "reroutes": 1,
    "claims": 1,
    "withdrawn": 1,
    "parks": 1,
    "resumed": 1,
    "resolved": 1,
    "abandoned": 0,
    "reopened": 0,
    "ignored": 0,
    "open_at_end": 0,
    "parked_at_end": 0,
    "active_at_end": 1,
    "time_to_claim_median_s": 210,
    "time_to_claim_p90_s": 210,
}
REAL_FIGURES = {
    "sessions": 4418,
    "events": 37916,
    "escalations": 6132,
    "reroutes": 455,
    "claims": 5754,
    "withdrawn": 378,
    "parks": 3331,
    "resumed": 3331,
    "resolved": 4749,
    "abandoned": 1,
    "reopened": 335,
    "ignored": 4,
    "open_at_end": 0,
    "parked_at_end": 0,
    "active_at_end": 3,
    "time_to_claim_median_s": 2895,
    "time_to_claim_p90_s": 209377,
}


@frozen
class Command:
    """`flowpilot` on a database."""

    database: PostgresDatabase
    folder: Path

    def start(self, *arguments: str | Path) -> "subprocess.Popen[str]":
        """`flowpilot` with these arguments."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FLOWPILOT_")}
        return subprocess.Popen(
            [sys.executable, "-c", "from flowpilot_http.cli import main; main()", *map(str, arguments)],
            env=environment | {"FLOWPILOT_DATABASE_URL": self.database.app, "FLOWPILOT_DATA_DIR": str(self.folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str | Path) -> tuple[int, str, str]:
        """How it ended, and what it said on standard output and error."""
        process = self.start(*arguments)
        said, complained = process.communicate()
        return process.returncode, said, complained

    def replay(self, log: Path, *arguments: str | Path) -> dict[str, Any]:
        """The figures, and the account they are of."""
        status, said, complained = self.run("replay", log, "--mapping", self.folder / "mapping.toml", "--json", *arguments)
        assert 0 == status, complained
        figures: dict[str, Any] = json.loads(said)
        return figures

    def log(self, rows: str, name: str = "log.csv") -> Path:
        """A log with these rows, and a mapping beside it."""
        (self.folder / "mapping.toml").write_text(MAPPING, "utf-8")
        path = self.folder / name
        text = f"{HEADER}\n{rows}".encode()
        path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
        return path


@pytest.fixture
def command(database: PostgresDatabase, tmp_path: Path) -> Command:
    return Command(database, tmp_path)


@pytest.mark.parametrize("name", ["log.csv", "log.csv.gz"])
def test_a_log_is_replayed_into_a_new_account_and_again_into_the_same_to_no_effect(command: Command, name: str) -> None:
    log = command.log(SMALL, name)

    first = command.replay(log)
    again = command.replay(log, "--account", first["account_id"])

    assert first == again
    assert SMALL_FIGURES == {figure: first[figure] for figure in first if figure != "account_id"}
    rows = command.database.do(
        f"SELECT count(*), count(DISTINCT session_id) FROM flowpilot.imported_row WHERE account_id = '{first['account_id']}'"
    )
    assert [(7, 2)] == rows


def test_the_figures_are_a_table_for_people(command: Command) -> None:
    log = command.log(SMALL)

    status, said, complained = command.run("replay", log, "--mapping", command.folder / "mapping.toml")

    assert 0 == status, complained
    assert "time to claim median s" in said
    assert "210" in said
    assert "--account" in complained


def test_a_broken_row_stops_the_replay_before_anything_is_written(command: Command) -> None:
    log = command.log(SMALL.replace("2026-03-02T12:05:00Z", "noon"))
    before = command.database.do("SELECT count(*) FROM flowpilot.account")

    status, said, complained = command.run("replay", log, "--mapping", command.folder / "mapping.toml")

    assert (1, "") == (status, said)
    assert "line 7: at: 'noon' is not a time in the format 'iso'" in complained
    assert "--skip-bad-rows" in complained
    assert before == command.database.do("SELECT count(*) FROM flowpilot.account")


def test_broken_rows_are_skipped_where_that_is_asked_for(command: Command) -> None:
    log = command.log(SMALL + "3,noon,anna,V5,open\n3,noon,anna,V5,open\n")

    figures = command.replay(log, "--skip-bad-rows")

    assert SMALL_FIGURES == {figure: figures[figure] for figure in figures if figure != "account_id"}


def test_only_the_first_of_many_broken_rows_are_told(command: Command) -> None:
    log = command.log("3,noon,anna,V5,open\n" * 25)

    _, _, complained = command.run("replay", log, "--mapping", command.folder / "mapping.toml")

    assert 20 == complained.count("is not a time")
    assert "… and 5 more" in complained


def test_what_cannot_be_replayed_is_said_clearly(command: Command) -> None:
    log, mapping = command.log(SMALL), command.folder / "mapping.toml"

    missing = command.run("replay", command.folder / "none.csv", "--mapping", mapping)
    nowhere = command.run("replay", log, "--mapping", mapping, "--account", str(uuid4()))
    mapping.write_text(MAPPING.replace('time = "at"', 'time = "when"'), "utf-8")
    unmapped = command.run("replay", log, "--mapping", mapping)

    assert [1, 1, 1] == [status for status, _, _ in (missing, nowhere, unmapped)]
    assert "none.csv: No such file" in missing[2]
    assert "there is no such account" in nowhere[2]
    assert "the log has no column 'when'; it has 'ticket', 'at', 'who', 'team', 'status'" in unmapped[2]


def _many(cases: int) -> Iterator[str]:
    for case in range(cases):
        yield f"{case},2026-03-02T12:00:00Z,anna,V5,queued"
        yield f"{case},2026-03-02T12:01:00Z,ben,V5,open"
        yield f"{case},2026-03-02T12:02:00Z,ben,V5,open"
        yield f"{case},2026-03-02T12:03:00Z,ben,V5,waiting"
        yield f"{case},2026-03-02T12:04:00Z,anna,V5,closed"


def test_killed_in_the_middle_and_started_again_it_goes_on(command: Command) -> None:
    """F02: what a kill -9 leaves behind is whole rows."""
    log = command.log("\n".join(_many(300)) + "\n")
    account_id = command.replay(command.log("", "empty.csv"))["account_id"]
    process = command.start("replay", log, "--mapping", command.folder / "mapping.toml", "--account", account_id, "--json")

    done = _wait_for_rows(command.database, account_id, process)
    process.kill()
    process.communicate()
    figures = command.replay(log, "--account", account_id)

    assert done < 1500
    assert (300, 1500) == (figures["sessions"], figures["events"])
    assert (300, 300, 300, 300, 300) == tuple(figures[name] for name in ("escalations", "claims", "parks", "resumed", "resolved"))
    steps = command.database.do(f"SELECT count(*) FROM flowpilot.step WHERE account_id = '{account_id}'")
    assert [(300,)] == steps


def _wait_for_rows(database: PostgresDatabase, account_id: str, process: "subprocess.Popen[str]") -> int:
    with psycopg.connect(database.admin, autocommit=True) as connection:
        done = 0
        while done == 0:
            assert process.poll() is None
            (done,) = connection.execute("SELECT count(*) FROM flowpilot.imported_row WHERE account_id = %s", [account_id]).fetchone() or (
                0,
            )
        return done


@pytest.mark.skipif(not REAL_LOG.is_file(), reason="needs the published incident log: name it with FLOWPILOT_INCIDENT_LOG")
def test_the_whole_of_a_real_log_comes_to_the_figures_computed_from_it_alone(command: Command) -> None:
    status, said, complained = command.run("replay", REAL_LOG, "--mapping", EXAMPLE, "--json")

    assert 0 == status, complained
    figures = json.loads(said)
    del figures["account_id"]
    assert REAL_FIGURES == figures
