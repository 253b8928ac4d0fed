"""Use cases of resolution outputs: make one of a resolved session, edit, approve, post and export it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from attrs import frozen

from flowpilot_core.application.assistant.redaction import Case
from flowpilot_core.application.kernel.computing import compute_here
from flowpilot_core.application.kernel.units import PLAIN, Request, Units
from flowpilot_core.application.psa.tickets import connected
from flowpilot_core.application.sessions.sessions import readable
from flowpilot_core.domain.access.branding import BARE, Worn
from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.events import Event
from flowpilot_core.domain.kernel.identifiers import OutputId, PsaPostId, SessionId, TreeId, UserId
from flowpilot_core.domain.kernel.permissions import Permission, person, require_role
from flowpilot_core.domain.outputs.document import ExportFormat, as_markdown, as_note, as_page
from flowpilot_core.domain.outputs.output import Output, OutputKind, OutputState, checked_body, written_by
from flowpilot_core.domain.outputs.write_up import by_rules, for_client, holds, internal_texts, with_tree
from flowpilot_core.domain.psa.connection import NoteKind
from flowpilot_core.domain.psa.post import PsaPost
from flowpilot_core.domain.sessions.session import Session
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.assistant import Redactor
from flowpilot_core.ports.kernel import Clock, Compute, NewId
from flowpilot_core.ports.knowledge import KnowledgeWork
from flowpilot_core.ports.outputs import OutputWork
from flowpilot_core.ports.psa import PsaWork
from flowpilot_core.ports.sessions import SessionDetail, SessionWork


class OutputsNeeds(OutputWork, PsaWork, SessionWork, KnowledgeWork, AccessWork, Protocol):
    """What is done here asks this of a unit of work."""


UNTITLED = "Summary"
"""What an export for the client is called whose title is not for the client."""


@frozen(kw_only=True)
class MadeTree:
    """The published tree that was made from a session, and where it is read."""

    id: TreeId
    name: str
    page: str


@frozen(kw_only=True)
class Shown:
    """An output with what its people are called."""

    output: Output
    names: Mapping[UserId, str]
    tree: MadeTree | None = None
    """What an article leads to: it is no part of its text, so that it is right however often trees come and go."""


@frozen(kw_only=True)
class WrittenUp(Case):
    """What an output is made from and checked against, and what it wears."""

    worn: Worn = BARE
    tree: MadeTree | None = None

    def tree_of(self, kind: OutputKind) -> MadeTree | None:
        """What an output of this kind leads to."""
        return self.tree if kind is OutputKind.KB_ARTICLE else None

    def leading(self, output: Output) -> str:
        """An output as it leaves, with what it leads to."""
        tree = self.tree_of(output.kind)
        return output.body if tree is None else with_tree(output.body, tree.name, tree.page)

    @property
    def internal(self) -> tuple[str, ...]:
        """What the client must not read."""
        return internal_texts(self.detail.session, self.detail.steps, self.detail.handoffs)

    async def fit(self, kind: OutputKind, body: str) -> str:
        """Fit to leave: without secrets, and without what is internal where a client reads it."""
        return await self.redacted(for_client(body, self.internal) if kind is OutputKind.CLIENT_SUMMARY else body)

    async def redacted(self, text: str) -> str:
        """Without secrets, those too that are only named as such elsewhere in the case."""
        clean = await self.cleaner(within=self.detail.session.id)
        return str((await self.without_secrets({"text": text}, clean))["text"])


@frozen(kw_only=True)
class Export:
    """An output as it is taken elsewhere."""

    kind: OutputKind
    version: int
    text: str


@frozen(kw_only=True)
class Outputs:
    """Outputs of sessions of the actor's account. Everything raises `NotFound` for what is not there, or not this actor's to know of."""

    units: Units[OutputsNeeds]
    clock: Clock
    new_id: NewId
    redact: Redactor
    models: bool = False
    """Whether a model is asked for a better one, after the commit."""
    compute: Compute = compute_here
    base_url: str = ""
    """Where the pages are."""

    async def list(self, actor: Actor, session_id: SessionId) -> Sequence[Shown]:
        """All of a session, oldest first."""
        async with self.units.begin(actor.account_id) as work:
            detail = readable(await work.sessions.detail(session_id), actor)
            outputs = await work.outputs.of(session_id)
            names = await _names(work, detail, outputs)
            tree = await self._tree(work, actor, session_id)
        return [Shown(output=one, names=names, tree=tree if one.kind is OutputKind.KB_ARTICLE else None) for one in outputs]

    async def get(self, actor: Actor, session_id: SessionId, output_id: OutputId) -> Shown:
        """One, with all its versions."""
        case, output, names = await self._read(actor, session_id, output_id)
        return Shown(output=output, names=names, tree=case.tree_of(output.kind))

    async def make(self, actor: Actor, session_id: SessionId, kind: OutputKind, *, request: Request = PLAIN) -> Shown:
        """One more, written by rules; a model may better it. Raises `InvalidTransition` unless the session is resolved."""
        by = person(actor, Permission.DOCUMENT)
        async with self.units.begin(actor.account_id) as work:
            case = await self._case(work, actor, session_id)
        require_role(actor, Permission.DOCUMENT)
        body = await case.fit(kind, await self.compute(actor.account_id, by_rules, kind, case.detail.session, case.detail.steps))

        async def unit(work: OutputsNeeds) -> Shown:
            session = await work.sessions.get(session_id)
            session.require_readable(actor)
            output, event = Output.made(OutputId(self.new_id()), session, kind, body, pending=self.models, by=by, at=self.clock.now())
            session.require_version(request.if_match)
            await work.outputs.add(output)
            await self.units.record(work, event, request)
            return Shown(output=output, names={by.user_id: by.name}, tree=case.tree_of(kind))

        return await self.units.run(actor, unit, request)

    async def edit(self, actor: Actor, session_id: SessionId, output_id: OutputId, body: str, *, request: Request = PLAIN) -> Shown:
        """Another version of it, to be approved anew. Raises also `InvalidValue`, for a client summary that holds an internal note too."""
        by = person(actor, Permission.DOCUMENT)
        case, output, names = await self._read(actor, session_id, output_id)
        body = checked_body(body)
        if output.kind is OutputKind.CLIENT_SUMMARY and holds(body, case.internal):
            raise InvalidValue("body", "contains text from an internal note, which the client must not read")
        fit = await case.redacted(body)

        return await self._move(
            actor,
            session_id,
            output_id,
            lambda before, session: before.edited(session, fit, by=by, at=self.clock.now()),
            names={**names, by.user_id: by.name},
            tree=case.tree_of(output.kind),
            request=request,
        )

    async def approve(self, actor: Actor, session_id: SessionId, output_id: OutputId, *, request: Request = PLAIN) -> Shown:
        """Approve an output as it reads now."""
        by = person(actor, Permission.DOCUMENT)
        case, output, names = await self._read(actor, session_id, output_id)

        return await self._move(
            actor,
            session_id,
            output_id,
            lambda before, session: before.approved(session, by=by, at=self.clock.now()),
            names={**names, by.user_id: by.name},
            tree=case.tree_of(output.kind),
            request=request,
        )

    async def post(self, actor: Actor, session_id: SessionId, output_id: OutputId, *, request: Request = PLAIN) -> Shown:
        """Have an approved one posted to the session's ticket, after the commit; a version is posted once."""
        by = person(actor, Permission.DOCUMENT)
        case, output, names = await self._read(actor, session_id, output_id)
        signature = case.worn.branding.signature() if output.kind is OutputKind.CLIENT_SUMMARY else ""
        version, text = output.version, as_note(await case.fit(output.kind, case.leading(output)), signature)

        async def unit(work: OutputsNeeds) -> Shown:
            before, session = await work.outputs.get(output_id), await work.sessions.get(session_id)
            session.require_readable(actor)
            at = self.clock.now()
            after, event = before.given_to_post(session, by=by, at=at)
            before.require_version(request.if_match or version)
            connection = await connected(work, session.ticket.system if session.ticket else "")
            post = PsaPost(
                id=PsaPostId(self.new_id()),
                connection_id=connection.id,
                session_id=session_id,
                ticket_id=session.ticket.id if session.ticket else "",
                kind=NoteKind.OUTPUT,
                output_id=output_id,
                output_version=before.version,
                public=before.kind is OutputKind.CLIENT_SUMMARY and connection.summary_public,
                by=by.user_id,
                sent=text,
                created_at=at,
                updated_at=at,
            )
            await work.outputs.save(after, before=before)
            await work.psa.add_post(post)
            await self.units.record(work, event, request)
            return Shown(output=after, names=names, tree=case.tree_of(output.kind))

        return await self.units.run(actor, unit, request)

    async def export(self, actor: Actor, session_id: SessionId, output_id: OutputId, format: ExportFormat) -> Export:
        """As a document: without secrets, and for the client without what became an internal note since."""
        case, output, _ = await self._read(actor, session_id, output_id)
        body = await case.fit(output.kind, case.leading(output))
        title = await case.redacted(_title(output, case))
        write = as_page if format is ExportFormat.HTML else as_markdown
        return Export(kind=output.kind, version=output.version, text=write(title, body, case.worn))

    async def require(self, actor: Actor, session_id: SessionId, output_id: OutputId) -> None:
        """Raises `NotFound`."""
        await self._read(actor, session_id, output_id)

    async def _move(
        self,
        actor: Actor,
        session_id: SessionId,
        output_id: OutputId,
        move: Callable[[Output, Session], tuple[Output, Event]],
        *,
        names: Mapping[UserId, str],
        tree: MadeTree | None,
        request: Request,
    ) -> Shown:
        """What a move makes of it, kept with its event."""

        async def unit(work: OutputsNeeds) -> Shown:
            before, session = await work.outputs.get(output_id), await work.sessions.get(session_id)
            session.require_readable(actor)
            after, event = move(before, session)
            before.require_version(request.if_match)
            await work.outputs.save(after, before=before)
            await self.units.record(work, event, request)
            return Shown(output=after, names=names, tree=tree)

        return await self.units.run(actor, unit, request)

    async def _read(self, actor: Actor, session_id: SessionId, output_id: OutputId) -> tuple[WrittenUp, Output, Mapping[UserId, str]]:
        async with self.units.begin(actor.account_id) as work:
            case = await self._case(work, actor, session_id)
            output = await work.outputs.get(output_id)
            output.require_of(session_id)
            names = await _names(work, case.detail, [output])
        return case, output, names

    async def _case(self, work: OutputsNeeds, actor: Actor, session_id: SessionId) -> WrittenUp:
        detail = readable(await work.sessions.detail(session_id), actor)
        account = await work.people.account()
        worn, tree = await work.branding.worn(), await self._tree(work, actor, session_id)
        return WrittenUp(account_id=account.id, detail=detail, redact=self.redact, personal=account.redacts_personal, worn=worn, tree=tree)

    async def _tree(self, work: OutputsNeeds, actor: Actor, session_id: SessionId) -> MadeTree | None:
        tree = await work.trees.made_from(session_id)
        if tree is None:
            return None
        return MadeTree(id=tree.id, name=tree.name, page=f"{self.base_url}/library/trees/{tree.id}?account={actor.account_id}")


def _title(output: Output, case: WrittenUp) -> str:
    """What an export is called; that it is no more than a draft is said there."""
    title = case.detail.session.title
    if output.kind is OutputKind.CLIENT_SUMMARY and holds(title, case.internal):
        title = UNTITLED
    return f"{title} (draft)" if output.state is OutputState.DRAFT else title


async def _names(work: OutputsNeeds, detail: SessionDetail, outputs: Sequence[Output]) -> Mapping[UserId, str]:
    names = dict(detail.names)
    for user_id in {one for output in outputs for one in written_by(output)} - names.keys():
        names[user_id] = (await work.people.user(user_id)).name
    return names
