"""A snapshot as whoever assesses it reads it: steps, branches and what became of them."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from attrs import frozen

from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.text import PROSE, beginnings
from flowpilot_core.domain.sessions.branch import BranchState
from flowpilot_core.domain.sessions.step import TRIES, StepKind, StepResult

LONGEST_EVIDENCE: Final = 64 * 1024
"""Characters of one step's evidence that are read."""
MOST_EVIDENCE: Final = 128 * 1024
"""Characters of all evidence."""
MOST_CONTENT: Final = 64 * 1024
"""Characters of what all steps say."""
MOST_HYPOTHESES: Final = 16 * 1024
"""Characters of all hypotheses."""


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
    cut: bool = False
    """Whether only the beginning of a text is here."""
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
        return f"“{self.label}”" if self.hypothesis else "the root branch"

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
    """Everything that was tried, in order; of long texts as much of the beginning as there is time to read."""

    title: str
    problem: str
    reason: str
    note: str
    frozen_at: datetime
    priority: str
    branches: tuple[FiledBranch, ...]
    steps: tuple[FiledStep, ...]
    tree: str | None = None
    """What the tree is called that was followed."""
    left_at: tuple[tuple[str, str], ...] = ()
    """The branches in which work went on without the tree, each with the text of the node that waited."""

    @classmethod
    def of(cls, snapshot: Mapping[str, Any]) -> "CaseFile":
        """What a snapshot's body says."""
        steps = _steps(snapshot["steps"])
        forked_at = {branch_id: fork["at_step_id"] for fork in snapshot["fork_points"] for branch_id in fork["branch_ids"]}
        return cls(
            title=snapshot["title"],
            problem=snapshot["problem"],
            reason=snapshot["reason"],
            note=snapshot["note"] or "",
            frozen_at=_time(snapshot["frozen_at"]),
            priority=snapshot["priority"],
            branches=_branches(snapshot["branches"], steps, forked_at),
            steps=steps,
            tree=(snapshot.get("walk") or {}).get("name"),
            left_at=tuple(
                (place["branch_id"], place["left"]["text"]) for place in (snapshot.get("walk") or {}).get("places", ()) if place["left"]
            ),
        )

    @property
    def tries(self) -> tuple[FiledStep, ...]:
        """The steps that tried something."""
        return tuple(step for step in self.steps if step.tried)


def snapshot_of(body: bytes) -> dict[str, Plain]:
    """The frozen bytes as data."""
    data: dict[str, Plain] = json.loads(body)
    return data


def _steps(steps: Sequence[Mapping[str, Any]]) -> tuple[FiledStep, ...]:
    contents = [step["content"] for step in steps]
    evidences = [_evidence(step["evidence"]) for step in steps]
    read = zip(
        beginnings(contents, each=PROSE, together=MOST_CONTENT),
        beginnings([text for text, _ in evidences], each=LONGEST_EVIDENCE, together=MOST_EVIDENCE),
        strict=True,
    )
    return tuple(
        FiledStep(
            id=step["id"],
            branch_id=step["branch_id"],
            number=step["number"],
            kind=StepKind(step["kind"]),
            content=content,
            result=StepResult(step["result"]) if step["result"] else None,
            evidence=evidence,
            cut=cut or len(content) < len(whole) or len(evidence) < len(shown),
            at=_time(step["created_at"]),
        )
        for step, whole, (shown, cut), (content, evidence) in zip(steps, contents, evidences, read, strict=True)
    )


def _evidence(evidence: Any) -> tuple[str, bool]:
    """The text of it, and whether the snapshot has cut it."""
    return (evidence["text"], True) if isinstance(evidence, Mapping) else (evidence or "", False)


def _branches(branches: Sequence[Mapping[str, Any]], steps: Sequence[FiledStep], forked_at: Mapping[str, str]) -> tuple[FiledBranch, ...]:
    own: dict[str, list[FiledStep]] = {branch["id"]: [] for branch in branches}
    for step in steps:
        own[step.branch_id].append(step)
    supposed = beginnings([branch["hypothesis"] or "" for branch in branches], each=PROSE, together=MOST_HYPOTHESES)
    return tuple(
        FiledBranch(
            id=branch["id"],
            label=branch["label"],
            hypothesis=hypothesis if branch["hypothesis"] else branch["hypothesis"],
            state=BranchState(branch["state"]),
            close_reason=branch["close_reason"],
            forked_at=forked_at.get(branch["id"]),
            steps=tuple(own[branch["id"]]),
        )
        for branch, hypothesis in zip(branches, supposed, strict=True)
    )


def _time(value: str) -> datetime:
    return datetime.fromisoformat(value.replace("Z", "+00:00"))
