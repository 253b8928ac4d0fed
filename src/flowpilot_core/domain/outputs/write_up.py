"""What the rules write of a resolved session: what solved it, at which fork, and what was ruled out. The same case, the same words."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from attrs import frozen

from flowpilot_core.domain.handoffs.debrief import solved_by
from flowpilot_core.domain.handoffs.handoff import Handoff
from flowpilot_core.domain.kernel.errors import InvalidTransition
from flowpilot_core.domain.kernel.name import printable
from flowpilot_core.domain.sessions.branch import Branch, BranchState, ForkPoint
from flowpilot_core.domain.sessions.session import Resolution, Session
from flowpilot_core.domain.sessions.step import Step, StepKind, StepResult
from flowpilot_core.domain.sessions.walked import in_words, path

from .document import Block, Bullets, Heading, Paragraph, blocks_of, body_of
from .output import OutputKind

LONGEST_PIECE = 2_000
"""Characters of one thing that somebody wrote; the whole of it stands in the session."""
LONGEST_LINE = 300
MOST_LISTED = 15
SHORTEST_PRIVATE = 8
"""Characters of an internal text that is recognised wherever it stands; a shorter one would be found in ordinary words."""
SOLVED = "Solved."
"""What a client is told where nothing else may be said; shorter than anything that is recognised."""


@frozen(kw_only=True)
class Story:
    """A resolved session as it is told."""

    title: str
    problem: str
    resolution: Resolution
    branch: Branch
    """Where it was solved."""
    fork: ForkPoint | None
    """Where that branch began; None for the root."""
    worked: tuple[Step, ...]
    """In sight of that branch, and what solved it."""
    failed: tuple[Step, ...]
    ruled_out: tuple[Branch, ...]
    tree: str | None
    """What was followed."""
    path: tuple[Step, ...]
    """What was done of it, on the way to the solution."""

    @classmethod
    def of(cls, session: Session, steps: Sequence[Step]) -> "Story":
        """The story of a session with all its steps. Raises `InvalidTransition` unless it is resolved."""
        if session.resolution is None:
            raise InvalidTransition("session", session.status, "document")
        solution = solved_by(session, steps)
        branch = solution.branch
        told = [step for step in steps if step.kind is not StepKind.NOTE]
        seen = session.branches.in_sight(branch.id, told)
        return cls(
            title=session.title,
            problem=session.problem,
            resolution=session.resolution,
            branch=branch,
            fork=next((fork for fork in session.branches.fork_points if fork.id == branch.fork_point_id), None),
            worked=tuple(step for step in told if step.result is StepResult.WORKED and (step in seen or step == solution.step)),
            failed=tuple(step for step in told if step.result is StepResult.FAILED),
            ruled_out=tuple(one for one in session.branches.all if one.state is BranchState.DEAD_END),
            tree=session.walk.name if session.walk else None,
            path=path(session, steps, branch.id),
        )

    @property
    def where(self) -> str:
        """At which fork it was solved."""
        if self.fork is None:
            return "It was solved without a fork."
        split = f"The work split at step {self.fork.at_step_number} ({_line(self.fork.reason)})"
        return f"{split}; “{_line(self.branch.label)}” led to the solution."


def by_rules(kind: OutputKind, session: Session, steps: Sequence[Step]) -> str:
    """What the rules write. Raises `InvalidTransition` unless the session is resolved."""
    return body_of(WRITTEN[kind](Story.of(session, steps)))


def with_tree(body: str, name: str, page: str) -> str:
    """An article with where the tree is read that was made from its session."""
    return body_of((*blocks_of(body), Heading("Tree"), Paragraph(f"{_line(name)}: {page}")))


def bettered(kind: OutputKind, written: str, paragraphs: Sequence[str]) -> str:
    """What the rules wrote, with a model's paragraphs: first for colleagues, and for a client between greeting and good-bye."""
    blocks, told = list(blocks_of(written)), [Paragraph(paragraph) for paragraph in paragraphs]
    if kind is OutputKind.CLIENT_SUMMARY:
        return body_of((*blocks[:1], *told, *blocks[1:][-1:]))
    return body_of((Heading("In short"), *told, *blocks))


def internal_texts(session: Session, steps: Sequence[Step], handoffs: Sequence[Handoff]) -> tuple[str, ...]:
    """What was written among colleagues: notes, why it was handed off, and what the PSA keeps from the client."""
    notes = (session.ticket_facts or {}).get("notes")
    return (
        *(text for step in steps if step.kind is StepKind.NOTE for text in (step.content, step.evidence or "")),
        *(text for handoff in handoffs for text in (handoff.reason, handoff.note or "")),
        *(str(note["text"]) for note in (notes if isinstance(notes, list) else ()) if isinstance(note, dict) and note["internal"]),
    )


