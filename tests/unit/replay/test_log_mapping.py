"""Mapping files and the logs read by them: what is broken is said clearly, with its line."""

import gzip
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from flowpilot_core.domain.replay.incident_log import Happening
from flowpilot_core.domain.sessions.session import Priority
from flowpilot_http.cli.mapping import Columns, File, LogMapping, LogProblem, Prefix, ReadLog, Rule, Time, Values, read_log, read_mapping

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "volvo-incidents-2013.toml"

MAPPING = """
log = "helpdesk"

[columns]
case = "ticket"
time = "when"
actor = ["country", "name"]
team = "team"
priority = "prio"
title = "subject"
client = "customer"

[time]
format = "%d.%m.%Y %H:%M"
zone = "Europe/Brussels"

[values.priority]
"1" = "urgent"

[values.team]
NET = "Network"

[[rules]]
means = "on_hold"
when = { status = "open", substatus = { prefix = "Wait" } }

[[rules]]
means = "working"
when = { status = ["open", { prefix = "re" }] }

[[rules]]
means = "done"
when = { status = "closed" }
"""

HEADER = "ticket,when,country,name,team,prio,subject,customer,status,substatus"
GOOD = "7,01.07.2026 12:00,fr,Anne Claire,NET,1,Printer offline,Contoso,open,In progress"

Read = Callable[..., ReadLog]


@pytest.fixture
def mapping(tmp_path: Path) -> Callable[[str], LogMapping]:
    def read(text: str = MAPPING) -> LogMapping:
        path = tmp_path / "mapping.toml"
        path.write_text(text, "utf-8")
        return read_mapping(path)

    return read


@pytest.fixture
def read(tmp_path: Path, mapping: Callable[[str], LogMapping]) -> Read:
    def read(*lines: str, by: str = MAPPING, header: str = HEADER) -> ReadLog:
        path = tmp_path / "log.csv"
        path.write_text("\n".join([header, *lines]) + "\n", "utf-8", errors="surrogateescape")
        return read_log(path, mapping(by))

    return read


def test_a_row_is_read_as_the_mapping_says(read: Read) -> None:
    (row,) = read(GOOD).rows

    assert (2, "7", ("fr", "Anne Claire"), "Network") == (row.line, row.case, row.actor, row.team)
    assert (Priority.URGENT, "Printer offline", "Contoso") == (row.priority, row.title, row.client)
    assert (Happening.WORKING, "open / In progress") == (row.happening, row.words)
    assert datetime(2026, 7, 1, 10, tzinfo=UTC) == row.at


@pytest.mark.parametrize(
    ("status", "substatus", "happening"),
    [
        ("open", "Waiting for parts", Happening.ON_HOLD),
        ("open", "", Happening.WORKING),
        ("reopened", "Wait", Happening.WORKING),
        ("closed", "Wait", Happening.DONE),
    ],
)
def test_the_first_rule_that_matches_wins(read: Read, status: str, substatus: str, happening: Happening) -> None:
    (row,) = read(GOOD.replace("open,In progress", f"{status},{substatus}")).rows

    assert happening == row.happening


def test_a_rule_without_a_condition_matches_every_row(read: Read) -> None:
    (row,) = read(GOOD.replace("open,", "whatever,"), by=f'{MAPPING}\n[[rules]]\nmeans = "ignored"\n').rows

    assert Happening.IGNORED == row.happening


def test_what_is_empty_is_not_there(read: Read) -> None:
    (row,) = read("7,01.07.2026 12:00,fr,Anne,,,,,closed,").rows

    assert (None, None, None, None) == (row.team, row.priority, row.title, row.client)


def test_a_long_title_is_cut(read: Read) -> None:
    (row,) = read(GOOD.replace("Printer offline", "x" * 500)).rows

    assert ("x" * 199) + "…" == row.title


def test_actors_are_read_to_the_letter(read: Read) -> None:
    rows = read(GOOD.replace("fr,Anne Claire", "SE, Anne"), GOOD.replace("fr,Anne Claire", "se,Anne")).rows

    assert [("SE", " Anne"), ("se", "Anne")] == [row.actor for row in rows]


