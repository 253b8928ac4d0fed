"""What a senior asks first: whether the session says it already. It is only advice, and stops nobody."""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from attrs import frozen

from flowpilot_core.domain.kernel.text import beginnings
from flowpilot_core.domain.sessions.session import Session
from flowpilot_core.domain.sessions.step import Step, StepKind


class Asked(StrEnum):
    """What they ask for."""

    HYPOTHESES = "hypotheses"
    ERROR_TEXT = "error_text"
    ENVIRONMENT = "environment"


QUESTIONS: Mapping[Asked, str] = MappingProxyType(
    {
        Asked.HYPOTHESES: "What do you think it is, and what did you do to find out?",
        Asked.ERROR_TEXT: "What exactly does the error say?",
        Asked.ENVIRONMENT: "Where does it happen: which system, version, device or network?",
    }
)
LONGEST: Final = 16 * 1024
"""Characters of one text that are read."""
MOST_READ: Final = 24 * 1024
"""Characters of all."""
_ERROR = re.compile(r"error|exception|fail|denied|refused|timed? ?out|0x[0-9a-f]{4,}|\b[A-Z]{2,10}\d{3,}\b|\b[45]\d\d\b", re.IGNORECASE)
_ENVIRONMENT = re.compile(
    r"windows|macos|linux|ubuntu|android|\bios\b|server|version|\bv?\d+\.\d+|build|firmware|driver|browser|chrome|edge|firefox|outlook"
    r"|exchange|tenant|laptop|desktop|printer|router|switch|firewall|vpn|wi-?fi|\blan\b|network|vm\b|azure|aws",
    re.IGNORECASE,
)


@frozen(kw_only=True)
class Question:
    """Something a senior asks, and whether the session answers it."""

    asked: Asked
    text: str
    answered: bool
    read_in_part: bool = False
    """Whether an answer may stand where nobody has looked."""


def questions(session: Session, steps: Sequence[Step]) -> tuple[Question, ...]:
    """What a senior will ask about a session as it is. Of long texts the beginnings are read."""
    told = [session.problem, *(text for step in steps for text in (step.content, step.evidence) if text)]
    read = beginnings(told, each=LONGEST, together=MOST_READ)
    said, in_part = "\n".join(read), sum(map(len, read)) < sum(map(len, told))
    supposed = any(branch.hypothesis for branch in session.branches.all)
    answered = {
        Asked.HYPOTHESES: supposed and any(step.tried for step in steps),
        Asked.ERROR_TEXT: any(step.evidence for step in steps if step.kind is not StepKind.QUESTION) or bool(_ERROR.search(said)),
        Asked.ENVIRONMENT: bool(_ENVIRONMENT.search(f"{session.title}\n{said}")),
    }
    return tuple(
        Question(asked=asked, text=text, answered=answered[asked], read_in_part=in_part and not answered[asked])
        for asked, text in QUESTIONS.items()
    )
