"""Which texts are searched of each thing that can be found."""

from collections.abc import Iterable, Iterator
from typing import Final

from flowpilot_core.domain.handoffs.handoff import Handoff
from flowpilot_core.domain.kernel.events import EventKind
from flowpilot_core.domain.knowledge.script_template import ScriptRevision, ScriptTemplate
from flowpilot_core.domain.knowledge.template import TemplateState
from flowpilot_core.domain.knowledge.tree import Tree, TreeRevision
from flowpilot_core.domain.outputs.output import Output
from flowpilot_core.domain.sessions.session import Session, Ticket
from flowpilot_core.domain.sessions.step import Step

from .search import LONGEST_EVIDENCE, Document, HitKind

REASONED: Final = frozenset({EventKind.SESSION_ABANDONED, EventKind.SESSION_REOPENED, EventKind.WALK_LEFT})
"""Events of a session that alone say why, as `reason`."""


def of_session(session: Session, steps: Iterable[Step], reasons: Iterable[str]) -> Document:
    """A session: its problem, what solved it, whose it is, all that was tried and why, and what `REASONED` events say."""
    return Document.of(
        HitKind.SESSION,
        session.id,
        session.title,
        (*_said(session, steps), *reasons),
        at=session.created_at,
        session_id=session.id,
        client_name=session.client_name,
    )


def of_handoff(handoff: Handoff, session: Session) -> Document:
    """A handoff of a session: why it was made, and for whom."""
    brief = handoff.brief
    texts = (handoff.reason, handoff.note, brief.headline, brief.client_name, *_ticket(brief.ticket))
    return Document.of(
        HitKind.HANDOFF,
        handoff.id,
        brief.title,
        texts,
        at=handoff.escalated_at,
        session_id=session.id,
        client_name=session.client_name,
    )


def of_output(output: Output, session: Session) -> Document:
    """An output as it reads now; it is called as its session is, and found by its text alone."""
    return Document.of(
        HitKind.OUTPUT,
        output.id,
        session.title,
        (output.body,),
        at=output.created_at,
        session_id=session.id,
        is_titled=False,
        client_name=session.client_name,
    )


def of_tree(tree: Tree, revision: TreeRevision) -> Document:
    """A tree, and its newest revision."""
    nodes = (text for node in revision.content.nodes for text in (node.text, node.help, *(answer.label for answer in node.answers)))
    return Document.of(HitKind.TREE, tree.id, tree.name, (tree.description, *nodes), at=revision.at)


def of_script_template(template: ScriptTemplate, revision: ScriptRevision) -> Document:
    """A script template, and its newest revision."""
    return Document.of(HitKind.SCRIPT_TEMPLATE, template.id, template.name, (template.description, revision.content.body), at=revision.at)


def is_offered(template: Tree | ScriptTemplate) -> bool:
    """Whether it can be found: a draft is nobody else's, and what was put away is offered to nobody."""
    return template.state is TemplateState.PUBLISHED


def _said(session: Session, steps: Iterable[Step]) -> Iterator[str | None]:
    yield session.problem
    yield session.client_name
    yield from _ticket(session.ticket)
    if session.resolution:
        yield session.resolution.summary
        yield session.resolution.root_cause
    for branch in session.branches.all:
        if branch.parent_id is not None:
            yield branch.label
            yield branch.hypothesis
        yield branch.close_reason
    for fork_point in session.branches.fork_points:
        yield fork_point.reason
    for step in steps:
        yield step.content
        yield step.evidence and step.evidence[:LONGEST_EVIDENCE]


def _ticket(ticket: Ticket | None) -> tuple[str, ...]:
    return () if ticket is None else (ticket.name, ticket.id)
