"""Suspects: what may be the cause, with what speaks for and against it, weighed by rules."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from attrs import define, field, frozen

from flowpilot_core.domain.handoffs.case_file import CaseFile, FiledBranch, FiledStep
from flowpilot_core.domain.kernel.words import things
from flowpilot_core.domain.sessions.branch import BranchState
from flowpilot_core.domain.sessions.fitting import Hypotheses
from flowpilot_core.domain.sessions.step import StepResult

from .diagnosis import Confidence, SaidCause
from .doings import InVain, is_remedy
from .known_symptoms import SIGNS, Sign
from .similar_sessions import SimilarSession

IN_EVIDENCE: Final = 1.0
IN_CONTENT: Final = 0.7
IN_PROBLEM: Final = 0.6
FIXED: Final = 3.0
"""A remedy that worked says what was wrong."""
DID_NOT_HELP: Final = -0.6
"""A remedy that did not work says little against a cause: it may have been done wrong."""
UNCLEAR: Final = -0.3
"""A remedy with no clear result has not helped so far, and speaks against nothing."""
SHOWN_FINE: Final = -1.5
HYPOTHESIS: Final = 1.5
DEAD_END: Final = -6.0
SOLVED: Final = 4.0
OF_STATE: Final = {BranchState.OPEN: HYPOTHESIS, BranchState.SOLVED: SOLVED, BranchState.ABANDONED: 0.0}
ALIKE: Final = 3.5
HIGH: Final = 5.0
MEDIUM: Final = 2.4
LIKE_ENOUGH: Final = 0.75
"""From here on a text means a known cause: by one word that only that cause is told with, or by its sign."""
PLAINLY: Final = 2.0
"""From here on it says as much as the known cause does, and need not be told in its own words."""
IN_LABEL: Final = 1.5
"""A word of a label, which is what somebody called it, over one of the sentence that explains it."""
OF_A_HYPOTHESIS: Final = 1
"""Strength of what is only known from a hypothesis."""
JUST_THIS: Final = 3
"""Strength of a sign that means one cause and no other."""

_FINE: Final = re.compile(
    r"\b(?:no|not|without|never|none|zero|0|isn.?t|wasn.?t|aren.?t|don.?t|does ?n.?t|neither|nor)\b[^.;:,\n]{0,24}$", re.IGNORECASE
)


@define(kw_only=True, eq=False)
class Suspect:
    """One cause while it is being weighed."""

    cause: str
    sign: Sign | None = None
    score: float = 0.0
    steps_for: dict[str, int] = field(factory=dict)
    against: dict[str, int] = field(factory=dict)
    solved_before: SimilarSession | None = None
    named_by: FiledBranch | None = None
    """The line of work that has it as its hypothesis, an open one before others."""
    seen: bool = False
    """Whether its sign was seen, in the problem or in a step."""

    @property
    def ruled_out(self) -> bool:
        """Whether every line of work that had it as its hypothesis is a dead end."""
        return self.named_by is not None and self.named_by.state is BranchState.DEAD_END

    @property
    def refuted(self) -> bool:
        """Whether what was done speaks against it alone."""
        return bool(self.against) and not self.steps_for

    @property
    def likely(self) -> bool:
        """Whether it may be told as what it probably is."""
        return not self.ruled_out and not self.refuted

    @property
    def confidence(self) -> Confidence:
        """How sure, by the weight and by whether anything speaks against it."""
        if not self.likely:
            return Confidence.LOW
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
        if weight not in (0, UNCLEAR):
            (self.steps_for if weight > 0 else self.against)[step.id] = step.number


def suspects(file: CaseFile, similar: Sequence[SimilarSession], vain: InVain) -> list[Suspect]:
    """Everything that may be the cause, likeliest first; what was ruled out or only spoken against stands last, if at all."""
    lineup = {sign.cause: Suspect(cause=sign.cause, sign=sign) for sign in SIGNS}
    own = _own(lineup, file)
    _read_problem(lineup.values(), file)
    texts = {branch.id: f"{branch.label} {branch.hypothesis}" for branch in file.branches if branch.id in own}
    hypotheses = Hypotheses.of(texts, topic=f"{file.title} {file.problem}")
    for step in file.steps:
        _read_step(lineup, own, step, hypotheses)
    supposed: dict[Suspect, list[FiledBranch]] = {}
    for branch in file.branches:
        if branch.id in own:
            supposed.setdefault(own[branch.id], []).append(branch)
    for suspect, branches in supposed.items():
        _read_hypothesis(suspect, branches)
    _name_by_hypothesis(own, file)
    found = dict.fromkeys([*lineup.values(), *own.values()])
    for session in similar:
        found[_read_similar(found, lineup, session, vain)] = None
    likely = [suspect for suspect in found if suspect.score > 0]
    return sorted(
        likely,
        key=lambda suspect: (
            suspect.ruled_out,
            suspect.refuted,
            -suspect.score,
            min(suspect.steps_for.values(), default=1_000_000),
            suspect.cause,
        ),
    )


def _own(lineup: Mapping[str, Suspect], file: CaseFile) -> dict[str, Suspect]:
    """What each line of work has as its hypothesis: a cause that is known, or its own."""
    topic = things(file.title, file.problem)
    own = {}
    for branch in file.branches:
        if branch.hypothesis:
            suspect, _ = _meant(lineup, branch.label, branch.hypothesis, topic=topic)
            own[branch.id] = suspect or Suspect(cause=f"{branch.label}: {branch.hypothesis}")
    return own


def _read_problem(lineup: Iterable[Suspect], file: CaseFile) -> None:
    said = "\n".join((file.title, file.problem, file.reason, file.note))
    for suspect in lineup:
        if suspect.sign and (found := suspect.sign.looks.search(said)) and not _denied(said, found):
            suspect.score += suspect.sign.strength * IN_PROBLEM
            suspect.seen = True


def _read_step(lineup: Mapping[str, Suspect], own: Mapping[str, Suspect], step: FiledStep, hypotheses: Hypotheses[str]) -> None:
    remedy = is_remedy(step)
    signs = {one.sign.cause: found for one in lineup.values() if one.sign and (found := one.sign.looks.search(step.content))}
    about = _about(lineup, signs, own, step, hypotheses, remedy=remedy)
    tried = remedy and step.result in (StepResult.FAILED, StepResult.WORKED)
    evidence, named = step.evidence, things(step.content)
    for suspect in lineup.values():
        if suspect.sign is None:
            continue
        in_evidence, in_content = suspect.sign.looks.search(evidence), signs.get(suspect.sign.cause)
        shown = in_evidence is not None and not _denied(evidence, in_evidence)
        suspect.seen = suspect.seen or shown or bool(in_content and not _denied(step.content, in_content))
        # What it was to remedy still looks like it afterwards; only a code that means just this is believed over the remedy.
        just_this = shown and in_content is None and suspect.sign.strength >= JUST_THIS and step.result is StepResult.FAILED
        meant = suspect in about or (shown and bool(named & _WORDS[suspect.cause]))
        if meant and tried and not just_this:
            suspect.weigh(step, _weight(suspect, step, remedy=remedy))
        elif in_evidence and step.result is not StepResult.WORKED:
            suspect.weigh(step, suspect.sign.strength * IN_EVIDENCE if shown else SHOWN_FINE)
        elif in_content and _denied(step.content, in_content):
            suspect.weigh(step, SHOWN_FINE)
        elif in_evidence or suspect in about:
            suspect.weigh(step, _weight(suspect, step, remedy=remedy))
    for suspect in about:
        if suspect.sign is None:
            suspect.weigh(step, _weight(suspect, step, remedy=remedy))


def _about(
    lineup: Mapping[str, Suspect],
    signs: Collection[str],
    own: Mapping[str, Suspect],
    step: FiledStep,
    hypotheses: Hypotheses[str],
    *,
    remedy: bool,
) -> Collection[Suspect]:
    """The causes that a step is about: those it bears the sign of, else what it was to remedy, else its line of work's own."""
    by_sign = [suspect for suspect in lineup.values() if suspect.sign and suspect.sign.cause in signs]
    if by_sign:
        return by_sign
    meant = _meant(lineup, step.content)[0] if remedy else None
    if meant:
        return (meant,)
    if step.branch_id not in own or not step.tried:
        return ()
    return (own[hypotheses.fitting(step.content, own=step.branch_id) or step.branch_id],)


