"""A script template: its text with places for parameters, what is wrong with it, and the script that it becomes."""

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from attrs import frozen

from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.text import optional_text

from .literals import Language, asking, literal, nothing
from .parameter import Matches, Parameter, ParameterType, Value, checked_parameters
from .placeholders import PLACE

NUMBERS: Final = frozenset({ParameterType.INTEGER, ParameterType.NUMBER})
"""Written bare, without quotes."""
LONGEST_BODY: Final = 100_000
"""Characters."""
MOST_PLACES: Final = 500
"""Placeholders in one script."""
LONGEST_TIMEOUT: Final = 24 * 60 * 60


class Platform(StrEnum):
    """Where a script runs."""

    WINDOWS = "windows"
    MACOS = "macos"
    LINUX = "linux"


class RunAs(StrEnum):
    """As whom a script is to be run."""

    USER = "user"
    SYSTEM = "system"


@frozen(kw_only=True)
class ScriptContent:
    """What a script template says."""

    language: Language
    body: str
    parameters: tuple[Parameter, ...] = ()
    platforms: tuple[Platform, ...] = ()
    run_as: RunAs = RunAs.USER
    timeout_seconds: int | None = None


EMPTY_SCRIPT: Final = ScriptContent(language=Language.POWERSHELL, body="")


class Stands(StrEnum):
    """What the language takes a placeholder for, where it stands."""

    VALUE = "value"
    TEXT = "text"
    """Inside quotes, a comment or a here-document, or as a part of another word."""
    COMMAND = "command"
    """As a command, a name, or what a command evaluates."""


@frozen
class Place:
    """One placeholder of a script."""

    name: str
    start: int
    """The number of its first character."""
    stands: Stands


@frozen(kw_only=True)
class ScriptReading:
    """A script as a parser of its language reads it."""

    places: tuple[Place, ...]
    broken_at: int | None = None
    """The number of the first character that the language does not allow there; None where it reads to the end."""


class ScriptProblemCode(StrEnum):
    """What keeps a script template from being published."""

    INVALID_SCRIPT = "invalid_script"
    PLACEHOLDER_IN_TEXT = "placeholder_in_text"
    PLACEHOLDER_AS_COMMAND = "placeholder_as_command"
    UNKNOWN_PARAMETER = "unknown_parameter"


@frozen
class ScriptProblem:
    """One thing that is wrong with a script; its detail says where, in lines and columns from 1."""

    code: ScriptProblemCode
    detail: str
    field: str = "content.body"


_STANDS_WRONG: Final = {
    Stands.TEXT: (
        ScriptProblemCode.PLACEHOLDER_IN_TEXT,
        "stands inside quotes, a comment or another word",
    ),
    Stands.COMMAND: (ScriptProblemCode.PLACEHOLDER_AS_COMMAND, "stands where its value would be run or evaluated"),
}


@frozen(kw_only=True)
class Rendered:
    """A script with its values in it."""

    text: str
    sha256: str
    """Of its bytes in UTF-8."""
    asks: tuple[str, ...]
    """The secrets that it asks for where it runs."""


def checked_script(content: ScriptContent, matches: Matches) -> ScriptContent:
    """A script that can be kept, finished or not. Raises `InvalidValue`."""
    checked_body("content.body", content.body)
    checked_parameters(content.parameters, matches, "content.parameters")
    if len(set(content.platforms)) < len(content.platforms):
        raise InvalidValue("content.platforms", "must differ from each other")
    if content.timeout_seconds is not None and not 1 <= content.timeout_seconds <= LONGEST_TIMEOUT:
        raise InvalidValue("content.timeout_seconds", f"must be from 1 to {LONGEST_TIMEOUT}")
    return content


def checked_body(field: str, body: str) -> str:
    """The text of a script that can be read. Raises `InvalidValue`."""
    optional_text(field, body, most=LONGEST_BODY)
    if len(PLACE.findall(body)) > MOST_PLACES:
        raise InvalidValue(field, f"has more than {MOST_PLACES} placeholders")
    return body


def script_problems(content: ScriptContent, reading: ScriptReading) -> tuple[ScriptProblem, ...]:
    """Everything that keeps a script from being published, in the order of its text."""
    names = {parameter.name for parameter in content.parameters}
    found: list[tuple[int, ScriptProblem]] = []
    for place in reading.places:
        where = f"{{{{ {place.name} }}}} in {_position(content.body, place.start)}"
        if place.name not in names:
            found.append((place.start, ScriptProblem(ScriptProblemCode.UNKNOWN_PARAMETER, f"{where} is no parameter")))
        if place.stands is not Stands.VALUE:
            code, what = _STANDS_WRONG[place.stands]
            found.append((place.start, ScriptProblem(code, f"{where} {what}")))
    if not content.body.strip():
        found.append((0, ScriptProblem(ScriptProblemCode.INVALID_SCRIPT, "the script is empty")))
    elif reading.broken_at is not None:
        where = _position(content.body, reading.broken_at)
        found.append((reading.broken_at, ScriptProblem(ScriptProblemCode.INVALID_SCRIPT, f"{content.language} cannot read on in {where}")))
    return tuple(problem for _, problem in sorted(found, key=lambda at: at[0]))


def rendered(content: ScriptContent, values: Mapping[str, Value]) -> Rendered:
    """The script with these values, which `given` has checked. A script with problems must not be rendered."""
    known = {parameter.name: parameter for parameter in content.parameters}
    parts: list[str] = []
    asks: dict[str, None] = {}
    end = 0
    for place in PLACE.finditer(content.body):
        parameter = known[place[1]]
        if parameter.type is ParameterType.SECRET:
            asks[parameter.name] = None
        parts += (content.body[end : place.start()], written(content.language, parameter, values.get(parameter.name)))
        end = place.end()
    text = "".join((*parts, content.body[end:]))
    return Rendered(text=text, sha256=hashlib.sha256(text.encode()).hexdigest(), asks=tuple(asks))


def written(language: Language, parameter: Parameter, value: Value | None) -> str:
    """What stands in the script in place of a parameter."""
    if parameter.type is ParameterType.SECRET:
        return asking(language, parameter.label)
    return nothing(language) if value is None else literal(language, value)


def _position(body: str, at: int) -> str:
    line, begins = body.count("\n", 0, at) + 1, body.rfind("\n", 0, at) + 1
    return f"line {line}, column {at - begins + 1}"
