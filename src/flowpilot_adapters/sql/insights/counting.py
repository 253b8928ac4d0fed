"""How figures are counted: one statement for each thing that is counted and each way to group it, written when it is first asked for."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Double,
    FromClause,
    Integer,
    Select,
    Text,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    null,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by, array
from sqlalchemy.sql.elements import Grouping

from flowpilot_adapters.sql.queries import LIMIT
from flowpilot_adapters.sql.statement import Statement, compiled
from flowpilot_core.domain.insights.analytics import GroupBy, GroupKey, Tally
from flowpilot_core.domain.insights.period import TimeUnit
from flowpilot_core.domain.insights.spread import CLASSES, Spread, between

MICROSECOND: Final = timedelta(microseconds=1)
_UNITS: Final = frozenset(GroupBy(unit) for unit in TimeUnit)


def words_of(rows: Iterable[Any]) -> dict[GroupKey, Tally]:
    """What rows of such a statement as `by_word` makes say, by group."""
    counts: dict[GroupKey, dict[str, int]] = {}
    for row in rows:
        counts.setdefault(row.key, {})[row.word] = row.times
    return {key: Tally(counts=words) for key, words in counts.items()}


def tally_of(row: Any) -> Tally:
    """What a row of one of these statements says."""
    said = row._asdict()
    spreads: dict[str, Spread] = {}
    classes: dict[str, int] = {}
    for name in [column.removesuffix("__count") for column in said if column.endswith("__count")]:
        count, low, high, p90, total, most = (said.pop(f"{name}__{part}") for part in ("count", "low", "high", "p90", "total", "max"))
        shorter = said.pop(f"{name}__shorter", None)
        if shorter:
            classes |= {f"{name}_classes.{word}": number for word, number in between(shorter, count).items()}
        if count:
            low, high, p90, total, most = (microseconds * MICROSECOND for microseconds in (low, high, p90, total, most))
            spreads[name] = Spread.found(count, low, high, p90, total=total, most=most)
    # A column's name is one of Python, too: it has no dot.
    counts = {name.replace("__", "."): count or 0 for name, count in said.items() if name != "key"}
    return Tally(counts={**counts, **classes}, spreads=spreads)


def groups_of(rows: Iterable[Any]) -> dict[GroupKey, Tally]:
    """What rows of one of these statements say, by group."""
    return {getattr(row, "key", None): tally_of(row) for row in rows}


def in_time(at: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether it was in the time that is asked about."""
    return (at >= bindparam("since", type_=DateTime(timezone=True))) & (at < bindparam("until", type_=DateTime(timezone=True)))


def grouped_by(group_by: GroupBy | None, at: ColumnElement[Any], columns: Mapping[GroupBy, ColumnElement[Any]]) -> ColumnElement[Any]:
    """The key of a row's group: of a unit of time, or what one of these columns says; None where it says nothing."""
    if group_by is None:
        return cast(null(), Text).label("key")
    found = _number(TimeUnit(group_by), at) if group_by in _UNITS else cast(columns[group_by], Text)
    return found.label("key")


def _number(unit: TimeUnit, at: ColumnElement[Any]) -> ColumnElement[Any]:
    """As `Period.number` says, with the clock's changes as parameters: the database may know other zones than we do."""
    changes, offsets = bindparam("changes", type_=ARRAY(DateTime(timezone=True))), bindparam("offsets", type_=ARRAY(Integer))
    wall: ColumnElement[Any] = (
        func.date_part(constant("'epoch'"), at, type_=Double()) + Grouping(offsets)[func.width_bucket(at, changes, type_=Integer())]
    )
    day = cast(func.floor(wall / constant("86400.0")), Integer) + constant("719163")
    match unit:
        case TimeUnit.DAY:
            return day
        case TimeUnit.WEEK:
            return (day - constant("1")) // constant("7")
        case TimeUnit.MONTH:
            date = func.timezone(constant("'UTC'"), func.to_timestamp(wall))
            year: ColumnElement[Any] = func.date_part(constant("'year'"), date, type_=Double())
            return cast(year * constant("12") + func.date_part(constant("'month'"), date, type_=Double()) - constant("1"), Integer)
        case TimeUnit.HOUR_OF_WEEK:
            hour = cast(func.floor(wall / constant("3600.0")), Integer) % constant("24")
            return (day - constant("1")) % constant("7") * constant("24") + (hour + constant("24")) % constant("24")


