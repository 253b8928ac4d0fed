"""Which columns of an incident log say what: the mapping file, and the rows that a log comes to by it."""

import codecs
import csv
import gzip
import io
import tomllib
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TextIO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from attrs import frozen

from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.text import TITLE, one_of
from flowpilot_core.domain.replay.incident_log import Happening, LogRow
from flowpilot_core.domain.sessions.session import Priority
from flowpilot_http.decoding import explained
from flowpilot_http.main.failures import CannotRun

_GZIP = b"\x1f\x8b"
_ISO = "iso"
_LONGEST_CELL = 2**31 - 1
"""Characters that the CSV reader takes; it would stop at 131,072, also where nobody looks at the cell."""
_LONGEST_QUOTED = 80
"""Characters of a cell that are repeated in what is said of it."""


class LogProblem(CannotRun):
    """A mapping or a log that cannot be read at all; the text says which file and why."""


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of a mapping file."""


class Prefix(_Part, frozen=True):
    """Values that begin so."""

    prefix: Annotated[str, msgspec.Meta(min_length=1)]


_Value = str | Prefix
_Column = Annotated[str, msgspec.Meta(min_length=1)]


class Rule(_Part, frozen=True):
    """What happened, where all the columns named have one of the values given."""

    means: Happening
    when: dict[_Column, _Value | list[_Value]] = {}


class Columns(_Part, frozen=True):
    """Where a row says what."""

    case: _Column
    time: _Column
    actor: _Column | Annotated[list[_Column], msgspec.Meta(min_length=1)]
    team: _Column | None = None
    priority: _Column | None = None
    title: _Column | None = None
    client: _Column | None = None


class Time(_Part, frozen=True):
    """How times are written."""

    format: str = _ISO
    """`iso` for ISO 8601, or what `datetime.strptime` reads."""
    zone: str | None = None
    """Of times that say none themselves."""


class Values(_Part, frozen=True):
    """Other words for values of a column; a value that is not listed stays as it is."""

    team: dict[str, str] = {}
    priority: dict[str, Priority] = {}
    title: dict[str, str] = {}
    client: dict[str, str] = {}


class File(_Part, frozen=True):
    """How the file is written."""

    delimiter: Annotated[str, msgspec.Meta(min_length=1, max_length=1)] = ","
    encoding: str = "utf-8-sig"


class LogMapping(_Part, frozen=True):
    """One mapping file."""

    log: Annotated[str, msgspec.Meta(min_length=1, max_length=TITLE)]
    """What the log is called: its sessions bear it as the system of their tickets, and a later run knows by it what is done."""
    columns: Columns
    rules: Annotated[list[Rule], msgspec.Meta(min_length=1)]
    time: Time = Time()
    values: Values = Values()
    file: File = File()

    @property
    def actor_columns(self) -> Sequence[str]:
        """The columns that together say who acts."""
        return (self.columns.actor,) if isinstance(self.columns.actor, str) else self.columns.actor

    @property
    def rule_columns(self) -> Sequence[str]:
        """The columns that say what happened."""
        return tuple(dict.fromkeys(column for rule in self.rules for column in rule.when))


@frozen(kw_only=True)
class BadRow:
    """A row that cannot be replayed."""

    line: int
    problem: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.problem}"


@frozen(kw_only=True)
class ReadLog:
    """All rows of a log, in order, and those that are broken."""

    rows: tuple[LogRow, ...]
    bad: tuple[BadRow, ...]


def read_mapping(path: Path) -> LogMapping:
    """The mapping in a TOML file. Raises `LogProblem`."""
    try:
        mapping = msgspec.convert(tomllib.loads(path.read_text("utf-8")), LogMapping)
        _zone(mapping)
        codecs.lookup(mapping.file.encoding)
    except OSError as exc:
        raise LogProblem(f"{path}: {exc.strerror}") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise LogProblem(f"{path}: this is not TOML: {exc}") from exc
    except msgspec.ValidationError as exc:
        raise LogProblem(f"{path}: {explained(str(exc), LogMapping)}") from exc
    except LookupError as exc:
        raise LogProblem(f"{path}: unknown encoding {mapping.file.encoding!r} - at `$.file.encoding`") from exc
    except LogProblem as exc:
        raise LogProblem(f"{path}: {exc}") from exc
    return mapping


def read_log(path: Path, mapping: LogMapping) -> ReadLog:
    """The rows of a log, gzipped or not. Raises `LogProblem` where it is no CSV file with the mapping's columns."""
    rows: list[LogRow] = []
    bad: list[BadRow] = []
    csv.field_size_limit(_LONGEST_CELL)
    try:
        with _opened(path, mapping.file.encoding) as file:
            reader = csv.reader(file, delimiter=mapping.file.delimiter, strict=True)
            read = _RowReader(mapping, _header(reader))
            while True:
                line = reader.line_num + 1
                try:
                    cells = next(reader)
                    if cells:
                        rows.append(read.row(line, cells))
                except StopIteration:
                    break
                except (csv.Error, InvalidValue) as exc:
                    bad.append(BadRow(line=line, problem=str(exc)))
    except (EOFError, gzip.BadGzipFile, zlib.error) as exc:
        raise LogProblem(f"{path}: the gzip file is damaged or cut short: {exc}") from exc
    except (UnicodeError, LookupError) as exc:
        raise LogProblem(f"{path}: this is not {mapping.file.encoding} text: {exc}") from exc
    except LogProblem as exc:
        raise LogProblem(f"{path}: {exc}") from exc
    except OSError as exc:
        raise LogProblem(f"{path}: {exc.strerror}") from exc
    return ReadLog(rows=tuple(rows), bad=tuple(bad))


