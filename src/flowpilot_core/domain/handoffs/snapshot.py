"""A snapshot: the frozen, digest-addressed picture of a session at its handoff."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from attrs import frozen

from flowpilot_core.domain.kernel.canonical_json import canonical, digest, instant
from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.identifiers import HandoffId, UserId
from flowpilot_core.domain.kernel.text import TITLE, counted
from flowpilot_core.domain.sessions.branch import BranchState
from flowpilot_core.domain.sessions.picture import Picture
from flowpilot_core.domain.sessions.session import Priority, Session
from flowpilot_core.domain.sessions.step import NodeTaken, Step, StepResult
from flowpilot_core.domain.sessions.walk import Walk

from .handoff import Brief, Handoff, Intent

SCHEMA_VERSION = 1


SIZE_BOUND = 1024 * 1024
"""Bytes over which evidence is cut, shorter and shorter, until the snapshot fits or none is left."""


CUTS = (*(16 * 1024 // 4**power for power in range(5)), 0)


@frozen(kw_only=True)
class Snapshot:
    """Everything a colleague needs to go on; never changes, and waits for nobody's opinion."""

    handoff_id: HandoffId
    body: bytes
    """Canonical JSON, the bytes that are sent."""
    digest: str
    brief: Brief
    summary: str
    """Two sentences on what was tried, made by rule."""
    steps_tried: tuple[Step, ...]


def freeze(
    session: Session,
    *,
    handoff_id: HandoffId,
    steps: Sequence[Step],
    earlier: Sequence[Handoff],
    names: Mapping[UserId, str],
    reason: str,
    note: str | None,
    priority: Priority,
    by: UserId,
    at: datetime,
) -> Snapshot:
    """The snapshot of a session and all its steps as they are now.

    `names` are what the people on record are called. Over `SIZE_BOUND` evidence is cut, with the digest of the whole; no step
    is ever dropped. Parks are private and leave no trace here.
    """
    ordered = tuple(sorted(steps, key=lambda step: step.number))
    tried = tuple(step for step in ordered if step.tried)
    failed = tuple(step for step in tried if step.result is StepResult.FAILED)
    # Ids as text, each written once, by their numbers: a session names the same ones dozens of times.
    ids = {one.int: str(one) for one in (*(step.id for step in ordered), *(branch.id for branch in session.branches.all))}
    person, evidence = _person(names), _Evidence()

    plain = [_step(step, person, ids) for step in ordered]
    whole: dict[str, Plain] = {
        "schema_version": SCHEMA_VERSION,
        "handoff_id": str(handoff_id),
        "session_id": str(session.id),
        "frozen_at": instant(at),
        "title": session.title,
        "problem": session.problem,
        "client_name": session.client_name,
        "ticket": {"system": session.ticket.system, "id": session.ticket.id} if session.ticket else None,
        **({"ticket_facts": dict(session.ticket_facts)} if session.ticket_facts else {}),
        "priority": priority,
        "reason": reason,
        "note": note,
        "escalated_by": person(by),
        "branches": _branches(session, ordered, ids),
        "fork_points": _fork_points(session, person),
        "steps": list[Plain](plain),
        "tried": [ids[step.id.int] for step in tried],
        "failed": [ids[step.id.int] for step in failed],
        "open_hypotheses": [ids[branch.id.int] for branch in session.branches.open_hypotheses()],
        "earlier_escalations": [_earlier(handoff, person) for handoff in earlier if handoff.intent is Intent.ESCALATE],
        **({"walk": _walk(session.walk)} if session.walk else {}),
    }
    frozen_body = b""
    for cut in _cuts(ordered):
        for step, written in zip(ordered, plain, strict=True):
            written["evidence"] = evidence(step.evidence, cut)
        frozen_body = canonical(whole)
        if len(frozen_body) <= SIZE_BOUND:
            break
    brief = Brief(
        title=session.title,
        client_name=session.client_name,
        ticket=session.ticket,
        headline=_headline(session, tried, failed),
        branch_count=len(session.branches.all),
        step_count=len(ordered),
    )
    return Snapshot(
        handoff_id=handoff_id,
        body=frozen_body,
        digest=digest(frozen_body),
        brief=brief,
        summary=_summary(session, tried, failed),
        steps_tried=tried,
    )


def package(snapshot: Snapshot, *, reason: str, note: str | None, by: UserId, name: str, at: datetime) -> Mapping[str, Plain]:
    """The older readers' copy of an escalation; its assessment is None until one is stored."""
    return {
        "handoff_id": str(snapshot.handoff_id),
        "reason": reason,
        "note": note,
        "summary": snapshot.summary,
        "steps_tried": [
            {"id": str(step.id), "kind": step.kind, "content": step.content, "result": step.result} for step in snapshot.steps_tried
        ],
        "assessment": None,
        "escalated_at": instant(at),
        "escalated_by": {"id": str(by), "name": name},
    }


def _person(names: Mapping[UserId, str]) -> Callable[[UserId], Plain]:
    people: dict[int, Plain] = {user_id.int: {"id": str(user_id), "name": name} for user_id, name in names.items()}
    return lambda user_id: people[user_id.int]


def _branches(session: Session, steps: Sequence[Step], ids: Mapping[int, str]) -> list[Plain]:
    own: dict[int, list[Plain]] = {branch.id.int: [] for branch in session.branches.all}
    for step in steps:
        own[step.branch_id.int].append(ids[step.id.int])
    return [
        {
            "id": ids[branch.id.int],
            "parent_id": str(branch.parent_id) if branch.parent_id else None,
            "fork_point_id": str(branch.fork_point_id) if branch.fork_point_id else None,
            "label": branch.label,
            "hypothesis": branch.hypothesis,
            "state": branch.state,
            "close_reason": branch.close_reason,
            "created_at": instant(branch.created_at),
            "closed_at": instant(branch.closed_at) if branch.closed_at else None,
            "active": branch.id == session.branches.active_id,
            "step_ids": own[branch.id.int],
        }
        for branch in session.branches.all
    ]


