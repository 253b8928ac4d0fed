"""Parameters of trees and script templates as forms: one is written, and values are given to all."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.knowledge.parameter import MOST_PARAMETERS, Parameter, ParameterType, Value
from flowpilot_http.pages.moves import Move

TYPES: Final = tuple((one, {"yes_no": "Yes or no"}.get(one, one.capitalize())) for one in ParameterType)
_READ: Final[Mapping[ParameterType, Callable[[str], Value]]] = {ParameterType.INTEGER: int, ParameterType.NUMBER: float}
_YES_NO: Final = {"true": True, "false": False}
GIVEN: Final = tuple((name, str, "") for number in range(MOST_PARAMETERS) for name in (f"name_{number}", f"value_{number}"))
"""The fields of a form that gives values: each with the name of its parameter, which may be anything."""


class Written(Move, kw_only=True, frozen=True):
    """One parameter; `was` is its name so far, of a new one empty."""

    was: str = ""
    name: str = ""
    label: str = ""
    type: ParameterType = ParameterType.TEXT
    required: bool = False
    default: str | None = None
    choices: str | None = None
    pattern: str | None = None
    min: int | float | None = None
    max: int | float | None = None

    def parameter(self) -> Parameter:
        """As the core knows it. Raises `InvalidValue`."""
        return Parameter(
            name=self.name,
            label=self.label,
            type=self.type,
            required=self.required,
            default=None if self.default is None else value(self.type, "default", self.default),
            choices=tuple(line.strip() for line in (self.choices or "").splitlines() if line.strip()),
            pattern=self.pattern,
            min=self.min,
            max=self.max,
        )


class Named(Move, kw_only=True, frozen=True):
    """Which parameter."""

    was: str


def with_written(parameters: Sequence[Parameter], form: Written) -> tuple[Parameter, ...]:
    """With the one that was written, in its place or as the last."""
    new = form.parameter()
    if form.was:
        return tuple(new if one.name == form.was else one for one in parameters)
    return (*parameters, new)


def without(parameters: Sequence[Parameter], name: str) -> tuple[Parameter, ...]:
    """Without the one of that name."""
    return tuple(one for one in parameters if one.name != name)


def value(kind: ParameterType, field: str, text: str) -> Value:
    """What somebody typed, as its type has it; what is not of its type is the core's to refuse. Raises `InvalidValue`."""
    if kind is ParameterType.YES_NO:
        return _YES_NO.get(text, text)
    try:
        return _READ.get(kind, str)(text)
    except ValueError:
        raise InvalidValue(field, "must be a number") from None


def typed_values(form: Any) -> dict[str, str]:
    """What a form gives, by parameter; what is empty is not given."""
    pairs = ((getattr(form, f"name_{number}"), getattr(form, f"value_{number}")) for number in range(MOST_PARAMETERS))
    return {name: text for name, text in pairs if name and text}


def said_values(said: Mapping[str, str]) -> dict[str, str]:
    """What was typed, by parameter, to stand in the form again."""
    return {said[f"name_{number}"]: said.get(f"value_{number}", "") for number in range(MOST_PARAMETERS) if f"name_{number}" in said}


def values(parameters: Sequence[Parameter], form: Any) -> dict[str, Value]:
    """The values that a form gives to these parameters. Raises `InvalidValue`."""
    types = {one.name: one.type for one in parameters}
    return {name: value(types.get(name, ParameterType.TEXT), f"parameters.{name}", text) for name, text in typed_values(form).items()}
