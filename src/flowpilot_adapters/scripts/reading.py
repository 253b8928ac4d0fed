"""Where the placeholders of a script stand, and whether its language reads it to the end."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from flowpilot_core.domain.knowledge.literals import Language, literal
from flowpilot_core.domain.knowledge.parameter import Parameter, ParameterType, Value
from flowpilot_core.domain.knowledge.placeholders import PLACE
from flowpilot_core.domain.knowledge.script import Place, ScriptReading, Stands, written

from . import bash, powershell, python
from .syntax import Parsed, Span, in_body, parse

_GRAMMARS: Final = {Language.BASH: bash.GRAMMAR, Language.POWERSHELL: powershell.GRAMMAR, Language.PYTHON: python.GRAMMAR}
_MARKERS: Final = {Language.BASH: bash.marker, Language.POWERSHELL: powershell.marker, Language.PYTHON: python.marker}
_STANDS: Final = {Language.BASH: bash.stands, Language.POWERSHELL: powershell.stands, Language.PYTHON: python.stands}


def read_script(language: Language, body: str, parameters: Sequence[Parameter]) -> ScriptReading:
    """As `ReadScript` says."""
    known = {one.name: one for one in parameters}
    kinds = [known[name].type if name in known else ParameterType.TEXT for name in PLACE.findall(body)]
    plain = parse(_GRAMMARS[language], body, lambda number, _: _MARKERS[language](number))
    stands = [_stands(language, plain, span, kind) for span, kind in zip(plain.spans, kinds, strict=True)]
    broken = plain.broken_at
    if language is Language.POWERSHELL and broken is not None:
        # A variable is no command, so that one in its place breaks the script: a word tells the two apart.
        words = parse(_GRAMMARS[language], body, lambda number, _: powershell.word(number))
        paths = [words.path(span) for span in words.spans]
        stands = [Stands.COMMAND if path and powershell.is_command(path) else was for path, was in zip(paths, stands, strict=True)]
        broken = words.broken_at
    broken_at = None if broken is None else in_body(plain, body, broken)
    if broken_at is None and all(one is Stands.VALUE for one in stands):
        for sample in _SAMPLES:
            filled = parse(_GRAMMARS[language], body, _samples(language, known, sample))
            wholes = [_is_whole(language, filled, span, kind) for span, kind in zip(filled.spans, kinds, strict=True)]
            stands = [was if whole else Stands.TEXT for was, whole in zip(stands, wholes, strict=True)]
            if filled.broken_at is not None and all(wholes):
                broken_at = in_body(filled, body, filled.broken_at)
    places = (Place(found[1], found.start(), one) for found, one in zip(PLACE.finditer(body), stands, strict=True))
    return ScriptReading(places=tuple(places), broken_at=broken_at)


_SAMPLES: Final[Sequence[Mapping[ParameterType, Value]]] = (
    {ParameterType.INTEGER: 1, ParameterType.NUMBER: 1, ParameterType.YES_NO: True},
    {ParameterType.INTEGER: -1, ParameterType.NUMBER: -1.5, ParameterType.YES_NO: False},
)
"""Values that are written differently; a text is written plainly first, then with a letter beyond ASCII."""


def _samples(language: Language, known: Mapping[str, Parameter], values: Mapping[ParameterType, Value]) -> Callable[[int, str], str]:
    text = "a" if values is _SAMPLES[0] else "ä"

    def sample(_: int, name: str) -> str:
        if (parameter := known.get(name)) is None:
            return literal(language, text)
        return written(language, parameter, values.get(parameter.type, text))

    return sample


def _stands(language: Language, parsed: Parsed, span: Span, kind: ParameterType) -> Stands:
    path = parsed.path(span)
    return Stands.TEXT if path is None else _STANDS[language](path, kind)


def _is_whole(language: Language, parsed: Parsed, span: Span, kind: ParameterType) -> bool:
    path = parsed.path(span)
    if path is None:
        return False
    match language:
        case Language.BASH:
            return bash.is_whole(path, span.start, span.end, kind)
        case Language.POWERSHELL:
            return powershell.is_whole(path, span.start, span.end, parsed.text)
        case Language.PYTHON:
            return python.is_whole(path, span.start, span.end)
