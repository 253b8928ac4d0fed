"""A diagnosis: what somebody or something says of a snapshot, held to what is in it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final
from uuid import UUID

from attrs import frozen

from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.identifiers import StepId
from flowpilot_core.domain.kernel.plain_text import plain_text
from flowpilot_core.domain.kernel.text import TITLE

SENTENCE: Final = 400
"""Longest statement, in characters."""
MOST_CITES: Final = 12
MOST: Final[Mapping[str, int]] = {"summary": 3, "likely_causes": 5, "ruled_out": 8, "next_steps": 7, "questions": 5}
"""How many statements of each sort a senior can be asked to read."""


class Confidence(StrEnum):
    """How sure a cause is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@frozen(kw_only=True)
class Said:
    """A statement as it was made, with whatever it cites."""

    text: str
    cites: tuple[str, ...] = ()


@frozen(kw_only=True)
class SaidCause:
    """A cause as it was named, with whatever is said to speak for and against it."""

    cause: str
    confidence: Confidence = Confidence.LOW
    steps_for: tuple[str, ...] = ()
    against: tuple[str, ...] = ()


@frozen(kw_only=True)
class Draft:
    """What an assistant says; nothing in it is checked."""

    headline: str
    summary: tuple[Said, ...] = ()
    likely_causes: tuple[SaidCause, ...] = ()
    ruled_out: tuple[Said, ...] = ()
    next_steps: tuple[Said, ...] = ()
    questions: tuple[Said, ...] = ()
    risk: str | None = None


@frozen(kw_only=True)
class Statement:
    """Something said that cites steps of the snapshot; without any it is unsupported."""

    text: str
    cites: tuple[StepId, ...] = ()

    @property
    def unsupported(self) -> bool:
        """Whether no step shows it."""
        return not self.cites

    def plain(self) -> dict[str, Plain]:
        """As readers get it."""
        said: dict[str, Plain] = {"text": self.text, "cites": [str(step_id) for step_id in self.cites]}
        return {**said, "unsupported": True} if self.unsupported else said


@frozen(kw_only=True)
class Cause:
    """What may be wrong. One that no step speaks for is never more than a guess."""

    cause: str
    confidence: Confidence
    steps_for: tuple[StepId, ...] = ()
    against: tuple[StepId, ...] = ()

    def plain(self) -> dict[str, Plain]:
        """As readers get it."""
        return {
            "cause": self.cause,
            "confidence": self.confidence,
            "for": [str(step_id) for step_id in self.steps_for],
            "against": [str(step_id) for step_id in self.against],
        }


@frozen(kw_only=True)
class Diagnosis:
    """A draft that was checked: bounded, plain text, and every step cited is one of the snapshot."""

    headline: str
    summary: tuple[Statement, ...] = ()
    likely_causes: tuple[Cause, ...] = ()
    """Likeliest first."""
    ruled_out: tuple[Statement, ...] = ()
    next_steps: tuple[Statement, ...] = ()
    """In the order to take them, each with what its result would mean."""
    questions: tuple[Statement, ...] = ()
    """For the escalator."""
    risk: str | None = None
    dropped_citations: int = 0
    """Citations of what is no step of the snapshot."""

    def plain(self) -> dict[str, Plain]:
        """As readers get it."""
        return {
            "headline": self.headline,
            "summary": [one.plain() for one in self.summary],
            "likely_causes": [one.plain() for one in self.likely_causes],
            "ruled_out": [one.plain() for one in self.ruled_out],
            "next_steps": [one.plain() for one in self.next_steps],
            "questions": [one.plain() for one in self.questions],
            "risk": self.risk,
            "dropped_citations": self.dropped_citations,
        }

    def in_short(self, most: int) -> tuple[str, ...]:
        """The headline, and up to `most` causes and as many next steps, a line each: what a senior reads first."""
        causes = [f"{cause.cause} ({cause.confidence})" for cause in self.likely_causes[:most]]
        return (self.headline, *causes, *(f"Next: {step.text}" for step in self.next_steps[:most]))

    @property
    def citations(self) -> int:
        """How many steps its statements and causes cite; each time counts."""
        said = (len(one.cites) for one in (*self.summary, *self.ruled_out, *self.next_steps, *self.questions))
        return sum(said) + sum(len(one.steps_for) + len(one.against) for one in self.likely_causes)

    @property
    def unsupported(self) -> int:
        """How many statements no step shows."""
        return sum(one.unsupported for one in (*self.summary, *self.ruled_out, *self.next_steps, *self.questions))


def checked(draft: Draft, steps: Collection[StepId]) -> Diagnosis:
    """The draft as a senior may read it, of a snapshot with these steps.

    A citation of anything else is dropped and counted. What is too much or too long is cut, what says nothing is left out.
    """
    cites = _Citations(frozenset(steps))
    return Diagnosis(
        headline=plain_text(draft.headline, most=TITLE),
        summary=_statements("summary", draft.summary, cites),
        likely_causes=_causes(draft.likely_causes, cites),
        ruled_out=_statements("ruled_out", draft.ruled_out, cites),
        next_steps=_statements("next_steps", draft.next_steps, cites),
        questions=_statements("questions", draft.questions, cites),
        risk=plain_text(draft.risk, most=SENTENCE) or None if draft.risk else None,
        dropped_citations=cites.dropped,
    )


class _Citations:
    """Tells steps from what is none, and counts the latter."""

    def __init__(self, steps: frozenset[StepId]) -> None:
        self._steps = steps
        self.dropped = 0

    def kept(self, cited: Iterable[str]) -> tuple[StepId, ...]:
        kept: dict[StepId, None] = {}
        for one in cited:
            step_id = _step_id(one)
            if step_id in self._steps:
                kept[step_id] = None
            else:
                self.dropped += 1
        return tuple(kept)[:MOST_CITES]


def _step_id(value: str) -> StepId:
    try:
        return StepId(UUID(value))
    except ValueError:
        return StepId(UUID(int=0))


def _statements(sort: str, said: Sequence[Said], cites: _Citations) -> tuple[Statement, ...]:
    made = ((plain_text(one.text, most=SENTENCE), cites.kept(one.cites)) for one in said)
    return tuple(Statement(text=text, cites=kept) for text, kept in made if text)[: MOST[sort]]


def _causes(said: Sequence[SaidCause], cites: _Citations) -> tuple[Cause, ...]:
    causes = []
    for one in said:
        steps_for, against = cites.kept(one.steps_for), cites.kept(one.against)
        cause = plain_text(one.cause, most=SENTENCE)
        if cause:
            confidence = one.confidence if steps_for else Confidence.LOW
            causes.append(Cause(cause=cause, confidence=confidence, steps_for=steps_for, against=against))
    return tuple(causes)[: MOST["likely_causes"]]