@pytest.mark.parametrize(
    ("written", "zone", "cell", "at"),
    [
        ("iso", "", "2026-03-02T12:00:00+01:00", datetime(2026, 3, 2, 11, tzinfo=UTC)),
        ("iso", "", "2026-03-02 12:00:00Z", datetime(2026, 3, 2, 12, tzinfo=UTC)),
        ("iso", "Europe/Brussels", "2026-07-02T12:00:00", datetime(2026, 7, 2, 10, tzinfo=UTC)),
        ("iso", "Europe/Brussels", "2026-07-02T12:00:00Z", datetime(2026, 7, 2, 12, tzinfo=UTC)),
        ("%Y-%m-%d %H:%M:%S %z", "", "2026-03-02 12:00:00 -0500", datetime(2026, 3, 2, 17, tzinfo=UTC)),
    ],
)
def test_times_are_in_the_zone_they_name_or_else_in_the_mappings(read: Read, written: str, zone: str, cell: str, at: datetime) -> None:
    said = f'format = "{written}"\n' + (f'zone = "{zone}"\n' if zone else "")
    by = MAPPING.replace('format = "%d.%m.%Y %H:%M"\nzone = "Europe/Brussels"\n', said)

    assert at == read(GOOD.replace("01.07.2026 12:00", cell), by=by).rows[0].at


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (GOOD.replace("01.07.2026 12:00", "yesterday"), "when: 'yesterday' is not a time in the format '%d.%m.%Y %H:%M'"),
        (GOOD.replace("01.07.2026 12:00", "32.07.2026 12:00"), "when: '32.07.2026 12:00' is not a time in the format '%d.%m.%Y %H:%M'"),
        (GOOD.replace("open,", "lost,"), "rules: no rule matches status = 'lost', substatus = 'In progress'"),
        (GOOD.replace(",1,", ",9,"), "prio: '9' must be one of low, normal, high, urgent, or say in [values.priority] which of them it is"),
        (GOOD.replace("7,", ",", 1), "case: must not be blank"),
        (GOOD.replace("fr,Anne Claire", ","), "actor: must not be blank"),
        (GOOD + ",more", "row: has 11 cells, the header has 10"),
        ("7,01.07.2026 12:00", "row: has 2 cells, the header has 10"),
        (GOOD.replace("Contoso", "Cont\udcffoso"), "customer: is not utf-8-sig"),
        (GOOD.replace("Contoso", "Cont\0oso"), "client: must not contain a NUL character"),
        (GOOD.replace("Contoso", '"Contoso" Ltd'), "',' expected after '\"'"),
        (GOOD.replace("NET", "x" * 201), "team: is longer than 200 characters"),
    ],
)
def test_a_broken_row_is_told_with_its_line_and_the_others_are_read(read: Read, row: str, problem: str) -> None:
    log = read(GOOD, row, GOOD)

    assert [f"line 3: {problem}"] == [str(bad) for bad in log.bad]
    assert [2, 4] == [good.line for good in log.rows]


def test_a_quote_that_never_ends_is_told_with_the_line_it_begins_in(read: Read) -> None:
    log = read(GOOD, GOOD.replace("Contoso", '"Contoso'), GOOD)

    assert (1, [3]) == (len(log.rows), [bad.line for bad in log.bad])


def test_a_row_over_several_lines_counts_as_its_first(read: Read) -> None:
    log = read(GOOD.replace("Contoso", '"Contoso\n\nLtd"'), "", GOOD)

    assert [2, 6] == [row.line for row in log.rows]


def test_a_gzipped_log_is_read_whatever_it_is_called(tmp_path: Path, mapping: Callable[[], LogMapping], read: Read) -> None:
    path = tmp_path / "zipped.csv"
    path.write_bytes(gzip.compress(f"{HEADER}\n{GOOD}\n".encode()))

    assert read(GOOD) == read_log(path, mapping())


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path, mapping: Callable[[], LogMapping]) -> None:
    path = tmp_path / "log.csv"
    path.write_text(f"{HEADER}\n{GOOD}\n", "utf-8-sig")

    assert "7" == read_log(path, mapping()).rows[0].case


def test_another_delimiter_and_encoding(tmp_path: Path, mapping: Callable[[str], LogMapping]) -> None:
    path = tmp_path / "log.csv"
    path.write_text(f"{HEADER}\n{GOOD}\n".replace(",", ";").replace("Anne", "Zoë"), "cp1252")

    log = read_log(path, mapping(f'{MAPPING}\n[file]\ndelimiter = ";"\nencoding = "cp1252"\n'))

    assert ("fr", "Zoë Claire") == log.rows[0].actor


def _cut(path: Path) -> None:
    path.write_bytes(gzip.compress(f"{HEADER}\n{GOOD}\n".encode())[:-12])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _folder(path: Path) -> None:
    path.mkdir()


def _missing(_: Path) -> None:
    """Nothing is there."""


@pytest.mark.parametrize(
    ("make", "problem"),
    [(_cut, "cut short"), (_empty, "the file is empty"), (_folder, "Is a directory"), (_missing, "No such file")],
)
def test_a_log_that_cannot_be_read_is_said_to_be_so(
    tmp_path: Path, mapping: Callable[[], LogMapping], make: Callable[[Path], None], problem: str
) -> None:
    path = tmp_path / "log"
    make(path)

    with pytest.raises(LogProblem, match=problem):
        read_log(path, mapping())