def _fork_points(session: Session, person: Callable[[UserId], Plain]) -> list[Plain]:
    return [
        {
            "id": str(fork.id),
            "branch_id": str(fork.branch_id),
            "at_step_id": str(fork.at_step_id),
            "reason": fork.reason,
            "branch_ids": [str(branch_id) for branch_id in fork.branch_ids],
            "created_by": person(fork.created_by),
            "created_at": instant(fork.created_at),
        }
        for fork in session.branches.fork_points
    ]


def _step(step: Step, person: Callable[[UserId], Plain], ids: Mapping[int, str]) -> dict[str, Plain]:
    return {
        "id": ids[step.id.int],
        "branch_id": ids[step.branch_id.int],
        "number": step.number,
        "kind": step.kind,
        "content": step.content,
        "result": step.result,
        "evidence": None,
        "pictures": [_picture(picture) for picture in step.pictures],
        **({"tree": _taken_at(step.node)} if step.node else {}),
        "created_by": person(step.created_by),
        "created_at": instant(step.created_at),
        "updated_at": instant(step.updated_at),
    }


def _picture(picture: Picture) -> Plain:
    return {
        "id": str(picture.id),
        "sha256": picture.sha256,
        "width": picture.width,
        "height": picture.height,
        "bytes": picture.bytes,
        "alt": picture.alt,
    }


def _taken_at(node: NodeTaken) -> dict[str, Plain]:
    return {"tree_id": str(node.tree_id), "revision": node.revision, "node_id": node.node_id}


def _walk(walk: Walk) -> dict[str, Plain]:
    """Where a session stands in its tree; the way there is what its steps say."""
    return {
        "tree_id": str(walk.tree_id),
        "revision": walk.revision,
        "name": walk.name,
        "places": [
            {
                "branch_id": str(place.branch_id),
                "node": {"id": place.waiting.node_id, "kind": place.waiting.kind, "text": place.waiting.text} if place.waiting else None,
                "left": {"node_id": place.left.node_id, "text": place.left.text, "reason": place.left.reason} if place.left else None,
                "reached": {"node_id": place.reached.node_id, "outcome": place.reached.outcome, "text": place.reached.text}
                if place.reached
                else None,
            }
            for place in walk.places
        ],
    }


def _cuts(steps: Sequence[Step]) -> Iterator[int | None]:
    """How short evidence may be made, one after the other: only what makes it shorter, and may be short enough."""
    lengths = [len(step.evidence or "") for step in steps]
    contents = sum(len(step.content) for step in steps)
    longest = max(map(len, (step.evidence.encode() for step in steps if step.evidence)), default=0)
    for cut in (None, *CUTS):
        # No text is shorter in JSON than it is.
        least = contents + sum(length if cut is None else min(length, cut) for length in lengths)
        if cut == CUTS[-1] or (least <= SIZE_BOUND and (cut is None or cut < longest)):
            yield cut


class _Evidence:
    """What a snapshot has of evidence, whose digest is made once however often it is cut."""

    def __init__(self) -> None:
        self._wholes: dict[str, tuple[bytes, str]] = {}

    def __call__(self, evidence: str | None, most: int | None) -> Plain:
        if evidence is None or most is None:
            return evidence
        if evidence not in self._wholes:
            whole = evidence.encode()
            self._wholes[evidence] = whole, digest(whole)
        whole, of_all = self._wholes[evidence]
        if len(whole) <= most:
            return evidence
        return {"text": whole[:most].decode(errors="ignore"), "cut": True, "bytes": len(whole), "sha256": of_all}


def _earlier(handoff: Handoff, person: Callable[[UserId], Plain]) -> Plain:
    return {
        "id": str(handoff.id),
        "state": handoff.state,
        "reason": handoff.reason,
        "note": handoff.note,
        "escalated_by": person(handoff.escalated_by),
        "escalated_at": instant(handoff.escalated_at),
        "claimed_by": person(handoff.claim.by) if handoff.claim else None,
        "claimed_at": instant(handoff.claim.at) if handoff.claim else None,
        "snapshot_digest": handoff.snapshot_digest,
    }


def _headline(session: Session, tried: Sequence[Step], failed: Sequence[Step]) -> str:
    """One line for the queue: what was tried, and which hypothesis to look at first."""
    hypotheses = session.branches.open_hypotheses()
    tries = f"{len(failed)} of {len(tried)} tries failed" if tried else "nothing tried yet"
    if not hypotheses:
        return tries
    more = f" and {len(hypotheses) - 1} more" if len(hypotheses) > 1 else ""
    return _short(f"{tries}; open: {hypotheses[0].label}{more}")


def _summary(session: Session, tried: Sequence[Step], failed: Sequence[Step]) -> str:
    worked = sum(step.result is StepResult.WORKED for step in tried)
    closed = [branch for branch in session.branches.all if branch.state is BranchState.DEAD_END]
    tries = counted(len(tried), "step", "steps")
    lines = [f"{tries} tried: {worked} worked, {len(failed)} failed, {len(tried) - worked - len(failed)} without a clear result."]
    if closed:
        lines.append("Ruled out: " + ", ".join(branch.label for branch in closed) + ".")
    hypotheses = session.branches.open_hypotheses()
    if hypotheses:
        lines.append("Open: " + ", ".join(branch.label for branch in hypotheses) + ".")
    return " ".join(lines)


def _short(line: str) -> str:
    return line if len(line) <= TITLE else line[: TITLE - 1] + "…"
