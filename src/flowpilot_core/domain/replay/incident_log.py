"""An incident log of another system, and what each of its rows means in this product's words."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from attrs import frozen

from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.identifiers import HandoffId, SessionId, UserId
from flowpilot_core.domain.kernel.moment import checked_moment
from flowpilot_core.domain.kernel.name import checked_name, optional_name
from flowpilot_core.domain.kernel.text import TITLE, optional_text, text
from flowpilot_core.domain.sessions.session import Priority, Status


class Happening(StrEnum):
    """What a row says happened to its case."""

    QUEUED = "queued"
    """It waits for somebody of a team."""
    WORKING = "working"
    """Somebody is at it."""
    ON_HOLD = "on_hold"
    """Somebody has it and waits for something."""
    DONE = "done"
    CANCELLED = "cancelled"
    IGNORED = "ignored"
    """Nothing that this product has a word for."""


@frozen(kw_only=True)
class LogRow:
    """One row of a log. Raises `InvalidValue` where it cannot be kept."""

    line: int
    """Where it stands in the log; rows of one case happen in this order."""
    case: str
    at: datetime
    actor: tuple[str, ...]
    """Who acts: the same person wherever all parts are the same, to the letter."""
    team: str | None = None
    priority: Priority | None = None
    title: str | None = None
    client: str | None = None
    happening: Happening
    words: str
    """What the log calls it: stands as step, reason or summary."""

    def __attrs_post_init__(self) -> None:
        text("case", self.case, most=TITLE)
        text("what happened", self.words)
        optional_text("title", self.title, most=TITLE)
        optional_name(self.client, "client")
        if self.at.tzinfo is None:
            raise InvalidValue("time", "has no zone")
        checked_moment("time", self.at)
        checked_name(self.actor_name, "actor")
        if self.team is not None:
            checked_name(self.team, "team")

    @property
    def actor_name(self) -> str:
        """What the actor is called."""
        return " ".join(part for part in self.actor if part)


class LogMove(StrEnum):
    """A move that a row comes to."""

    STEP = "step"
    PARK = "park"
    RESUME = "resume"
    ESCALATE = "escalate"
    REROUTE = "reroute"
    CLAIM = "claim"
    WITHDRAW = "withdraw"
    REASSIGN = "reassign"
    RESOLVE = "resolve"
    ABANDON = "abandon"
    REOPEN = "reopen"


MEANING: Mapping[tuple[Happening, Status], tuple[LogMove, ...]] = MappingProxyType(
    {
        (Happening.QUEUED, Status.ACTIVE): (LogMove.ESCALATE,),
        (Happening.QUEUED, Status.PARKED): (LogMove.RESUME, LogMove.ESCALATE),
        (Happening.QUEUED, Status.ESCALATED): (LogMove.REROUTE,),
        (Happening.QUEUED, Status.RESOLVED): (LogMove.REOPEN, LogMove.ESCALATE),
        (Happening.QUEUED, Status.ABANDONED): (LogMove.REOPEN, LogMove.ESCALATE),
        (Happening.WORKING, Status.ACTIVE): (LogMove.STEP,),
        (Happening.WORKING, Status.PARKED): (LogMove.RESUME,),
        (Happening.WORKING, Status.ESCALATED): (LogMove.CLAIM,),
        (Happening.WORKING, Status.RESOLVED): (LogMove.REOPEN,),
        (Happening.WORKING, Status.ABANDONED): (LogMove.REOPEN,),
        (Happening.ON_HOLD, Status.ACTIVE): (LogMove.PARK,),
        (Happening.ON_HOLD, Status.PARKED): (),
        (Happening.ON_HOLD, Status.ESCALATED): (LogMove.CLAIM, LogMove.PARK),
        (Happening.ON_HOLD, Status.RESOLVED): (LogMove.REOPEN, LogMove.PARK),
        (Happening.ON_HOLD, Status.ABANDONED): (LogMove.REOPEN, LogMove.PARK),
        (Happening.DONE, Status.ACTIVE): (LogMove.RESOLVE,),
        (Happening.DONE, Status.PARKED): (LogMove.RESUME, LogMove.RESOLVE),
        (Happening.DONE, Status.ESCALATED): (LogMove.WITHDRAW, LogMove.RESOLVE),
        (Happening.DONE, Status.RESOLVED): (),
        (Happening.DONE, Status.ABANDONED): (),
        (Happening.CANCELLED, Status.ACTIVE): (LogMove.ABANDON,),
        (Happening.CANCELLED, Status.PARKED): (LogMove.RESUME, LogMove.ABANDON),
        (Happening.CANCELLED, Status.ESCALATED): (LogMove.WITHDRAW, LogMove.ABANDON),
        (Happening.CANCELLED, Status.RESOLVED): (),
        (Happening.CANCELLED, Status.ABANDONED): (),
        **{(Happening.IGNORED, status): () for status in Status},
    }
)
"""The moves that a row comes to, by what happened and by how its case stood; the escalator withdraws where others claim."""

ASSIGNEES = frozenset({LogMove.STEP, LogMove.PARK, LogMove.RESUME, LogMove.ESCALATE, LogMove.RESOLVE, LogMove.ABANDON})
"""The moves that are the assignee's: whoever else makes one gets the case first."""


@frozen(kw_only=True)
class Standing:
    """How a case stands between two of its rows."""

    session_id: SessionId
    status: Status
    assignee_id: UserId
    handoff_id: HandoffId | None = None
    """Its latest."""
    escalator_id: UserId | None = None
    """Who opened that handoff."""

    @property
    def open_handoff(self) -> HandoffId:
        """The handoff that a case which waits or is parked has. Raises `ValueError` for one that never had any."""
        if self.handoff_id is None:
            raise ValueError(f"a case that is {self.status} has no handoff")
        return self.handoff_id


@frozen
class PlannedMove:
    """One move, and whether an admin makes it in the actor's stead, for what the log does not show."""

    move: LogMove
    by_admin: bool = False


def planned_moves(happening: Happening, before: Standing, actor: UserId) -> tuple[PlannedMove, ...]:
    """What to do, in order, where `happening` is what `actor` did to a case that stands as `before`.

    Where another than its assignee goes on with a case, an admin reassigns it to them first; where another than its escalator
    ends a wait without a claim, an admin withdraws it.
    """
    plan: list[PlannedMove] = []
    assignee = before.assignee_id
    for meant in MEANING[happening, before.status]:
        move = LogMove.WITHDRAW if meant is LogMove.CLAIM and actor == before.escalator_id else meant
        if move in ASSIGNEES and actor != assignee:
            plan.append(PlannedMove(LogMove.REASSIGN, by_admin=True))
            assignee = actor
        if move in {LogMove.CLAIM, LogMove.REOPEN}:
            assignee = actor
        plan.append(PlannedMove(move, by_admin=move is LogMove.WITHDRAW and actor != before.escalator_id))
    return tuple(plan)