def test_a_log_without_the_mappings_columns_names_those_it_has(read: Read) -> None:
    with pytest.raises(LogProblem, match=r"no column 'customer', 'when'; it has 'ticket', 'at', "):
        read(GOOD, header=HEADER.replace("when", "at").replace("customer", "client"))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('log = "helpdesk"', "", r"missing required field `log`"),
        ('log = "helpdesk"', 'log = ""', r"`\$.log`"),
        ('case = "ticket"', "", r"missing required field `case` - at `\$.columns`"),
        ('case = "ticket"', "case = 7", r"`\$.columns.case`"),
        ('actor = ["country", "name"]', "actor = []", r"`\$.columns.actor`"),
        ('team = "team"', 'taem = "team"', r"unknown field `taem` - at `\$.columns`"),
        ('zone = "Europe/Brussels"', 'zone = "Europe/Atlantis"', r"unknown time zone 'Europe/Atlantis' - at `\$.time.zone`"),
        ('zone = "Europe/Brussels"', 'zone = "../secrets"', r"unknown time zone '../secrets'"),
        ('"1" = "urgent"', '"1" = "asap"', r"'asap': must be one of low, .* - at `\$.values.priority"),
        ('means = "done"', 'means = "finished"', r"'finished': must be one of queued, .* - at `\$.rules\[2\].means`"),
        ('prefix = "Wait"', 'suffix = "Wait"', r"unknown field `suffix`|missing required field `prefix`"),
        ("[time]", '[file]\nencoding = "klingon"\n[time]', r"unknown encoding 'klingon' - at `\$.file.encoding`"),
        ("[time]", '[file]\ndelimiter = "::"\n[time]', r"`\$.file.delimiter`"),
        ("[columns]", "[columns", r"this is not TOML: .*line"),
    ],
)
def test_a_mapping_that_is_wrong_is_told_where(mapping: Callable[[str], LogMapping], old: str, new: str, problem: str) -> None:
    assert old in MAPPING

    with pytest.raises(LogProblem, match=problem) as refused:
        mapping(MAPPING.replace(old, new))

    assert "mapping.toml: " in str(refused.value)


def test_a_mapping_without_rules_is_none(mapping: Callable[[str], LogMapping]) -> None:
    with pytest.raises(LogProblem, match=r"missing required field `rules`"):
        mapping(MAPPING[: MAPPING.index("[[rules]]")])


def test_a_mapping_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(LogProblem, match="No such file"):
        read_mapping(tmp_path / "none.toml")


def test_the_example_is_a_mapping() -> None:
    assert ("Country", "Owner First Name") == tuple(read_mapping(EXAMPLE).actor_columns)


def test_what_the_guide_has_one_write_is_a_mapping(mapping: Callable[[str], LogMapping]) -> None:
    guide = (ROOT / "docs/howto/replay-a-log.md").read_text("utf-8")

    written = mapping("\n".join(re.findall(r"^```toml\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)))

    assert ("our old system", 6, ";") == (written.log, len(written.rules), written.file.delimiter)


@pytest.mark.parametrize("part", [LogMapping, Columns, Time, Values, Rule, Prefix, File])
def test_the_reference_has_every_key(part: type[msgspec.Struct]) -> None:
    reference = (ROOT / "docs/reference/replay-mapping.md").read_text("utf-8")

    assert [] == [name for name in part.__struct_fields__ if not re.search(rf"`\[*(values\.)?{name}\b", reference)]


LONG = "x" * 131_073


def test_a_cell_that_nobody_maps_may_be_as_long_as_it_likes(read: Read) -> None:
    """P9."""
    log = read(f"{GOOD},{LONG}", f'{GOOD},"{LONG}\n{LONG}"', f"{GOOD},", header=f"{HEADER},remarks")

    assert (3, ()) == (len(log.rows), log.bad)


@pytest.mark.parametrize("column", ["ticket", "when", "name", "team", "prio", "customer", "status"])
def test_a_cell_that_is_too_long_for_its_use_breaks_its_own_row(read: Read, column: str) -> None:
    """P9: and what is said of it can be read."""
    cells = GOOD.split(",")
    cells[HEADER.split(",").index(column)] = LONG

    log = read(GOOD, ",".join(cells), GOOD)

    assert ([2, 4], [3]) == ([row.line for row in log.rows], [bad.line for bad in log.bad])
    assert len(log.bad[0].problem) < 400


@pytest.mark.parametrize("when", ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "9999-12-31 23:00"])
def test_a_time_at_an_end_of_the_calendar_breaks_its_row(read: Read, when: str) -> None:
    """P10."""
    by = MAPPING.replace('format = "%d.%m.%Y %H:%M"', "")

    log = read(GOOD.replace("01.07.2026 12:00", when), GOOD.replace("01.07.2026 12:00", "2026-07-01 12:00"), by=by)

    assert (1, [2]) == (len(log.rows), [bad.line for bad in log.bad])


@pytest.mark.parametrize(
    ("wall", "utc"),
    [
        (["02:50", "02:10"], ["00:50", "01:10"]),
        (["02:10", "02:50", "02:10", "02:50", "03:00"], ["00:10", "00:50", "01:10", "01:50", "02:00"]),
        (["01:59", "02:30", "02:30"], ["23:59", "00:30", "00:30"]),
        (["03:30", "02:10"], ["02:30", "00:10"]),
        (["02:00", "02:00"], ["00:00", "00:00"]),
    ],
)
def test_in_an_hour_that_comes_twice_a_time_that_would_go_back_is_the_second(read: Read, wall: list[str], utc: list[str]) -> None:
    """P13: as logs are written, in order."""
    log = read(*(GOOD.replace("01.07.2026 12:00", f"25.10.2026 {one}") for one in wall))

    assert utc == [f"{row.at:%H:%M}" for row in log.rows]
