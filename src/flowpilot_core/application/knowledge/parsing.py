"""What reads the languages that people write in: scripts, and the patterns of parameters."""

from collections.abc import Sequence
from typing import Final

from attrs import frozen

from flowpilot_core.domain.kernel.errors import Unavailable
from flowpilot_core.domain.knowledge.literals import Language
from flowpilot_core.domain.knowledge.parameter import Matches, Parameter
from flowpilot_core.domain.knowledge.script import ScriptReading
from flowpilot_core.ports.knowledge import DeclaredParameters, ReadScript


@frozen(kw_only=True)
class Parsers:
    """All of them."""

    matches: Matches
    read_script: ReadScript
    declared: DeclaredParameters


def _matches(_: str, __: str) -> bool:
    raise ValueError("nothing here matches patterns")


def _read_script(_: Language, __: str, ___: Sequence[Parameter]) -> ScriptReading:
    raise Unavailable("parser of scripts")


def _declared(_: Language, __: str) -> tuple[Parameter, ...]:
    raise Unavailable("parser of scripts")


NO_PARSERS: Final = Parsers(matches=_matches, read_script=_read_script, declared=_declared)
"""For a program that has none: no script is kept, and no pattern."""
