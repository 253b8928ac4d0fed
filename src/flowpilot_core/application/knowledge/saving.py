"""The use case that keeps a resolved session as a tree."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from attrs import frozen

from flowpilot_core.application.assistant.redaction import Case
from flowpilot_core.application.kernel.computing import compute_here
from flowpilot_core.application.kernel.units import PLAIN, Request, Units
from flowpilot_core.application.sessions.sessions import readable
from flowpilot_core.domain.handoffs.debrief import solved_by
from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.errors import InvalidTransition
from flowpilot_core.domain.kernel.identifiers import AccountId, BranchId, SessionId, TreeCategoryId, TreeId
from flowpilot_core.domain.kernel.name import checked_name
from flowpilot_core.domain.kernel.permissions import Permission, person, require_role
from flowpilot_core.domain.knowledge.anonymous import Names, anonymous
from flowpilot_core.domain.knowledge.content import Content, TreeKind
from flowpilot_core.domain.knowledge.saving import as_name, as_tree, with_texts
from flowpilot_core.domain.knowledge.tree import Tree
from flowpilot_core.domain.sessions.session import Session, SessionMove, Status
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.assistant import Redactor
from flowpilot_core.ports.kernel import Clock, Compute, NewId
from flowpilot_core.ports.knowledge import KnowledgeWork
from flowpilot_core.ports.relay import RelayWork
from flowpilot_core.ports.sessions import SessionDetail, SessionWork

from .trees import Trees, TreeShown, category_of


class SavingNeeds(KnowledgeWork, SessionWork, AccessWork, RelayWork, Protocol):
    """What is done here asks this of a unit of work."""


@frozen(kw_only=True)
class SaveAsTree:
    """Keeps what a session taught."""

    units: Units[SavingNeeds]
    trees: Trees
    clock: Clock
    new_id: NewId
    redact: Redactor
    compute: Compute = compute_here

    async def save(
        self, actor: Actor, session_id: SessionId, *, name: str, category_id: TreeCategoryId | None = None, request: Request = PLAIN
    ) -> TreeShown:
        """A draft made of a resolved session, without secrets, and without whom and which machines it was about.

        Raises `NotFound`, `RoleForbidden`, `InvalidValue`, and `InvalidTransition` unless the session is resolved.
        """
        person(actor, Permission.WRITE_TREES)
        async with self.units.begin(actor.account_id) as work:
            detail = readable(await work.sessions.detail(session_id), actor)
        require_role(actor, Permission.WRITE_TREES)
        name = checked_name(name)
        if detail.session.status is not Status.RESOLVED:
            raise InvalidTransition("session", detail.session.status, SessionMove.DOCUMENT)
        written = await written_down(actor.account_id, detail, redact=self.redact, compute=self.compute, beside=(name,))

        async def unit(work: SavingNeeds) -> TreeShown:
            tree = Tree.drafted(
                TreeId(self.new_id()),
                kind=TreeKind.TROUBLESHOOTING,
                name=as_name(written.beside[0]),
                category=await category_of(work, category_id),
                content=written.content,
                from_session_id=session_id,
                by=actor,
                at=self.clock.now(),
            )
            detail.session.require_version(request.if_match)
            await work.trees.add(tree)
            return await self.trees.shown(work, actor, tree.id)

        return await self.units.run(actor, unit, request)


@frozen(kw_only=True)
class Written:
    """A session as a tree, and what is said beside it, all without secrets and names."""

    content: Content
    beside: tuple[str, ...]


async def written_down(
    account_id: AccountId,
    detail: SessionDetail,
    *,
    redact: Redactor,
    compute: Compute,
    left: BranchId | None = None,
    beside: Sequence[str] = (),
) -> Written:
    """What a resolved session makes as a tree; with `left` as `as_tree` says."""
    solved = solved_by(detail.session, detail.steps).branch.id
    drawn = await compute(account_id, as_tree, detail.session, detail.steps, solved, left)
    case = Case(account_id=account_id, detail=detail, redact=redact, personal=True)
    clean = await case.cleaner(within=detail.session.id)
    texts = list(
        dict.fromkeys((*beside, *(text for node in drawn.nodes for text in (node.text, *(answer.label for answer in node.answers)))))
    )
    redacted = (await case.without_secrets({"texts": list(texts)}, clean))["texts"]
    said = dict(zip(texts, map(str, redacted if isinstance(redacted, list) else ()), strict=True))
    return await compute(account_id, unnamed, drawn, beside, said, whom(detail.session), people_of(detail))


def unnamed(content: Content, beside: Sequence[str], said: Mapping[str, str], names: tuple[str, ...], people: tuple[str, ...]) -> Written:
    """The tree and the texts beside it as they were redacted, and without names."""
    taken_out = Names.of(names, people)
    return Written(
        content=with_texts(content, lambda text: anonymous(said[text], taken_out)),
        beside=tuple(anonymous(said[text], taken_out) for text in beside),
    )


def whom(session: Session) -> tuple[str, ...]:
    """What names the client and the ticket of a session."""
    named = [session.client_name, session.ticket.id if session.ticket else None, (session.ticket_facts or {}).get("client_name")]
    return tuple(str(one) for one in named if one)


def people_of(detail: SessionDetail) -> tuple[str, ...]:
    """What the contact and the writers of its ticket are called, and those who worked on it."""
    facts = detail.session.ticket_facts or {}
    notes = facts.get("notes")
    writers = [note.get("by") for note in notes if isinstance(note, Mapping)] if isinstance(notes, Sequence) else []
    return (*(str(one) for one in (facts.get("contact_name"), *writers) if one), *detail.names.values())
