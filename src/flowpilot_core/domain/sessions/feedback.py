"""What people think: of an escalation by its claimer, of a step by anybody who works here; and who has looked at a handoff."""

import math
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Final

from attrs import frozen

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.events import Event, EventKind, Plain
from flowpilot_core.domain.kernel.identifiers import HandoffId, SessionId, StepId, UserId
from flowpilot_core.domain.kernel.permissions import Permission, require_role
from flowpilot_core.domain.kernel.text import optional_text

from .step import Step


class Verdict(StrEnum):
    """Whether it was right to escalate, could have come earlier, or need not have come at all."""

    RIGHT = "right"
    LATE = "late"
    AVOIDABLE = "avoidable"


@frozen(kw_only=True)
class Judgement:
    """A claimer's verdict on an escalation; a later one replaces it."""

    handoff_id: HandoffId
    user_id: UserId
    verdict: Verdict
    comment: str | None
    given_at: datetime


@frozen(kw_only=True)
class Seen:
    """Somebody looked at a handoff; the first time counts."""

    handoff_id: HandoffId
    user_id: UserId
    seen_at: datetime


class Thumb(IntEnum):
    """Down or up."""

    DOWN = -1
    UP = 1


CONFIDENCE: Final = 1.959964
"""Standard deviations on either side that 95 % lie within."""


@frozen(kw_only=True)
class Thumbs:
    """How many hold something for good, and how many do not."""

    up: int = 0
    down: int = 0

    @property
    def lower_bound(self) -> float:
        """The least share of thumbs up that these thumbs agree with at 95 %, after Wilson: few thumbs prove little."""
        count = self.up + self.down
        if not count:
            return 0.0
        share, square = self.up / count, CONFIDENCE**2 / count
        return (share + square / 2 - math.sqrt(square * (share * (1 - share) + square / 4))) / (1 + square)


NO_THUMBS: Final = Thumbs()


@frozen(kw_only=True)
class Rating:
    """What somebody thinks of a step; a later one replaces it."""

    session_id: SessionId
    step_id: StepId
    user_id: UserId
    thumb: Thumb
    comment: str | None
    given_at: datetime


def rated(step: Step, thumb: Thumb, comment: str | None, *, by: Person, at: datetime) -> tuple[Rating, Event]:
    """A step, rated. Raises `RoleForbidden` or `InvalidValue`."""
    comment = optional_text("comment", comment)
    require_role(by, Permission.RATE_STEP)
    at = max(at, step.created_at)
    rating = Rating(session_id=step.session_id, step_id=step.id, user_id=by.user_id, thumb=thumb, comment=comment, given_at=at)
    changed: dict[str, Plain] = {"step_id": str(step.id), "rating": int(thumb)}
    return rating, Event.of(EventKind.STEP_RATED, by=by, at=at, session_id=step.session_id, changed=changed)
