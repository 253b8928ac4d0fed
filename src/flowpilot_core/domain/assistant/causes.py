"""Suspects: what may be the cause, with what speaks for and against it, weighed by rules."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from attrs import define, field

from flowpilot_core.domain.handoffs.case_file import CaseFile, FiledBranch, FiledStep
from flowpilot_core.domain.sessions.branch import BranchState
from flowpilot_core.domain.sessions.step import StepResult

from .diagnosis import Confidence, SaidCause
from .evidence_marks import LONGEST
from .known_symptoms import SIGNS, Sign
from .similar_sessions import SimilarSession, telling_words

IN_EVIDENCE: Final = 1.0
IN_CONTENT: Final = 0.7
IN_PROBLEM: Final = 0.6
FIXED: Final = 3.0
"""A remedy that worked says what was wrong."""
DID_NOT_HELP: Final = -0.6
"""A remedy that did not work says little against a cause: it may have been done wrong."""
SHOWN_FINE: Final = -1.5
HYPOTHESIS: Final = 1.5
DEAD_END: Final = -6.0
SOLVED: Final = 4.0
ALIKE: Final = 3.5
HIGH: Final = 5.0
MEDIUM: Final = 2.4

_REMEDY: Final = re.compile(
    r"\b(?:re-?(?:start|boot|place|install|set|creat|build|new|add|join|pair|enter|register)\w*|swapp?\w*|clear\w*|flush\w*|updat\w*|upgrad\w*|"
    r"roll\w* back|repair\w*|remov\w*|delet\w*|chang\w*|disabl\w*|enabl\w*|exclud\w*|"
    r"power[- ]cycl\w*|fix\w*|extend\w*|free[d]?\b|unlock\w*|assign\w*|"
    r"turn\w* (?:it )?(?:off|on)|switch\w* (?:off|on|to))",
    re.IGNORECASE,
)
_FINE: Final = re.compile(
    r"\b(?:no|not|without|never|none|zero|0|isn.?t|wasn.?t|aren.?t|don.?t|does ?n.?t|neither|nor)\b[^.;:,\n]{0,24}$", re.IGNORECASE
)


@define(kw_only=True)
class Suspect:
    """One cause while it is being weighed."""

    cause: str
    sign: Sign | None = None
    score: float = 0.0
    steps_for: dict[str, int] = field(factory=dict)
    against: dict[str, int] = field(factory=dict)
    solved_before: SimilarSession | None = None
    named_by: FiledBranch | None = None

    @property
    def confidence(self) -> Confidence:
        """How sure, by the weight and by whether anything speaks against it."""
        if self.score >= HIGH and not self.against and self.steps_for:
            return Confidence.HIGH
        return Confidence.MEDIUM if self.score >= MEDIUM and self.steps_for else Confidence.LOW

    def said(self) -> SaidCause:
        """As it goes into a draft."""
        return SaidCause(
            cause=self.cause, confidence=self.confidence, steps_for=_by_number(self.steps_for), against=_by_number(self.against)
        )

    def weigh(self, step: FiledStep, weight: float) -> None:
        """Have a step speak for or against it."""
        self.score += weight
        (self.steps_for if weight > 0 else self.against)[step.id] = step.number


def suspects(file: CaseFile, similar: Sequence[SimilarSession]) -> list[Suspect]:
    """Everything that may be the cause, likeliest first; what was ruled out weighs least and stands last, if at all."""
    lineup = {sign.cause: Suspect(cause=sign.cause, sign=sign) for sign in SIGNS}
    _read_problem(lineup.values(), file)
    for step in file.steps:
        _read_step(lineup.values(), step)
    found = {cause: suspect for cause, suspect in lineup.items() if suspect.score or suspect.steps_for or suspect.against}
    for branch in file.branches:
        if branch.hypothesis:
            _read_hypothesis(found, lineup, branch)
    for session in similar:
        _read_similar(found, lineup, session)
    likely = [suspect for suspect in found.values() if suspect.score > 0]
    return sorted(likely, key=lambda suspect: (-suspect.score, min(suspect.steps_for.values(), default=1_000_000), suspect.cause))


def _read_problem(lineup: Iterable[Suspect], file: CaseFile) -> None:
    said = "\n".join((file.title, file.problem, file.reason, file.note))
    for suspect in lineup:
        if suspect.sign and (found := suspect.sign.looks.search(said)) and not _denied(said, found):
            suspect.score += suspect.sign.strength * IN_PROBLEM


def _read_step(lineup: Iterable[Suspect], step: FiledStep) -> None:
    evidence = step.evidence[:LONGEST]
    remedy = _REMEDY.search(step.content) is not None
    for suspect in lineup:
        if suspect.sign is None:
            continue
        in_evidence, in_content = suspect.sign.looks.search(evidence), suspect.sign.looks.search(step.content)
        if in_evidence and step.result is not StepResult.WORKED:
            suspect.weigh(step, SHOWN_FINE if _denied(evidence, in_evidence) else suspect.sign.strength * IN_EVIDENCE)
        elif in_content and _denied(step.content, in_content):
            suspect.weigh(step, SHOWN_FINE)
        elif in_content or in_evidence:
            suspect.weigh(step, _weight(suspect.sign, step, remedy=remedy))


def _weight(sign: Sign, step: FiledStep, *, remedy: bool) -> float:
    """What a step says of a cause it is about: a remedy that worked is proof, a check that came out well speaks against it."""
    if remedy:
        return (
            FIXED
            if step.result is StepResult.WORKED
            else DID_NOT_HELP
            if step.result is StepResult.FAILED
            else sign.strength * IN_CONTENT / 2
        )
    return SHOWN_FINE if step.result is StepResult.WORKED else sign.strength * IN_CONTENT


def _read_hypothesis(found: dict[str, Suspect], lineup: Mapping[str, Suspect], branch: FiledBranch) -> None:
    suspect = _meant(lineup, f"{branch.label} {branch.hypothesis}")
    if suspect is None:
        suspect = Suspect(cause=f"{branch.label}: {branch.hypothesis}")
        for step in branch.tries:
            if step.result is not None:
                remedy = _REMEDY.search(step.content) is not None
                helped = step.result is StepResult.WORKED
                suspect.weigh(step, (FIXED if helped else DID_NOT_HELP) if remedy else (SHOWN_FINE if helped else IN_CONTENT))
    suspect.named_by = suspect.named_by or branch
    suspect.score += {BranchState.DEAD_END: DEAD_END, BranchState.SOLVED: SOLVED, BranchState.ABANDONED: 0.0}.get(branch.state, HYPOTHESIS)
    if branch.state is BranchState.DEAD_END:
        suspect.against.update({step.id: step.number for step in branch.tries[-1:]})
    found[suspect.cause] = suspect


def _read_similar(found: dict[str, Suspect], lineup: Mapping[str, Suspect], session: SimilarSession) -> None:
    solved_by = session.root_cause or session.summary
    suspect = _meant(lineup, solved_by) or found.get(solved_by) or Suspect(cause=solved_by)
    suspect.score += ALIKE * session.likeness / 100
    suspect.solved_before = suspect.solved_before or session
    found[suspect.cause] = suspect


def _meant(lineup: Mapping[str, Suspect], text: str) -> Suspect | None:
    """The known cause that a text means: the one whose sign it bears, or whose own words it uses."""
    words = set(telling_words(text))
    best, most = None, 0.0
    for suspect in lineup.values():
        if suspect.sign is None:
            continue
        shared = words & _WORDS[suspect.cause]
        likeness = sum(1.0 / _COMMON[word] for word in shared) + (0.8 if suspect.sign.looks.search(text) else 0.0)
        if likeness > most:
            best, most = suspect, likeness
    return best if most >= 0.75 else None


def _denied(text: str, found: "re.Match[str]") -> bool:
    """Whether a text says that it is not so: `no CRC errors`."""
    return _FINE.search(text[max(0, found.start() - 40) : found.start()]) is not None


def _by_number(steps: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(sorted(steps, key=steps.__getitem__))


_WORDS: Final = {sign.cause: frozenset(telling_words(sign.cause)) for sign in SIGNS}
_COMMON: Final = Counter(word for words in _WORDS.values() for word in words)
