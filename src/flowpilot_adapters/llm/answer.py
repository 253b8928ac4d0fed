"""What a model answered, as a draft: read strictly, since it may be anything."""

import json
from typing import Any, Final

from flowpilot_core.domain.assistant.diagnosis import Confidence, Draft, Said, SaidCause

LONGEST: Final = 256 * 1024
"""Bytes of one answer, envelope and all; whatever is longer is not read."""
MOST_ITEMS: Final = 50
"""Of one list."""


class Malformed(Exception):
    """The answer is none; `problem` says why, in words that a model understands, and never repeats it."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


def draft_of(text: str) -> Draft:
    """The draft that a text is. Raises `Malformed`."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        raise Malformed("it is not one whole JSON object") from None
    if not isinstance(said, dict):
        raise Malformed("it is not a JSON object")
    return Draft(
        headline=_text(said, "headline"),
        **{sort: _statements(said, sort) for sort in ("summary", "ruled_out", "next_steps", "questions")},
        likely_causes=tuple(_cause(one) for one in _objects(said, "likely_causes")),
        risk=None if said.get("risk") is None else _text(said, "risk"),
    )


def _statements(said: dict[str, Any], sort: str) -> tuple[Said, ...]:
    return tuple(Said(text=_text(one, "text"), cites=_texts(one, "cites")) for one in _objects(said, sort))


def _cause(one: dict[str, Any]) -> SaidCause:
    confidence = _text(one, "confidence")
    if confidence not in set(Confidence):
        raise Malformed("a confidence is none of low, medium and high")
    return SaidCause(
        cause=_text(one, "cause"), confidence=Confidence(confidence), steps_for=_texts(one, "for"), against=_texts(one, "against")
    )


def _text(one: dict[str, Any], name: str) -> str:
    value = one.get(name)
    if not isinstance(value, str):
        raise Malformed(f"“{name}” is no text")
    return value


def _texts(one: dict[str, Any], name: str) -> tuple[str, ...]:
    return tuple(value for value in _list(one, name) if isinstance(value, str))


def _objects(one: dict[str, Any], name: str) -> list[dict[str, Any]]:
    values = _list(one, name)
    if not all(isinstance(value, dict) for value in values):
        raise Malformed(f"“{name}” is no list of objects")
    return values


def _list(one: dict[str, Any], name: str) -> list[Any]:
    value = one.get(name)
    if not isinstance(value, list):
        raise Malformed(f"“{name}” is no list")
    return value[:MOST_ITEMS]