def _weight(suspect: Suspect, step: FiledStep, *, remedy: bool) -> float:
    """What a step says of a cause it is about: a remedy that worked is proof, a check that came out well speaks against it."""
    strength = suspect.sign.strength if suspect.sign and suspect.seen else OF_A_HYPOTHESIS
    if remedy:
        return {
            StepResult.WORKED: FIXED,
            StepResult.FAILED: DID_NOT_HELP,
            StepResult.INCONCLUSIVE: UNCLEAR,
            None: 0.0,
        }[step.result]
    if step.result is StepResult.WORKED:
        return SHOWN_FINE
    unclear = step.result is StepResult.INCONCLUSIVE
    return strength * IN_CONTENT * ((0.5 if step.evidence else 0.0) if unclear else 1.0)


def _read_hypothesis(suspect: Suspect, branches: Sequence[FiledBranch]) -> None:
    """What becomes of a cause by the lines of work that suppose it: while one does, a dead end of another takes nothing from it."""
    alive = [branch for branch in branches if branch.state is not BranchState.DEAD_END]
    suspect.named_by = (alive or branches)[0]
    suspect.score += max((OF_STATE[branch.state] for branch in alive), default=DEAD_END)
    for branch in branches:
        if branch not in alive:
            suspect.against.update({step.id: step.number for step in branch.tries[-1:]})


