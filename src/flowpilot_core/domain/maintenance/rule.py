"""How often maintenance comes back: a rule of RFC 5545, as far as it says what can be done."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, time
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from attrs import frozen

from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.text import one_of

FIELD: Final = "rrule"
LONGEST: Final = 500
"""Characters of a rule."""
MOST_TIMES: Final = 100_000
"""That a rule may count, and that it may leave out at once."""
FREQUENCIES: Final = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY")
WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_NUMBERS: Final[Mapping[str, tuple[int, int, bool]]] = MappingProxyType(
    {
        "BYMONTH": (1, 12, False),
        "BYWEEKNO": (1, 53, True),
        "BYYEARDAY": (1, 366, True),
        "BYMONTHDAY": (1, 31, True),
        "BYHOUR": (0, 23, False),
        "BYMINUTE": (0, 59, False),
        "BYSECOND": (0, 59, False),
        "BYSETPOS": (1, 366, True),
    }
)
"""What lists of numbers there are: the least and the greatest, and whether they may be counted from the end."""
_NOT_WITH: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "BYWEEKNO": frozenset(FREQUENCIES) - {"YEARLY"},
        "BYYEARDAY": frozenset({"DAILY", "WEEKLY", "MONTHLY"}),
        "BYMONTHDAY": frozenset({"WEEKLY"}),
    }
)
"""The frequencies that RFC 5545 lets a part not stand with."""
_ONCE_AN_HOUR: Final = ("BYMINUTE", "BYSECOND")
_DAY: Final = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,6}")
_UNTIL: Final = re.compile(r"[0-9]{8}(T[0-9]{6}Z?)?")


@frozen(kw_only=True)
class Rule:
    """A rule whose parts are what RFC 5545 says they may be, and which comes once an hour at most."""

    parts: Mapping[str, str]

    @classmethod
    def of(cls, text: str) -> "Rule":
        """Read from the value of an `RRULE`. Raises `InvalidValue`."""
        if len(text) > LONGEST:
            raise InvalidValue(FIELD, f"is longer than {LONGEST} characters")
        parts = dict[str, str]()
        for part in text.upper().split(";"):
            name, equals, value = part.partition("=")
            if not equals or not value:
                raise InvalidValue(FIELD, "must be parts such as FREQ=WEEKLY with ; between them")
            if name in parts:
                raise InvalidValue(FIELD, f"has {name} twice")
            parts[name] = value
        rule = cls(parts=MappingProxyType(parts))
        rule._check()
        return rule

    @property
    def frequency(self) -> str:
        """Its unit of time."""
        return self.parts["FREQ"]

    @property
    def interval(self) -> int:
        """Every how many of them it comes."""
        return int(self.parts.get("INTERVAL", "1"))

    @property
    def counts(self) -> bool:
        """Whether it ends after so many times."""
        return "COUNT" in self.parts

    def local(self, zone: ZoneInfo) -> str:
        """The rule with its end by the clock of a time zone, as everything else in it is."""
        if (until := self.parts.get("UNTIL")) is None:
            return _written(self.parts)
        return _written({**self.parts, "UNTIL": _local(until, zone).strftime("%Y%m%dT%H%M%S")})

    def days(self) -> str | None:
        """Which days it may come on, as a rule of every year; None where that is every day."""
        days = {name: value for name, value in self.parts.items() if name in ("BYMONTH", "BYYEARDAY", "BYMONTHDAY", "BYDAY")}
        return _written({"FREQ": "YEARLY", **days}) if days else None

    def _check(self) -> None:
        if self.parts.get("FREQ") not in FREQUENCIES:
            raise InvalidValue(FIELD, f"FREQ {one_of(FREQUENCIES)}: hourly at the most often")
        for name, value in self.parts.items():
            if name in _NUMBERS:
                self._check_numbers(name, value)
            elif name == "BYDAY":
                self._check_days(value)
            elif name in ("INTERVAL", "COUNT"):
                if not value.isdecimal() or not _NUMBER.fullmatch(value) or not 1 <= int(value) <= MOST_TIMES:
                    raise InvalidValue(FIELD, f"{name} must be a number from 1 to {MOST_TIMES}")
            elif name == "WKST":
                if value not in WEEKDAYS:
                    raise InvalidValue(FIELD, f"WKST {one_of(WEEKDAYS)}")
            elif name == "UNTIL":
                if not _UNTIL.fullmatch(value):
                    raise InvalidValue(FIELD, "UNTIL must be a date or a time, such as 20271231T235959Z")
                _local(value, ZoneInfo("UTC"))
            elif name != "FREQ":
                raise InvalidValue(FIELD, f"has {name}, which RFC 5545 does not know")
        if "COUNT" in self.parts and "UNTIL" in self.parts:
            raise InvalidValue(FIELD, "ends by COUNT or by UNTIL, not by both")
        self._check_places()

    def _check_numbers(self, name: str, value: str) -> None:
        least, most, either_way = _NUMBERS[name]
        if self.frequency in _NOT_WITH.get(name, ()):
            raise InvalidValue(FIELD, f"{name} does not go with FREQ={self.frequency}")
        for one in value.split(","):
            number = int(one) if _NUMBER.fullmatch(one) else None
            if number is None or not least <= (abs(number) if either_way else number) <= most:
                raise InvalidValue(FIELD, f"{name} must be numbers from {least} to {most}")
        if name in _ONCE_AN_HOUR and "," in value:
            raise InvalidValue(FIELD, f"{name} has several values: hourly at the most often")

    def _check_days(self, value: str) -> None:
        for one in value.split(","):
            found = _DAY.fullmatch(one)
            if found is None or (found[1] and not 1 <= abs(int(found[1])) <= 53):
                raise InvalidValue(FIELD, "BYDAY must be days such as MO, or 2TU and -1FR within a month or a year")
            if found[1] and (self.frequency not in ("MONTHLY", "YEARLY") or "BYWEEKNO" in self.parts):
                raise InvalidValue(FIELD, f"BYDAY has no numbers with FREQ={self.frequency}")

    def _check_places(self) -> None:
        """A place in a day, or in an hour, that nothing can have is one that is looked for until the end of time."""
        if (places := self.parts.get("BYSETPOS")) is None:
            return
        if not any(name.startswith("BY") and name != "BYSETPOS" for name in self.parts):
            raise InvalidValue(FIELD, "BYSETPOS chooses among what another part says")
        among = {"HOURLY": 1, "DAILY": len(set(self.parts.get("BYHOUR", "0").split(",")))}.get(self.frequency)
        if among is not None and all(abs(int(place)) > among for place in places.split(",")):
            raise InvalidValue(FIELD, "never comes")


def _written(parts: Mapping[str, str]) -> str:
    return ";".join(f"{name}={value}" for name, value in parts.items())


def _local(until: str, zone: ZoneInfo) -> datetime:
    """Raises `InvalidValue`."""
    try:
        if "T" not in until:
            return datetime.combine(datetime.strptime(until, "%Y%m%d"), time.max.replace(microsecond=0))  # noqa: DTZ007  (a date)
        moment = datetime.strptime(until.rstrip("Z"), "%Y%m%dT%H%M%S")  # noqa: DTZ007  (by whose clock the next line says)
        return moment.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None) if until.endswith("Z") else moment
    except (ValueError, OverflowError):
        raise InvalidValue(FIELD, "UNTIL must be a date or a time, such as 20271231T235959Z") from None
