"""What several processes of one machine count together, in a file of SQLite's.

No memory that they share: a process that is killed in the middle of counting must leave neither a lock nor half a figure behind, and
SQLite's file does that. It is written to some ten thousand times a second, waits for no disk, and is thrown away with the processes.
"""

import logging
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from attrs import define, frozen

from flowpilot_core.domain.kernel.rate_limit import Tally

log = logging.getLogger("flowpilot.counting")

FILE: Final = "counts.db"
PATIENCE: Final = 1.0
"""Seconds for who counts just now."""
MOST_NAMES: Final = 10_000
"""Of one kind that is tallied."""

_TABLES: Final = """
CREATE TABLE place (kind, name, process, taken, PRIMARY KEY (kind, name, process)) WITHOUT ROWID;
CREATE TABLE tally (kind, name, since, counted, heard, PRIMARY KEY (kind, name)) WITHOUT ROWID;
CREATE INDEX tally_heard ON tally (kind, heard);
"""
_TAKE: Final = """
INSERT INTO place SELECT :kind, :name, :process, 1
WHERE (SELECT coalesce(sum(taken), 0) FROM place WHERE kind = :kind AND name = :name) < :most
ON CONFLICT DO UPDATE SET taken = taken + 1
"""
_LEAVE: Final = "UPDATE place SET taken = taken - 1 WHERE kind = :kind AND name = :name AND process = :process AND taken > 1"
_LEAVE_LAST: Final = "DELETE FROM place WHERE kind = :kind AND name = :name AND process = :process AND taken <= 1"
_LEFT: Final = "DELETE FROM place WHERE process = :process"
_HEAR: Final = "UPDATE tally SET heard = :now WHERE kind = :kind AND name = :name RETURNING since, counted"
_COUNT: Final = "INSERT OR REPLACE INTO tally VALUES (:kind, :name, :since, :counted, :now)"
_FORGET: Final = """
DELETE FROM tally WHERE kind = :kind AND name IN
(SELECT name FROM tally WHERE kind = :kind ORDER BY heard LIMIT max(0, (SELECT count(*) FROM tally WHERE kind = :kind) - :names))
"""


@define
class SharedCounts:
    """As process number `process` sees them; opened by each for itself, since none may be used on both sides of a fork."""

    folder: Path
    process: int
    _connection: sqlite3.Connection | None = None

    @classmethod
    def make(cls, folder: Path) -> None:
        """The file, empty; before anybody opens it."""
        with sqlite3.connect(folder / FILE) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_TABLES)
        connection.close()

    def places(self, kind: str) -> "SharedPlaces":
        """Places of one kind."""
        return SharedPlaces(self, kind)

    def tallies(self, kind: str, *, names: int = MOST_NAMES) -> "SharedTallies":
        """Tallies of one kind, of as many names as `names`, or a few more until the next look."""
        return SharedTallies(self, kind, names)

    def left(self) -> None:
        """The process is gone, and with it whatever it had a place for."""
        self.do(_LEFT, {})

    def do(self, statement: str, values: dict[str, Any]) -> sqlite3.Cursor:
        """One statement. Raises `sqlite3.Error`."""
        return self.connection.execute(statement, {"process": self.process, **values})

    @property
    def connection(self) -> sqlite3.Connection:
        """To the file."""
        if self._connection is None:
            self._connection = sqlite3.connect(self.folder / FILE, timeout=PATIENCE, isolation_level=None)
            self._connection.execute("PRAGMA synchronous = OFF")
        return self._connection

    def close(self) -> None:
        """Of no use any more."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@frozen
class SharedPlaces:
    """As `Places` says. Where it cannot count, everybody has a place: a full disk turns nobody away."""

    _counts: SharedCounts
    _kind: str

    def take(self, name: str, most: int) -> bool:
        """As `Places.take` says."""
        try:
            return self._counts.do(_TAKE, {"kind": self._kind, "name": name, "most": most}).rowcount > 0
        except sqlite3.Error as exc:
            log.warning("places not to be counted", extra={"kind": self._kind, "problem": str(exc)})
            return True

    def leave(self, name: str) -> None:
        """As `Places.leave` says."""
        named = {"kind": self._kind, "name": name}
        try:
            if not self._counts.do(_LEAVE, named).rowcount:
                self._counts.do(_LEAVE_LAST, named)
        except sqlite3.Error as exc:
            log.warning("places not to be counted", extra={"kind": self._kind, "problem": str(exc)})


@define
class SharedTallies:
    """As `Tallies` says. Where it cannot count, nothing was counted."""

    _counts: SharedCounts
    _kind: str
    _names: int
    _changes: int = 0

    def get(self, name: str) -> Tally | None:
        """As `Tallies.get` says."""
        try:
            return self._heard(name)
        except sqlite3.Error as exc:
            log.warning("attempts not to be counted", extra={"kind": self._kind, "problem": str(exc)})
            return None

    def change(self, name: str, change: Callable[[Tally | None], Tally]) -> None:
        """As `Tallies.change` says."""
        try:
            self._counts.do("BEGIN IMMEDIATE", {})
            try:
                tally = change(self._heard(name))
                self._counts.do(_COUNT, self._of(name) | {"since": tally.since, "counted": tally.count})
                self._changes += 1
                if self._changes % max(1, self._names // 100) == 0:
                    self._counts.do(_FORGET, self._of(name) | {"names": self._names})
            finally:
                self._counts.do("COMMIT", {})
        except sqlite3.Error as exc:
            log.warning("attempts not to be counted", extra={"kind": self._kind, "problem": str(exc)})

    def _heard(self, name: str) -> Tally | None:
        found = self._counts.do(_HEAR, self._of(name)).fetchall()
        return Tally(since=found[0][0], count=found[0][1]) if found else None

    def _of(self, name: str) -> dict[str, Any]:
        return {"kind": self._kind, "name": name, "now": time.monotonic_ns()}
