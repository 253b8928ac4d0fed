"""Search: everything is looked through anew each time."""

from collections.abc import Iterator
from uuid import UUID

from flowpilot_adapters.memory import reading
from flowpilot_adapters.memory.knowledge.ratings import stars
from flowpilot_adapters.memory.tables import Working
from flowpilot_core.domain.insights import searched
from flowpilot_core.domain.insights.search import MOST_HITS, Document, Found, Hit, Place, Within, score_of, snippet
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.identifiers import ScriptTemplateId, TreeId
from flowpilot_core.domain.kernel.permissions import Permission, permits
from flowpilot_core.domain.kernel.query import Query, words
from flowpilot_core.domain.knowledge.rating import NO_STARS, Subject
from flowpilot_core.domain.knowledge.script_template import ScriptTemplate
from flowpilot_core.domain.knowledge.tree import Tree
from flowpilot_core.domain.sessions.session import Session, Status


class MemorySearchIndex:
    """There is none to keep."""

    async def refresh(self, subject_id: UUID) -> None:
        """As `SearchIndex.refresh` says."""


def search(rows: Working, query: Query, within: Within, reader: Person, *, after: Place | None, limit: int) -> Found:
    """As `InsightsView.search` says."""
    documents = [one for one in _documents(rows, reader) if _is_within(rows, one, within, reader)]
    titled = {word for one in documents if one.is_titled for word in words(one.title)}
    alike = {token: query.alike(token, titled) for token in query.tokens}
    scored = ((score_of(query, one, alike), one) for one in documents)
    found = [_hit(one, query, score, _stars(rows, one)) for score, one in scored if score is not None]
    best = sorted(found, key=lambda hit: hit.place, reverse=True)[:MOST_HITS]
    return Found(hits=tuple(hit for hit in best if after is None or hit.place < after)[:limit])


def _hit(one: Document, query: Query, score: int, rated: float) -> Hit:
    shown = snippet(one.text, query)
    return Hit(kind=one.kind, id=one.id, session_id=one.session_id, title=one.title, snippet=shown, at=one.at, score=score, stars=rated)


def _stars(rows: Working, one: Document) -> float:
    template: Tree | ScriptTemplate | None = rows.trees.get(TreeId(one.id)) or rows.script_templates.get(ScriptTemplateId(one.id))
    return NO_STARS.mean if template is None else stars(rows, Subject(one.kind), template).mean


def _documents(rows: Working, reader: Person) -> Iterator[Document]:
    for kept in rows.sessions.values():
        session = reading.session(rows, kept.id)
        if _readable(session, reader):
            steps = sorted((step for step in rows.steps.values() if step.session_id == session.id), key=lambda step: step.number)
            told = (one for one in rows.logged if one.session_id == session.id and one.kind in searched.REASONED)
            yield searched.of_session(session, steps, [str(one.changed["reason"]) for one in told])
            yield from (searched.of_output(one, session) for one in rows.outputs.values() if one.session_id == session.id)
    for handoff in rows.handoffs.values():
        if handoff.readable_by(reader):
            yield searched.of_handoff(reading.handoff(rows, handoff.id), reading.session(rows, handoff.session_id))
    for tree in filter(searched.is_offered, rows.trees.values()):
        if tree.revision and (revision := rows.tree_revisions.get((tree.id, tree.revision))):
            yield searched.of_tree(tree, revision)
    for template in filter(searched.is_offered, rows.script_templates.values()):
        if template.revision and (script := rows.script_revisions.get((template.id, template.revision))):
            yield searched.of_script_template(template, script)


def _is_within(rows: Working, one: Document, within: Within, reader: Person) -> bool:
    if within.kind not in (None, one.kind) or (within.start and one.at < within.start) or (within.end and one.at >= within.end):
        return False
    if (within.status, within.assignee_id, within.client_name) == (None, None, None):
        return True
    if one.session_id is None:
        return False
    session = reading.session(rows, one.session_id)
    return (
        _readable(session, reader)
        and within.status in (None, session.status)
        and within.assignee_id in (None, session.assignee_id)
        and within.client_name in (None, session.client_name)
    )


def _readable(session: Session, reader: Person) -> bool:
    return session.status is not Status.PARKED or permits(reader, Permission.READ_PARKED, session.parked_with)