def for_client(body: str, internal: Sequence[str]) -> str:
    """The body without any paragraph or line in which one of the internal texts stands, or a line of one."""
    kept = "\n\n".join(_without(body.split("\n\n"), internal))
    return SOLVED if not kept.strip() or holds(kept, internal) else kept


def holds(body: str, internal: Sequence[str]) -> bool:
    """Whether one of the internal texts stands in it, or a line of one, whatever its capitals and spaces."""
    read = _folded(body)
    return any(private in read for private in _private(internal))


def _without(paragraphs: Sequence[str], internal: Sequence[str]) -> Iterator[str]:
    for paragraph in paragraphs:
        lines = paragraph.split("\n")
        kept = "\n".join(line for line in lines if not holds(line, internal))
        if kept.strip() and not holds(kept, internal):
            yield kept


def _private(internal: Sequence[str]) -> Iterator[str]:
    for text in internal:
        for piece in (text, *text.splitlines()):
            folded = _folded(piece)
            if len(folded) >= SHORTEST_PRIVATE:
                yield folded


def _folded(text: str) -> str:
    return " ".join(printable(text).casefold().split())


def _psa_note(story: Story) -> Iterator[Block]:
    yield Heading("Problem")
    yield Paragraph(_piece(story.title))
    yield Paragraph(_piece(story.problem))
    yield Heading("What solved it")
    yield Paragraph(_piece(story.resolution.summary))
    yield Paragraph(story.where)
    if story.resolution.root_cause:
        yield Heading("Root cause")
        yield Paragraph(_piece(story.resolution.root_cause))
    yield from _listed("What worked", [_line(step.content) for step in story.worked])
    if story.tree is not None:
        yield from _listed(_line(f"By the tree {story.tree}"), [_line(in_words(step)) for step in story.path])
    yield from _listed("What was ruled out", [_ruled_out(branch) for branch in story.ruled_out])
    yield from _listed("What did not help", [_line(step.content) for step in story.failed])


def _kb_article(story: Story) -> Iterator[Block]:
    yield Heading("Symptoms")
    yield Paragraph(_piece(story.title))
    yield Paragraph(_piece(story.problem))
    yield Heading("Cause")
    yield Paragraph(_piece(story.resolution.root_cause or "It was not established."))
    yield Heading("Solution")
    yield Paragraph(_piece(story.resolution.summary))
    if story.fork is not None:
        yield Paragraph(f"It was found by following “{_line(story.branch.label)}”: {_line(story.branch.hypothesis or '')}")
    yield from _listed("Steps that worked", [_line(step.content) for step in story.worked])
    yield from _listed("What it is not", [_ruled_out(branch) for branch in story.ruled_out])
    yield from _listed("What does not help", [_line(step.content) for step in story.failed])


def _client_summary(story: Story) -> Iterator[Block]:
    yield Paragraph(f"The problem “{_line(story.title)}” is solved.")
    if story.resolution.root_cause:
        yield Paragraph(f"What was wrong: {_piece(story.resolution.root_cause)}")
    yield Paragraph(f"What we did: {_piece(story.resolution.summary)}")
    yield Paragraph("If it comes back, reply to this ticket, and we will pick up where we left off.")


WRITTEN: Mapping[OutputKind, Callable[[Story], Iterator[Block]]] = MappingProxyType(
    {OutputKind.PSA_NOTE: _psa_note, OutputKind.KB_ARTICLE: _kb_article, OutputKind.CLIENT_SUMMARY: _client_summary}
)
"""A client is told what was wrong and what was done, and no step, name or line of work."""


def _listed(title: str, lines: Sequence[str]) -> Iterator[Block]:
    if lines:
        more = len(lines) - MOST_LISTED
        yield Heading(title)
        yield Bullets((*lines[:MOST_LISTED], *((f"and {more} more",) if more > 0 else ())))


def _ruled_out(branch: Branch) -> str:
    return _line(f"{branch.label}: {branch.close_reason or branch.hypothesis or ''}")


def _line(text: str) -> str:
    return _cut(" ".join(text.split()), LONGEST_LINE)


def _piece(text: str) -> str:
    return _cut(text.strip(), LONGEST_PIECE)


def _cut(text: str, most: int) -> str:
    return printable(text if len(text) <= most else text[: most - 1] + "…")
