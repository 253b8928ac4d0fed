"""A snapshot as whoever assesses it reads it: steps, branches and what became of them."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import frozen

from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.sessions.branch import BranchState
from flowpilot_core.domain.sessions.step import TRIES, StepKind, StepResult


@frozen(kw_only=True)
class FiledStep:
    """One step, with its evidence as far as it was not cut."""

    id: str
    branch_id: str
    number: int
    kind: StepKind
    content: str
    result: StepResult | None
    evidence: str
    at: datetime

    @property
    def tried(self) -> bool:
        """Whether this was an attempt."""
        return self.kind in TRIES or self.result is not None


@frozen(kw_only=True)
class FiledBranch:
    """One line of investigation."""

    id: str
    label: str
    hypothesis: str | None
    state: BranchState
    close_reason: str | None
    forked_at: str | None
    """The step it was split off at."""
    steps: tuple[FiledStep, ...]

    @property
    def name(self) -> str:
        """What it is called; the root is where everything began."""
        return f"“{self.label}”" if self.hypothesis else "the first line of work"

    @property
    def tries(self) -> tuple[FiledStep, ...]:
        """The steps that tried something."""
        return tuple(step for step in self.steps if step.tried)

    @property
    def cited(self) -> tuple[str, ...]:
        """The step that says most of it: the last one tried, else the last one, else where it was split off."""
        shown = (self.tries or self.steps)[-1:]
        return tuple(step.id for step in shown) or ((self.forked_at,) if self.forked_at else ())


@frozen(kw_only=True)
class CaseFile:
    """Everything that was tried, in order."""

    title: str
    problem: str
    reason: str
    note: str
    frozen_at: datetime
    priority: str
    branches: tuple[FiledBranch, ...]
    steps: tuple[FiledStep, ...]

    @classmethod
    def of(cls, snapshot: Mapping[str, Any]) -> "CaseFile":
        """What a snapshot's body says."""
        steps = tuple(_step(step) for step in snapshot["steps"])
        forked_at = {branch_id: fork["at_step_id"] for fork in snapshot["fork_points"] for branch_id in fork["branch_ids"]}
        return cls(
            title=snapshot["title"],
            problem=snapshot["problem"],
            reason=snapshot["reason"],
            note=snapshot["note"] or "",
            frozen_at=_time(snapshot["frozen_at"]),
            priority=snapshot["priority"],
            branches=tuple(_branch(branch, steps, forked_at) for branch in snapshot["branches"]),
            steps=steps,
        )

    @property
    def tries(self) -> tuple[FiledStep, ...]:
        """The steps that tried something."""
        return tuple(step for step in self.steps if step.tried)


def snapshot_of(body: bytes) -> dict[str, Plain]:
    """The frozen bytes as data."""
    data: dict[str, Plain] = json.loads(body)
    return data


def _step(step: Mapping[str, Any]) -> FiledStep:
    evidence = step["evidence"]
    return FiledStep(
        id=step["id"],
        branch_id=step["branch_id"],
        number=step["number"],
        kind=StepKind(step["kind"]),
        content=step["content"],
        result=StepResult(step["result"]) if step["result"] else None,
        evidence=(evidence["text"] if isinstance(evidence, Mapping) else evidence) or "",
        at=_time(step["created_at"]),
    )


def _branch(branch: Mapping[str, Any], steps: tuple[FiledStep, ...], forked_at: Mapping[str, str]) -> FiledBranch:
    return FiledBranch(
        id=branch["id"],
        label=branch["label"],
        hypothesis=branch["hypothesis"],
        state=BranchState(branch["state"]),
        close_reason=branch["close_reason"],
        forked_at=forked_at.get(branch["id"]),
        steps=tuple(step for step in steps if step.branch_id == branch["id"]),
    )


def _time(value: str) -> datetime:
    return datetime.fromisoformat(value.replace("Z", "+00:00"))