def constant(text: str) -> ColumnElement[Any]:
    """What stands in a statement as it is."""
    return literal_column(text, Double() if "." in text else Integer() if text.isdigit() else Text())


def wait(since: ColumnElement[Any], until: ColumnElement[Any]) -> ColumnElement[Any]:
    """Microseconds: whole numbers are sorted and summed sooner than intervals."""
    return cast(func.date_part(constant("'epoch'"), until - since, type_=Double()) * constant("1000000"), BigInteger)


def count(which: ColumnElement[bool]) -> ColumnElement[Any]:
    """How many rows are like this."""
    return func.count().filter(which)


def total(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Of all rows: a whole number, also where what is summed has been counted or summed before."""
    return cast(func.sum(column), BigInteger)


def by_word(name: str, *words: Select[Any]) -> Statement:
    """Counts words: a row a word of each group. Each of `words` selects keys and words."""
    said = union_all(*words).subquery("said")
    return compiled(name, select(said.c.key, said.c.word, func.count().label("times")).group_by(said.c.key, said.c.word))


def called(*parts: ColumnElement[Any] | str) -> ColumnElement[Any]:
    """A word of these parts: of columns, and of what stands between them."""
    return func.concat(*(constant(f"'{part}'") if isinstance(part, str) else part for part in parts)).label("word")


def counting(
    name: str,
    rows: FromClause,
    counts: Mapping[str, ColumnElement[Any]],
    spreads: tuple[str, ...],
    group_by: GroupBy | None,
    *,
    classed: bool = False,
) -> Statement:
    """One row a group, or one in all; each wait is sorted once, and ranks, and how many there are in each class, are looked up there."""
    waits = [
        part
        for name in spreads
        for part in (
            func.array_agg(aggregate_order_by(rows.c[name], rows.c[name].asc()), type_=ARRAY(BigInteger))
            .filter(rows.c[name].is_not(None))
            .label(name),
            total(rows.c[name]).label(f"{name}__total"),
        )
    ]
    counted: Select[Any] = select(*(column.label(name) for name, column in counts.items()), *waits)
    if group_by:
        counted = counted.add_columns(rows.c.key).group_by(rows.c.key).limit(LIMIT)
    grouped = counted.subquery("counted")
    looked_up = [*_ranks(grouped, spreads), *(_shorter(grouped, spreads) if classed else ())]
    return compiled(name, select(*(column for column in grouped.c if column.name not in spreads), *looked_up))


def _ranks(grouped: FromClause, spreads: tuple[str, ...]) -> Iterable[ColumnElement[Any]]:
    for name in spreads:
        ordered = grouped.c[name]
        count = func.cardinality(ordered, type_=Integer())
        yield count.label(f"{name}__count")
        yield ordered[(count + constant("1")) // constant("2")].label(f"{name}__low")
        yield ordered[count // constant("2") + constant("1")].label(f"{name}__high")
        yield ordered[(count * constant("9") + constant("9")) // constant("10")].label(f"{name}__p90")
        yield ordered[count].label(f"{name}__max")


def _shorter(grouped: FromClause, spreads: tuple[str, ...]) -> Iterable[ColumnElement[Any]]:
    """How many waits are shorter than the bound of each class: where in the sorted array the longest such wait would stand."""
    for name in spreads:
        found = [
            func.width_bucket(cast(constant(str(bound // MICROSECOND - 1)), BigInteger), grouped.c[name], type_=Integer())
            for bound in CLASSES.values()
        ]
        # Without a wait there is no array, and nothing stands anywhere in it.
        yield case((grouped.c[name].is_not(None), array(found))).label(f"{name}__shorter")
