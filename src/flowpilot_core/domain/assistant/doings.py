"""What a text does, and to what: whether a step is a remedy or a look, and whether advice would only do again what was done."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from attrs import frozen

from flowpilot_core.domain.handoffs.case_file import FiledStep
from flowpilot_core.domain.kernel.words import things
from flowpilot_core.domain.sessions.step import TRIES, StepResult

_REMEDY: Final = re.compile(
    r"\b(?:re-?(?:start|boot|place|install|set|creat|build|new|add|join|pair|enter|register)\w*|swapp?\w*|clear\w*|flush\w*|empt\w*|updat\w*|"
    r"upgrad\w*|roll\w*(?: [\w'-]+){0,4} back|repair\w*|remov\w*|delet\w*|chang\w*|disabl\w*|enabl\w*|exclud\w*|"
    r"power[- ]cycl\w*|fix\w*|extend\w*|free[d]?\b|unlock\w*|assign\w*|"
    r"turn\w* (?:it )?(?:off|on)|switch\w* (?:off|on|to))",
    re.IGNORECASE,
)
_LOOK: Final = re.compile(
    r"\W*(?:(?:then|also|again|first|tried to|try to|re-?)\s*)*(?:(?:ask|call|check|compar|count|confirm|inspect|list|look|measur|monitor|"
    r"not(?=[ei])|open|ping|prob|quer|read|resolv|review|scan|search|send|test|trac|verif|watch)(?:e|s|es|n?ed|n?ing|ied|ying|y)?|saw|see|sent|"
    r"print(?:ed|ing)?(?= (?:an?|the|one|from|with|to)\b)|(?:log|sign)(?:s|ged|ed|ging|ing)? (?:in|on))\b",
    re.IGNORECASE,
)
_CLAUSE: Final = re.compile(r"(?<![.,;:!?()\n])[.,;:!?()\n]+(?:\s+|$)|\band\b|\bthen\b|\bbut\b", re.IGNORECASE)
_DIGIT: Final = re.compile(r"\d")
_LONGEST: Final = 2_000
"""Characters of a text in which it has said what it does."""
_MOST_STEPS: Final = 200
"""Steps that were in vain: nobody does again what was tried before so many others."""
_MOST: Final = 20
"""Things that one text does."""
_DOINGS: Final = {
    name: re.compile(rf"\b(?:{pattern})\w*", re.IGNORECASE)
    for name, pattern in {
        "restart": r"re-?(?:start|boot|load|cycl)|power[- ]cycl|bounc|stop|start|kill|turn\w* (?:it )?o|switch\w* o",
        "make": r"(?:re-?)?install|repair|re-?(?:build|creat|mak|new)|creat|mak|made|new|fresh",
        "replace": r"(?:re-?)?plac|swap|exchang|another|chang",
        "clear": r"clear|flush|empt|purg|delet|remov",
        "update": r"updat|upgrad|patch(?:ed|ing)|newest|latest",
        "undo": r"roll|revert|downgrad|restor|back\b|undo|undid",
        "set": r"re-?set|set\b|unlock|assign|mov|put\b|turn",
        "type": r"enter|typ",
        "look": r"look|read|check|compar|list|test|measur|ping|watch|inspect|verif|ask|trac|open|resolv|run\b|ran\b|quer|see\b|saw\b"
        r"|print (?:a|one)\b",
    }.items()
}
_LOOKING: Final = frozenset({"look"})
_COMMON: Final = things(
    "address client computer device entry file laptop log machine message page place port problem program server service size system"
)
"""Things that are everywhere: of these alone nobody knows which is meant."""


@frozen
class Doing:
    """One thing that a text does."""

    how: frozenset[str]
    """The sorts of doing; empty where the text has no word for it."""
    what: frozenset[str]
    which: frozenset[str] = frozenset()
    """Names with a digit in them: of machines, ports and the like."""

    def again(self, done: "Doing") -> bool:
        """Whether it only does what was done, in whatever words."""
        fewest = min(len(self.what), len(done.what))
        shared = self.what & done.what
        if not shared - _COMMON and (self.what, self.which) != (done.what, done.which):
            return False
        if self.how & done.how or (self.how - _LOOKING and not done.how):
            return 2 * len(shared) > fewest
        return not self.how and len(shared) > 1 and 3 * len(shared) >= 2 * fewest


def is_remedy(step: FiledStep) -> bool:
    """Whether a step was to mend something, rather than to find something out."""
    clauses = [clause for clause in _CLAUSE.split(step.content[:_LONGEST]) if clause.strip()]
    if any(_REMEDY.search(clause) and not _LOOK.match(clause) for clause in clauses):
        return True
    return step.kind in TRIES and not (clauses and _LOOK.match(clauses[0]))


@frozen
class InVain:
    """What nobody has to do again: what failed, and what was unclear although what it showed is on record."""

    done: Mapping[Doing, FiledStep]
    """Each with the first step that did it."""

    @classmethod
    def of(cls, steps: Iterable[FiledStep]) -> "InVain":
        """Of these steps."""
        vain = [step for step in steps if step.result is StepResult.FAILED or (step.result is StepResult.INCONCLUSIVE and step.evidence)]
        done: dict[Doing, FiledStep] = {}
        for step in vain[-_MOST_STEPS:]:
            for doing in doings(step.content):
                done.setdefault(doing, step)
        return cls(done)

    def again(self, advice: str) -> FiledStep | None:
        """The first step that advice would do again."""
        advised = tuple(doings(advice))
        return next((step for done, step in self.done.items() if any(one.again(done) for one in advised)), None)


def doings(text: str) -> Iterator[Doing]:
    """All that a text does, in order; a part without a word for it goes on with the one before."""
    how: frozenset[str] = frozenset()
    for said in _CLAUSE.split(text[:_LONGEST])[:_MOST]:
        words = said.split()
        clause = " ".join(word for word in words if not _DIGIT.search(word))
        found = frozenset(name for name, pattern in _DOINGS.items() if pattern.search(clause))
        for pattern in _DOINGS.values():
            clause = pattern.sub(" ", clause)
        what = things(clause)
        how = found or how
        if what:
            yield Doing(how, what, frozenset(word.casefold() for word in words if _DIGIT.search(word)))
