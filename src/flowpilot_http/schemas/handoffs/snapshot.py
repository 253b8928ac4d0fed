"""A snapshot as it was frozen: read here for the document and by tests; what is sent are the stored bytes."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowpilot_core.domain.handoffs.handoff import HandoffState
from flowpilot_core.domain.sessions.branch import BranchState
from flowpilot_core.domain.sessions.session import Priority
from flowpilot_core.domain.sessions.step import StepKind, StepResult
from flowpilot_http.schemas.kernel import Instant, PersonOut, TicketFactsOut, TicketOut


class CutEvidence(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The beginning of evidence that was too long, with the digest of the whole."""

    text: str
    cut: Literal[True]
    bytes: int
    sha256: str


class FrozenBranch(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A line of investigation with its own steps."""

    id: UUID
    parent_id: UUID | None
    fork_point_id: UUID | None
    label: str
    hypothesis: str | None
    state: BranchState
    close_reason: str | None
    created_at: Instant
    closed_at: Instant | None
    active: bool
    step_ids: list[UUID]


class FrozenForkPoint(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Where a branch split into several, and why."""

    id: UUID
    branch_id: UUID
    at_step_id: UUID
    reason: str
    branch_ids: list[UUID]
    created_by: PersonOut
    created_at: Instant


class FrozenPicture(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A picture of a step; its digest is that of the file."""

    id: UUID
    sha256: str
    width: int
    height: int
    bytes: int
    alt: str | None


class FrozenNode(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The node of a tree that a step was taken at."""

    tree_id: UUID
    revision: int
    node_id: str


class FrozenPlace(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How far the walk was in one branch."""

    branch_id: UUID
    node: dict[str, Any] | None
    left: dict[str, Any] | None
    reached: dict[str, Any] | None


class FrozenWalk(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Where the session stood in the tree that it followed."""

    tree_id: UUID
    revision: int
    name: str
    places: list[FrozenPlace]


class FrozenStep(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What was asked, done or seen."""

    id: UUID
    branch_id: UUID
    number: int
    kind: StepKind
    content: str
    result: StepResult | None
    evidence: str | CutEvidence | None
    pictures: Annotated[list[FrozenPicture], Meta(description="Left out of snapshots that are older than pictures.")] = []
    created_by: PersonOut
    created_at: Instant
    updated_at: Instant
    tree: Annotated[FrozenNode | UnsetType, Meta(description="Left out if it was taken at no node of a tree.")] = UNSET


class EarlierEscalation(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """An escalation of the same session before this handoff."""

    id: UUID
    state: HandoffState
    reason: str
    note: str | None
    escalated_by: PersonOut
    escalated_at: Instant
    claimed_by: PersonOut | None
    claimed_at: Instant | None
    snapshot_digest: str


class SnapshotOut(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The frozen picture of a session at its handoff: each step once, branches list ids."""

    schema_version: int
    handoff_id: UUID
    session_id: UUID
    frozen_at: Instant
    title: str
    problem: str
    client_name: str | None
    ticket: TicketOut | None
    ticket_facts: Annotated[TicketFactsOut | None, Meta(description="Left out if nobody read the ticket.")] = None
    priority: Priority
    reason: str
    note: str | None
    escalated_by: PersonOut
    branches: list[FrozenBranch]
    fork_points: list[FrozenForkPoint]
    steps: list[FrozenStep]
    tried: list[UUID]
    failed: list[UUID]
    open_hypotheses: list[UUID]
    earlier_escalations: list[EarlierEscalation]
    walk: Annotated[FrozenWalk | UnsetType, Meta(description="Left out if no tree was followed.")] = UNSET
