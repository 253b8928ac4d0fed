"""Which line of investigation a step belongs to, by the things that it and the hypotheses name.

A guess, good enough to ask about and to follow where nobody said: never a reason to refuse a step.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Final, Generic, TypeVar

from attrs import frozen

from flowpilot_core.domain.kernel.identifiers import BranchId
from flowpilot_core.domain.kernel.text import PROSE, beginnings
from flowpilot_core.domain.kernel.words import things

from .branch import Branch, BranchState
from .session import Session
from .step import Step

K = TypeVar("K")
MOST_OF_ALL: Final = 64 * 1024
"""Characters of all hypotheses that are read: of many, or long ones, the beginnings."""


@frozen
class Hypotheses(Generic[K]):
    """What each of several hypotheses names and no other does, nor what all of it is about."""

    named: Mapping[K, frozenset[str]]

    @classmethod
    def of(cls, texts: Mapping[K, str], *, topic: str) -> "Hypotheses[K]":
        """Those that say this, in a session about `topic`."""
        named = {key: things(text) for key, text in texts.items()}
        count = Counter(word for words in named.values() for word in words)
        about = things(topic)
        return cls({key: frozenset(word for word in words - about if count[word] == 1) for key, words in named.items()})

    def fitting(self, content: str, *, own: K) -> K | None:
        """The one that shares most with a text; `own` where the text shares anything with it. None where none does, or two alike."""
        shared = Counter(self._whose[word] for word in things(content) if word in self._whose)
        if own in shared:
            return own
        best = shared.most_common(2)
        return best[0][0] if best and (len(best) == 1 or best[0][1] > best[1][1]) else None

    @cached_property
    def _whose(self) -> Mapping[str, K]:
        return {word: key for key, words in self.named.items() for word in words}


@frozen
class Ways:
    """The branches of a session that may have led to its solution."""

    session: Session
    hypotheses: Hypotheses[BranchId]

    @classmethod
    def of(cls, session: Session) -> "Ways":
        """All but dead ends."""
        return cls(session, _of(session, (branch for branch in session.branches.all if branch.state is not BranchState.DEAD_END)))

    def of_step(self, step: Step) -> Branch:
        """Where a step that solved it belongs: where what was done fits, or else what is said to have solved it, or else where it is."""
        resolution = self.session.resolution
        told = (step.content, f"{resolution.summary} {resolution.root_cause or ''}" if resolution else "")
        fits = (self.hypotheses.fitting(text, own=step.branch_id) for text in told)
        return self.session.branches.get(next((fit for fit in fits if fit), step.branch_id))


def other_branch(session: Session, step: Step) -> Branch | None:
    """The open branch that a step seems to belong to, where it went to one whose hypothesis it does not fit."""
    if not session.branches.get(step.branch_id).hypothesis:
        return None
    fits = _of(session, session.branches.open_hypotheses()).fitting(step.content, own=step.branch_id)
    return None if fits in (None, step.branch_id) else session.branches.get(fits)


def _of(session: Session, branches: Iterable[Branch]) -> Hypotheses[BranchId]:
    supposed = [branch for branch in branches if branch.hypothesis]
    read = beginnings([f"{branch.label} {branch.hypothesis}" for branch in supposed], each=PROSE, together=MOST_OF_ALL)
    return Hypotheses.of({branch.id: text for branch, text in zip(supposed, read, strict=True)}, topic=f"{session.title} {session.problem}")
