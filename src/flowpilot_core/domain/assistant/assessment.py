"""An assessment: the diagnosis for the senior, stored beside the snapshot of an escalation."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from attrs import evolve, frozen

from flowpilot_core.domain.handoffs.handoff import Handoff, HandoffState, Intent
from flowpilot_core.domain.kernel.actor import Actor, Person
from flowpilot_core.domain.kernel.canonical_json import instant
from flowpilot_core.domain.kernel.errors import InvalidTransition
from flowpilot_core.domain.kernel.events import Event, EventKind, Plain
from flowpilot_core.domain.kernel.identifiers import AssessmentId, HandoffId, UserId
from flowpilot_core.domain.kernel.permissions import Permission, require_role
from flowpilot_core.domain.kernel.text import optional_text
from flowpilot_core.domain.kernel.transitions import advance

from .diagnosis import Diagnosis


class AssessmentState(StrEnum):
    """How far an assessment is."""

    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"
    SKIPPED = "skipped"


class AssessmentMove(StrEnum):
    """What can happen to an assessment."""

    SKETCH = "sketch"
    STORE = "store"
    FAIL = "fail"
    SKIP = "skip"


ASSESSMENT: Mapping[tuple[AssessmentState, AssessmentMove], AssessmentState] = MappingProxyType(
    {
        (AssessmentState.PENDING, AssessmentMove.SKETCH): AssessmentState.PENDING,
        (AssessmentState.PENDING, AssessmentMove.STORE): AssessmentState.READY,
        (AssessmentState.PENDING, AssessmentMove.FAIL): AssessmentState.FAILED,
        (AssessmentState.PENDING, AssessmentMove.SKIP): AssessmentState.SKIPPED,
    }
)

WHY = "an escalation was assessed"
"""The cause that stands in the log with what the system does here."""


@frozen(kw_only=True)
class Origin:
    """Who or what made a diagnosis, and at what cost."""

    provider: str
    """`rules`, or the vendor's name."""
    model: str | None = None
    prompt_version: str
    """Of the rules: their own version."""
    tokens_in: int = 0
    tokens_out: int = 0
    cost_micros: int | None = None
    """In millionths of a dollar; None where nobody said what the model costs."""
    latency_ms: int = 0


@frozen(kw_only=True)
class Assessment:
    """One assessment of one escalation; earlier ones stay when it is asked for again."""

    id: AssessmentId
    handoff_id: HandoffId
    state: AssessmentState = AssessmentState.PENDING
    snapshot_digest: str
    """Of the snapshot that it is about; every step it cites is one of that."""
    requested_by: UserId | None = None
    """None: it came with the escalation."""
    requested_at: datetime
    made_at: datetime | None = None
    origin: Origin | None = None
    diagnosis: Diagnosis | None = None
    """While it is pending, what the rules say until a model has answered."""
    problem: str | None = None
    """Why there is none, or why it is the rules' and no model's."""

    @classmethod
    def of(cls, assessment_id: AssessmentId, handoff: Handoff) -> "Assessment":
        """The one that comes with an escalation."""
        return cls(id=assessment_id, handoff_id=handoff.id, snapshot_digest=handoff.snapshot_digest, requested_at=handoff.escalated_at)

    @classmethod
    def asked(cls, assessment_id: AssessmentId, handoff: Handoff, *, by: Person, at: datetime) -> "Assessment":
        """One more. Raises `RoleForbidden`, or `InvalidTransition` for a park, which nobody assesses."""
        require_role(by, Permission.ASSESS)
        if handoff.intent is not Intent.ESCALATE:
            raise InvalidTransition("handoff", handoff.state, "assess")
        at = max(at, handoff.escalated_at)
        return evolve(cls.of(assessment_id, handoff), requested_by=by.user_id, requested_at=at)

    def sketched(self, diagnosis: Diagnosis, origin: Origin) -> "Assessment":
        """With something to read until it is ready."""
        return evolve(self, state=self._moved(AssessmentMove.SKETCH), diagnosis=diagnosis, origin=origin)

    def ready(self, diagnosis: Diagnosis, origin: Origin, *, problem: str | None = None, at: datetime) -> "Assessment":
        """Made; `problem` says what it is not."""
        state = self._moved(AssessmentMove.STORE)
        return evolve(self, state=state, diagnosis=diagnosis, origin=origin, problem=problem, made_at=max(at, self.requested_at))

    def failed(self, problem: str) -> "Assessment":
        """Never to be made."""
        return evolve(self, state=self._moved(AssessmentMove.FAIL), problem=problem)

    def skipped(self, reason: str) -> "Assessment":
        """Not worth making any more."""
        return evolve(self, state=self._moved(AssessmentMove.SKIP), problem=reason)

    def event(self, handoff: Handoff, *, by: Actor, at: datetime) -> Event:
        """That it is there to be read."""
        return Event.of(
            EventKind.HANDOFF_ASSESSED,
            by=by,
            at=at,
            session_id=handoff.session_id,
            handoff_id=handoff.id,
            changed={"assessment_id": str(self.id), "state": self.state, "provider": self.origin.provider if self.origin else None},
        )

    def plain(self) -> dict[str, Plain]:
        """As older readers get it in the escalation package."""
        return {
            "id": str(self.id),
            "state": self.state,
            "provider": self.origin.provider if self.origin else None,
            "model": self.origin.model if self.origin else None,
            "snapshot_digest": self.snapshot_digest,
            "made_at": instant(self.made_at) if self.made_at else None,
            **(self.diagnosis.plain() if self.diagnosis else {}),
        }

    def _moved(self, move: AssessmentMove) -> AssessmentState:
        return advance(ASSESSMENT, self.state, move, thing="assessment")


def why_not_assess(handoff: Handoff) -> str | None:
    """Why nobody needs an assessment any more; None where somebody does. Who has claimed it reads it too."""
    return f"the handoff is {handoff.state}" if handoff.state is HandoffState.WITHDRAWN else None


class FeedbackVerdict(StrEnum):
    """What a senior thinks of an assessment."""

    USEFUL = "useful"
    WRONG = "wrong"
    MISSING = "missing"


@frozen(kw_only=True)
class AssessmentFeedback:
    """What one person thinks of one assessment; saying it again replaces it."""

    assessment_id: AssessmentId
    user_id: UserId
    verdict: FeedbackVerdict
    comment: str | None = None
    at: datetime

    @classmethod
    def given(
        cls, assessment: Assessment, verdict: FeedbackVerdict, comment: str | None, *, by: Person, at: datetime
    ) -> "AssessmentFeedback":
        """Raises `InvalidValue`, `RoleForbidden`, or `InvalidTransition` before there is anything to judge."""
        comment = optional_text("comment", comment)
        require_role(by, Permission.FEEDBACK)
        if assessment.state is not AssessmentState.READY:
            raise InvalidTransition("assessment", assessment.state, "judge")
        return cls(assessment_id=assessment.id, user_id=by.user_id, verdict=verdict, comment=comment, at=at)
