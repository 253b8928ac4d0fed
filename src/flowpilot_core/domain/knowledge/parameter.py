"""A parameter: what a tree or a script template asks for before it is used."""

import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Final

from attrs import frozen

from flowpilot_core.domain.kernel.errors import InvalidValue, InvalidValues
from flowpilot_core.domain.kernel.name import checked_name
from flowpilot_core.domain.kernel.text import TITLE, one_of, optional_text

NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
MOST_PARAMETERS: Final = 50
MOST_CHOICES: Final = 100
LONGEST_VALUE: Final = 2_000
"""Characters."""
LARGEST: Final = 10**15
"""Of a number: every language and every reader of JSON holds one of this size exactly."""

Value = str | int | float | bool
"""Of a parameter, as it is given."""

Matches = Callable[[str, str], bool]
"""Whether a pattern matches the whole of a value, in time that grows with the value alone. Raises `ValueError` for what is no pattern."""


class ParameterType(StrEnum):
    """What sort of value a parameter takes."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    YES_NO = "yes_no"
    CHOICE = "choice"
    SECRET = "secret"  # noqa: S105  (the name of a type)
    """Asked for where it is used, and never sent to us."""


@frozen(kw_only=True)
class Parameter:
    """One parameter, and what its value may be."""

    name: str
    label: str
    type: ParameterType
    required: bool = True
    default: Value | None = None
    choices: tuple[str, ...] = ()
    pattern: str | None = None
    """What the whole of a text must match."""
    min: int | float | None = None
    """The least number, or the fewest characters."""
    max: int | float | None = None

    def checked(self, value: Value, matches: Matches, field: str) -> Value:
        """A value that it may have. Raises `InvalidValue`."""
        match self.type:
            case ParameterType.SECRET:
                raise InvalidValue(field, "is a secret, which is asked for where it is used and never sent here")
            case ParameterType.YES_NO:
                if not isinstance(value, bool):
                    raise InvalidValue(field, "must be true or false")
            case ParameterType.INTEGER | ParameterType.NUMBER:
                self._require_number(value, field)
            case ParameterType.CHOICE:
                if value not in self.choices:
                    raise InvalidValue(field, one_of(self.choices))
            case ParameterType.TEXT:
                self._require_text(value, matches, field)
        return value

    def _require_number(self, value: Value, field: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidValue(field, "must be a number")
        if self.type is ParameterType.INTEGER and not isinstance(value, int):
            raise InvalidValue(field, "must be a whole number")
        _require_size(value, field)
        self._require_within(value, field, "")

    def _require_text(self, value: Value, matches: Matches, field: str) -> None:
        if not isinstance(value, str):
            raise InvalidValue(field, "must be a text")
        optional_text(field, value, most=LONGEST_VALUE)
        self._require_within(len(value), field, " characters")
        if self.pattern is not None and not matches(self.pattern, value):
            raise InvalidValue(field, f"must match {self.pattern}")

    def _require_within(self, size: float, field: str, unit: str) -> None:
        if self.min is not None and size < self.min:
            raise InvalidValue(field, f"must be at least {self.min}{unit}")
        if self.max is not None and size > self.max:
            raise InvalidValue(field, f"must be at most {self.max}{unit}")


def checked_parameters(parameters: Sequence[Parameter], matches: Matches, field: str = "parameters") -> tuple[Parameter, ...]:
    """Parameters that can be asked for. Raises `InvalidValue`."""
    if len(parameters) > MOST_PARAMETERS:
        raise InvalidValue(field, f"has more than {MOST_PARAMETERS} parameters")
    seen = set[str]()
    for place, one in enumerate(parameters):
        at = f"{field}.{place}"
        if not NAME.fullmatch(one.name):
            raise InvalidValue(f"{at}.name", "must be a letter or _ and up to 63 letters, digits and _")
        if one.name in seen:
            raise InvalidValue(f"{at}.name", "is another parameter's name")
        seen.add(one.name)
        checked_name(one.label, f"{at}.label")
        for name in ("min", "max"):
            _require_size(getattr(one, name) or 0, f"{at}.{name}")
        _require_choices(one, at)
        if one.pattern is not None:
            if one.type is not ParameterType.TEXT:
                raise InvalidValue(f"{at}.pattern", "is for a text alone")
            optional_text(f"{at}.pattern", one.pattern, most=TITLE)
            _require_pattern(f"{at}.pattern", one.pattern, matches)
        if one.default is not None:
            one.checked(one.default, matches, f"{at}.default")
    return tuple(parameters)


def _require_size(value: float, field: str) -> None:
    # As it stands here what is no number is refused, too, and an integer of any length is compared.
    if not -LARGEST <= value <= LARGEST:
        raise InvalidValue(field, f"must be from -{LARGEST} to {LARGEST}")


def _require_pattern(at: str, pattern: str, matches: Matches) -> None:
    try:
        matches(pattern, "")
    except ValueError as exc:
        raise InvalidValue(at, f"cannot be matched in linear time: {exc}") from exc


def _require_choices(one: Parameter, at: str) -> None:
    if bool(one.choices) is not (one.type is ParameterType.CHOICE):
        raise InvalidValue(f"{at}.choices", "must be given for a choice, and for nothing else")
    if len(one.choices) > MOST_CHOICES:
        raise InvalidValue(f"{at}.choices", f"has more than {MOST_CHOICES} choices")
    for place, choice in enumerate(one.choices):
        optional_text(f"{at}.choices.{place}", choice, most=TITLE)


def given(parameters: Sequence[Parameter], values: Mapping[str, Value], matches: Matches, field: str = "parameters") -> Mapping[str, Value]:
    """What was given for parameters, each checked, with defaults for what was left out.

    Secrets are never among them; nor is what may be left out, was, and has no default. Raises `InvalidValues`, with a problem a parameter.
    """
    known = {one.name: one for one in parameters}
    checked, problems = dict[str, Value](), list[InvalidValue]()
    for name in dict.fromkeys((*known, *values)):
        at = f"{field}.{name[:TITLE]}"
        try:
            if (one := known.get(name)) is None:
                raise InvalidValue(at, "is no parameter here")
            if name in values:
                checked[name] = one.checked(values[name], matches, at)
            elif one.default is not None:
                checked[name] = one.default
            elif one.required and one.type is not ParameterType.SECRET:
                raise InvalidValue(at, "is required")
        except InvalidValue as problem:
            problems.append(problem)
    if problems:
        raise InvalidValues(tuple(problems))
    return checked