@contextmanager
def _opened(path: Path, encoding: str) -> Iterator[TextIO]:
    """The log as text; bytes that are none become surrogates, so that whoever reads a cell can say in which line they are."""
    with path.open("rb") as file:
        zipped = file.peek(len(_GZIP))[: len(_GZIP)] == _GZIP
        with io.TextIOWrapper(gzip.open(file) if zipped else file, encoding, errors="surrogateescape", newline="") as text:
            yield text


def _header(reader: Iterator[list[str]]) -> list[str]:
    try:
        return next(reader)
    except StopIteration:
        raise LogProblem("the file is empty") from None
    except csv.Error as exc:
        raise LogProblem(f"line 1: {exc}") from exc


class _RowReader:
    """Reads the cells of a row as the mapping says."""

    def __init__(self, mapping: LogMapping, header: Sequence[str]) -> None:
        self._mapping = mapping
        self._places = {column: place for place, column in enumerate(header)}
        self._width = len(header)
        self._zone = _zone(mapping)
        self._actor = mapping.actor_columns
        self._rule_columns = mapping.rule_columns
        self._latest: datetime | None = None
        columns = mapping.columns
        named = (
            columns.case,
            columns.time,
            *self._actor,
            columns.team,
            columns.priority,
            columns.title,
            columns.client,
            *self._rule_columns,
        )
        missing = sorted({column for column in named if column is not None} - self._places.keys())
        if missing:
            raise LogProblem(f"the log has no column {', '.join(map(repr, missing))}; it has {', '.join(map(repr, header))}")

    def row(self, line: int, cells: Sequence[str]) -> LogRow:
        """Raises `InvalidValue`, whose field is the column."""
        if len(cells) != self._width:
            raise InvalidValue("row", f"has {len(cells)} cells, the header has {self._width}")
        columns, values = self._mapping.columns, self._mapping.values
        title = self._optional(columns.title, values.title, cells)
        client = self._optional(columns.client, values.client, cells)
        return LogRow(
            line=line,
            case=self._cell(columns.case, cells),
            at=self._time(columns.time, self._cell(columns.time, cells)),
            actor=tuple([self._cell(column, cells) for column in self._actor]),
            team=self._optional(columns.team, values.team, cells),
            priority=self._priority(columns.priority, cells),
            title=title if title is None or len(title) <= TITLE else title[: TITLE - 1] + "…",
            client=client and " ".join(client.split()),
            happening=self._happening(cells),
            words=" / ".join(word for column in self._rule_columns if (word := self._cell(column, cells).strip())) or "-",
        )

    def _cell(self, column: str, cells: Sequence[str]) -> str:
        cell = cells[self._places[column]]
        if not cell.isascii() and any("\udc80" <= character <= "\udcff" for character in cell):
            raise InvalidValue(column, f"is not {self._mapping.file.encoding}")
        return cell

    def _optional(self, column: str | None, values: Mapping[str, str], cells: Sequence[str]) -> str | None:
        if column is None:
            return None
        cell = self._cell(column, cells)
        return values.get(cell, cell).strip() or None

    def _priority(self, column: str | None, cells: Sequence[str]) -> Priority | None:
        if column is None:
            return None
        cell = self._cell(column, cells)
        if cell in self._mapping.values.priority:
            return self._mapping.values.priority[cell]
        try:
            return Priority(cell) if cell.strip() else None
        except ValueError:
            raise InvalidValue(column, f"{_quoted(cell)} {one_of(Priority)}, or say in [values.priority] which of them it is") from None

    def _time(self, column: str, cell: str) -> datetime:
        written = self._mapping.time.format
        try:
            at = datetime.fromisoformat(cell.strip()) if written == _ISO else datetime.strptime(cell.strip(), written)  # noqa: DTZ007  # the zone follows
            if at.tzinfo is None and self._zone is None:
                return at
            at = at.astimezone(UTC) if at.tzinfo else self._by_the_wall(at, self._zone)
            self._latest = at
            return at
        except (ValueError, OverflowError):
            raise InvalidValue(column, f"{_quoted(cell)} is not a time in the format {written!r}") from None

    def _by_the_wall(self, at: datetime, zone: ZoneInfo | None) -> datetime:
        """A time that names no zone, in UTC: of an hour that comes twice, the second time where the log has passed the first."""
        first, second = (at.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        return second if self._latest is not None and first < self._latest <= second else first

    def _happening(self, cells: Sequence[str]) -> Happening:
        for rule in self._mapping.rules:
            if all(_matches(self._cell(column, cells), wanted) for column, wanted in rule.when.items()):
                return rule.means
        told = ", ".join(f"{column} = {_quoted(self._cell(column, cells))}" for column in self._rule_columns)
        raise InvalidValue("rules", f"no rule matches {told}")


def _quoted(cell: str) -> str:
    return repr(cell if len(cell) <= _LONGEST_QUOTED else cell[: _LONGEST_QUOTED - 1] + "…")


def _matches(cell: str, wanted: _Value | list[_Value]) -> bool:
    if isinstance(wanted, list):
        return any(_matches(cell, one) for one in wanted)
    return cell.startswith(wanted.prefix) if isinstance(wanted, Prefix) else cell == wanted


def _zone(mapping: LogMapping) -> ZoneInfo | None:
    """Raises `LogProblem` for a zone that does not exist."""
    try:
        return ZoneInfo(mapping.time.zone) if mapping.time.zone is not None else None
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise LogProblem(f"unknown time zone {mapping.time.zone!r} - at `$.time.zone`") from exc
