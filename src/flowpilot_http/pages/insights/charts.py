"""Figures as drawings: bars beside each other or beneath each other, and a week hour by hour. All lengths across are hundredths of what
there is room for, so that a drawing is as wide as its page and its letters stay as large as any.
"""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Final

from attrs import frozen

LETTERS: Final = 34
"""Of what a bar is called: as many as a telephone has room for beside its number."""
BAR: Final = 44
"""How high a bar is with what it is called."""
COLUMN: Final = 120
"""How high the highest column is."""
ABOVE: Final = 20
"""Room over the highest column for its number."""
BENEATH: Final = 22
HOUR: Final = 24
"""How high an hour is drawn."""
BESIDE: Final = 10
"""What the names of days take of the width."""
HOURS: Final = 24
DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
SHADES: Final = 4


@frozen(kw_only=True)
class Amount:
    """A number to draw, of which some may be filled in."""

    name: str
    number: float
    said: str
    """The number in words."""
    filled: float | None = None
    """None: all of it."""


@frozen(kw_only=True)
class Bar:
    """One amount as it is drawn."""

    name: str
    title: str
    """All of its name, with its number."""
    said: str
    at: float
    """Where it begins: of bars from the top, of columns from the left."""
    wide: float
    high: float
    filled: float
    """Its filled part, in the direction in which it grows."""


@frozen(kw_only=True)
class Bars:
    """Amounts from the top to the bottom."""

    shape = "bars"
    high: int
    bars: tuple[Bar, ...]


@frozen(kw_only=True)
class Columns:
    """Amounts from the left to the right, such as days."""

    shape = "columns"
    high: int
    ground: int
    """Where columns stand."""
    highest: str
    """What the highest column comes to."""
    columns: tuple[Bar, ...]
    first: str
    last: str


@frozen(kw_only=True)
class Cell:
    """An hour of the week."""

    x: float
    y: int
    wide: float
    shade: int
    """From 0, for nothing, to `SHADES`."""
    title: str


@frozen(kw_only=True)
class Week:
    """The hours of a week: a row a day."""

    shape = "week"
    high: int
    cells: tuple[Cell, ...]
    days: tuple[tuple[int, str], ...]
    """Where each stands."""
    hours: tuple[tuple[float, str], ...]


Chart = Bars | Columns | Week


def bars(amounts: Sequence[Amount]) -> Bars:
    """One below the other, each under its name."""
    most = _most(amounts)
    return Bars(
        high=BAR * len(amounts),
        bars=tuple(
            Bar(
                name=short(one.name),
                title=_title(one),
                said=one.said,
                at=number * BAR,
                wide=_share(one.number, most),
                high=BAR,
                filled=_share(_filled(one), most),
            )
            for number, one in enumerate(amounts)
        ),
    )


def columns(amounts: Sequence[Amount]) -> Columns:
    """One beside the other; only the first, the last and the highest are named."""
    most = _most(amounts)
    pitch = 100 / max(1, len(amounts))
    ground = ABOVE + COLUMN
    return Columns(
        high=ground + BENEATH,
        ground=ground,
        highest=f"{most:,}",
        columns=tuple(
            Bar(
                name=one.name,
                title=_title(one),
                said=one.said,
                at=round((number + 0.15) * pitch, 3),
                wide=round(0.7 * pitch, 3),
                high=round(_share(one.number, most) * COLUMN / 100, 1),
                filled=round(_share(_filled(one), most) * COLUMN / 100, 1),
            )
            for number, one in enumerate(amounts)
        ),
        first=amounts[0].name if amounts else "",
        last=amounts[-1].name if len(amounts) > 1 else "",
    )


def week(counts: Mapping[int, int]) -> Week:
    """By the hour of the week, from Monday 0:00."""
    most = max(counts.values(), default=0)
    wide = (100 - BESIDE) / HOURS
    top = BENEATH
    return Week(
        high=top + HOUR * len(DAYS),
        cells=tuple(
            Cell(
                x=round(BESIDE + hour * wide, 3),
                y=top + day * HOUR,
                wide=round(wide, 3),
                shade=ceil(SHADES * counts.get(day * HOURS + hour, 0) / most) if most else 0,
                title=f"{DAYS[day]} {hour}:00: {counts.get(day * HOURS + hour, 0):,}",
            )
            for day in range(len(DAYS))
            for hour in range(HOURS)
        ),
        days=tuple((top + day * HOUR, name) for day, name in enumerate(DAYS)),
        hours=tuple((round(BESIDE + hour * wide, 3), f"{hour}:00") for hour in range(0, HOURS, 6)),
    )


def short(name: str) -> str:
    """As much of a name as there is room for."""
    return name if len(name) <= LETTERS else f"{name[: LETTERS - 1]}…"


def _title(one: Amount) -> str:
    return f"{one.name}: {one.said}"


def _most(amounts: Sequence[Amount]) -> float:
    return max((one.number for one in amounts), default=0)


def _share(number: float, most: float) -> float:
    return round(100 * number / most, 2) if most else 0


def _filled(one: Amount) -> float:
    return one.number if one.filled is None else one.filled