def _name_by_hypothesis(own: Mapping[str, Suspect], file: CaseFile) -> None:
    """What nobody has seen a sign of is told in the words of who supposed it, unless they say the same as ours."""
    for branch in file.branches:
        suspect = own.get(branch.id)
        if suspect is None or suspect.sign is None or suspect.named_by is not branch or suspect.seen:
            continue
        if _Told.of(branch.label, branch.hypothesis or "").likeness(suspect.sign) < PLAINLY:
            suspect.cause = f"{branch.label}: {branch.hypothesis}"


def _read_similar(found: Iterable[Suspect], lineup: Mapping[str, Suspect], session: SimilarSession, vain: InVain) -> Suspect:
    solved_by = session.root_cause or session.summary
    known, _ = _meant(lineup, solved_by)
    suspect = known or next((one for one in found if one.cause == solved_by), None) or Suspect(cause=solved_by)
    again = vain.again(session.summary)
    if again:
        suspect.weigh(again, DID_NOT_HELP)
    else:
        suspect.score += ALIKE * session.likeness / 100
        suspect.solved_before = suspect.solved_before or session
    return suspect


def _meant(
    lineup: Mapping[str, Suspect], text: str, explained: str = "", *, topic: Collection[str] = frozenset()
) -> tuple[Suspect | None, float]:
    """The known cause that a text means: the one whose sign it bears, or whose own words it uses; and how plainly."""
    told = _Told.of(text, explained, topic=topic)
    best, most = None, 0.0
    for suspect in lineup.values():
        if suspect.sign is None:
            continue
        likeness = told.likeness(suspect.sign)
        if likeness > most:
            best, most = suspect, likeness
    return (best, most) if most >= LIKE_ENOUGH else (None, 0.0)


@frozen
class _Told:
    """How somebody names a cause."""

    text: str
    label: frozenset[str]
    """Words of what they called it; none where nothing else explains it."""
    words: frozenset[str]

    @classmethod
    def of(cls, text: str, explained: str, *, topic: Collection[str] = frozenset()) -> "_Told":
        """By what they called it, and by what explains that, but for the words of a topic."""
        words = things(text, explained) - frozenset(topic)
        return cls(f"{text} {explained}", things(text) if explained else frozenset(), words)

    def likeness(self, sign: Sign) -> float:
        """How plainly it means a known cause."""
        told = sum((IN_LABEL if word in self.label else 1.0) / _COMMON[word] for word in self.words & _WORDS[sign.cause])
        return told + (0.8 if sign.looks.search(self.text) else 0.0)


def _denied(text: str, found: "re.Match[str]") -> bool:
    """Whether a text says that it is not so: `no CRC errors`."""
    return _FINE.search(text[max(0, found.start() - 40) : found.start()]) is not None


def _by_number(steps: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(sorted(steps, key=steps.__getitem__))


_WORDS: Final = {sign.cause: things(sign.cause) for sign in SIGNS}
_COMMON: Final = Counter(word for sign in SIGNS for word in things(sign.cause, sign.check, sign.means))
"""Of how many signs a word is: what many are told with means none of them."""
