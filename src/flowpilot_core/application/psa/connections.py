"""Use cases of PSAs: connect one, test it, change it, read what was posted, and have a dead post tried again."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Protocol
from uuid import UUID

from attrs import evolve, frozen

from flowpilot_core.application.kernel.units import PLAIN, Request, Units
from flowpilot_core.domain.access.audit import Deed, DeedKind
from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.errors import InvalidValue, NotFound, VersionConflict
from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.identifiers import PsaConnectionId, PsaPostId, SecretId
from flowpilot_core.domain.kernel.name import checked_name
from flowpilot_core.domain.kernel.permissions import Permission, require_role
from flowpilot_core.domain.kernel.text import one_of
from flowpilot_core.domain.psa.connection import SWITCHED, NoteKind, PsaConnection, checked_base_url, checked_changes, checked_notes
from flowpilot_core.domain.psa.note import SAMPLE, TEMPLATES, checked_template, parts, titled, written
from flowpilot_core.domain.psa.post import PsaPost
from flowpilot_core.domain.psa.vendor import NoteFormat, there_are
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.kernel import Clock, NewId, ViewOf
from flowpilot_core.ports.psa import Choices, NotDone, PostFilter, PsaView, PsaWork, Trouble
from flowpilot_core.ports.relay import RelayWork, Work, WorkKind

from .access import Psas
from .posting import judged
from .webhooks import forget


class ConnectionsNeeds(PsaWork, AccessWork, RelayWork, Protocol):
    """What is done here asks this of a unit of work."""


INTERNAL, PUBLIC = "internal", "public"
OWN_SETTINGS = ("notes", "templates", "client_summary", "ticket")
"""Settings that every vendor's connections have; the others are the vendor's."""
USUAL_LENGTH = 3_000
"""Characters of a note in a preview, where the vendor cannot be asked."""
SAMPLE_POST = PsaPostId(UUID("01998c2e-7a10-7000-8000-000000000009"))

HINTS: Mapping[Trouble, str] = MappingProxyType(
    {
        Trouble.UNREACHABLE: "Check the address, and whether the vendor is up.",
        Trouble.NOT_THE_API: "Check the address: it must be the vendor's root, without a proxy's sign-in before it.",
        Trouble.VENDOR_FAULT: "Try again later. If it keeps failing, ask the vendor.",
        Trouble.TOO_MANY_CALLS: "Try again later.",
        Trouble.TICKET_LOCKED: "Try again later.",
        Trouble.WRONG_KEY: "Enter the credentials again, as the vendor shows them.",
        Trouble.WRONG_COMPANY: "Check the company or tenant: its spelling, capitals, and whether the address is its own.",
        Trouble.MISSING_PERMISSION: "Let the API user read tickets and add notes to them.",
        Trouble.WRONG_SETTING: "Choose another value in the settings of the connection.",
        Trouble.TICKET_GONE: "The address answers, but not as this vendor does.",
        Trouble.REFUSED: "Ask the vendor what it means.",
    }
)
"""What to do about each trouble."""


@frozen(kw_only=True)
class Tested:
    """What a test of a connection found."""

    trouble: Trouble | None = None
    hint: str | None = None


@frozen(kw_only=True)
class Preview:
    """How a note would look."""

    title: str
    format: NoteFormat
    parts: tuple[str, ...]


@frozen(kw_only=True)
class PsaConnections:
    """The PSAs of the actor's account. Everything raises `NotFound` for what is not there, and `RoleForbidden`."""

    units: Units[ConnectionsNeeds]
    view: ViewOf[PsaView]
    clock: Clock
    new_id: NewId
    psas: Psas

    async def list(self, actor: Actor) -> Sequence[PsaConnection]:
        """All of them, oldest first."""
        require_role(actor, Permission.CONNECT_PSA)
        return await self.view(actor.account_id).psa_connections()

    async def get(self, actor: Actor, connection_id: PsaConnectionId) -> PsaConnection:
        """One of them."""
        for connection in await self.view(actor.account_id).psa_connections():
            if connection.id == connection_id:
                require_role(actor, Permission.CONNECT_PSA)
                return connection
        raise NotFound("connection")

    def notices(self, connection: PsaConnection) -> Sequence[str]:
        """What to know about what was chosen for it."""
        vendor = self.psas.vendors.get(connection.system)
        return connection.notices(vendor.vendor) if vendor else ()

    async def require_connection(self, actor: Actor, connection_id: PsaConnectionId) -> None:
        """Raises `NotFound`."""
        async with self.units.begin(actor.account_id) as work:
            await work.psa.connection(connection_id)

    async def require_post(self, actor: Actor, post_id: PsaPostId) -> None:
        """Raises `NotFound`."""
        async with self.units.begin(actor.account_id) as work:
            await work.psa.post(post_id)

    async def connect(
        self,
        actor: Actor,
        *,
        system: str,
        name: str,
        base_url: str,
        credentials: Mapping[str, str],
        settings: Mapping[str, Plain],
        request: Request = PLAIN,
    ) -> PsaConnection:
        """A new connection. Raises `InvalidValue`, and `ConnectionExists` where there is one to this system."""
        vendor = self.psas.of(system).vendor
        vendor.check_credentials(credentials)
        at = self.clock.now()
        blank = PsaConnection(
            id=PsaConnectionId(self.new_id()),
            system=system,
            name=checked_name(name),
            base_url=checked_base_url(base_url),
            secret_id=SecretId(self.new_id()),
            created_at=at,
            updated_at=at,
        )
        connection = self._with_settings(blank, settings)
        require_role(actor, Permission.CONNECT_PSA)

        async def unit(work: ConnectionsNeeds) -> PsaConnection:
            await self.psas.lock_away(work, actor.account_id, connection, credentials)
            await work.psa.add(connection)
            await self._enter(work, DeedKind.PSA_CONNECTED, connection, actor, request)
            return connection

        return await self.units.run(actor, unit, request)

    async def change(
        self,
        actor: Actor,
        connection_id: PsaConnectionId,
        *,
        name: str | None = None,
        base_url: str | None = None,
        credentials: Mapping[str, str] | None = None,
        settings: Mapping[str, Plain] | None = None,
        request: Request = PLAIN,
    ) -> PsaConnection:
        """Another name, address, settings (those that are named; None for one as it usually is) or credentials (all of them).

        It is tried again then, however broken it was.
        """

        async def unit(work: ConnectionsNeeds) -> PsaConnection:
            before = await work.psa.connection(connection_id)
            if credentials is not None:
                self.psas.of(before.system).vendor.check_credentials(credentials)
            after = evolve(
                before,
                name=before.name if name is None else checked_name(name),
                base_url=before.base_url if base_url is None else checked_base_url(base_url),
                health=before.health.mended(),
                updated_at=max(self.clock.now(), before.updated_at),
            )
            after = self._with_settings(after, settings or {})
            require_role(actor, Permission.CONNECT_PSA)
            _require_version(before, request)
            if credentials is not None:
                await self.psas.lock_away(work, actor.account_id, after, credentials)
            saved = await work.psa.save(after)
            await self._enter(work, DeedKind.PSA_CHANGED, saved, actor, request)
            return saved

        return await self.units.run(actor, unit, request)

    async def remove(self, actor: Actor, connection_id: PsaConnectionId, *, request: Request = PLAIN) -> PsaConnection:
        """Forget it; what was to be posted over it is not any more."""

        async def unit(work: ConnectionsNeeds) -> PsaConnection:
            connection = await work.psa.connection(connection_id)
            require_role(actor, Permission.CONNECT_PSA)
            _require_version(connection, request)
            await forget(work, connection_id)
            await work.psa.remove(connection)
            await work.secrets.drop(connection.secret_id)
            await self._enter(work, DeedKind.PSA_REMOVED, connection, actor, request)
            return connection

        return await self.units.run(actor, unit, request)

    async def test(self, actor: Actor, connection_id: PsaConnectionId) -> Tested:
        """Whether notes could be posted over it now, and if not, exactly what is wrong. What is found counts as its health.

        What tickets are to be given must be something that there is.
        """
        async with self.units.begin(actor.account_id) as work:
            connection = await work.psa.connection(connection_id)
            require_role(actor, Permission.CONNECT_PSA)
            access = await self.psas.access(work, actor.account_id, connection)
        psa = self.psas.of(connection.system)
        try:
            await psa.check(access)
            _require_choices(connection, await psa.choices(access) if _chooses(connection) else None)
        except NotDone as refused:
            await self._judge(actor, connection_id, refused)
            return Tested(trouble=refused.trouble, hint=f"{refused.problem[:1].upper()}{refused.problem[1:]}. {HINTS[refused.trouble]}")
        await self._judge(actor, connection_id, None)
        return Tested()

    async def preview(self, actor: Actor, connection_id: PsaConnectionId, *, kind: NoteKind, template: str | None = None) -> Preview:
        """How a note of this kind would look: by this template, or else the connection's, on a case that we made up."""
        connection = await self.get(actor, connection_id)
        if kind not in SWITCHED:
            raise InvalidValue("kind", one_of(SWITCHED))
        wanted = checked_template("template", template) if template else connection.templates.get(kind) or TEMPLATES[kind]
        format = self.psas.of(connection.system).vendor.format
        texts = parts(written(wanted, SAMPLE), format=format, longest=USUAL_LENGTH, post_id=SAMPLE_POST, link=SAMPLE.link)
        return Preview(title=titled(kind, SAMPLE), format=format, parts=texts)

    async def posts(self, actor: Actor, where: PostFilter, *, after: PsaPostId | None, limit: int) -> Sequence[PsaPost]:
        """What was posted or is to be, newest first."""
        require_role(actor, Permission.READ_POSTS)
        return await self.view(actor.account_id).psa_posts(where, after=after, limit=limit)

    async def retry(self, actor: Actor, post_id: PsaPostId, *, request: Request = PLAIN) -> PsaPost:
        """Have a dead post tried again, and its connection with it."""

        async def unit(work: ConnectionsNeeds) -> PsaPost:
            post = (await work.psa.post(post_id)).retried(by=actor, at=self.clock.now())
            connection = await work.psa.connection(post.connection_id)
            await work.psa.save_post(post)
            await work.psa.save_health(connection.id, connection.health.mended())
            await work.due.add(Work(id=post_id, kind=WorkKind.PSA_POST, due_at=self.clock.now(), target=connection.id))
            await self.units.record(work, post.event(by=actor), request)
            return post

        return await self.units.run(actor, unit, request)

    async def _enter(self, work: ConnectionsNeeds, kind: DeedKind, connection: PsaConnection, actor: Actor, request: Request) -> None:
        said: dict[str, Plain] = {"system": connection.system, "name": connection.name, "base_url": connection.base_url}
        deed = Deed.of(kind, by=actor, at=self.clock.now(), thing_id=connection.id, changed=said, request_id=request.id)
        await work.audit.add(deed)

    async def _judge(self, actor: Actor, connection_id: PsaConnectionId, refused: NotDone | None) -> None:
        async with self.units.begin(actor.account_id) as work:
            health = (await work.psa.connection(connection_id)).health
            seen = health.worked(at=self.clock.now()) if refused is None else judged(health, refused, self.clock)
            await work.psa.save_health(connection_id, seen)
            await work.commit()

    def _with_settings(self, connection: PsaConnection, settings: Mapping[str, Plain]) -> PsaConnection:
        """The connection with these settings over those it has; None takes one away."""
        own = {name: value for name, value in settings.items() if name not in OWN_SETTINGS}
        merged = _over(connection.settings, own)
        self.psas.of(connection.system).vendor.check_settings(merged)
        notes = _over({kind.value: kind in connection.noted for kind in SWITCHED}, _object(settings, "notes"))
        templates = _over({kind.value: template for kind, template in connection.templates.items()}, _object(settings, "templates"))
        changes = _over({kind.value: dict(change.named()) for kind, change in connection.changes.items()}, _object(settings, "ticket"))
        return evolve(
            connection,
            settings=merged,
            noted=checked_notes(_switches(notes)),
            templates=_checked_templates(templates),
            summary_public=_public(settings, connection.summary_public),
            changes=checked_changes(changes),
        )


def _require_version(connection: PsaConnection, request: Request) -> None:
    if request.if_match is not None and request.if_match != connection.version:
        raise VersionConflict("connection", request.if_match, connection.version)


def _over(before: Mapping[str, Plain], new: Mapping[str, Plain]) -> dict[str, Plain]:
    return {name: value for name, value in {**before, **new}.items() if value is not None}


def _object(settings: Mapping[str, Plain], name: str) -> Mapping[str, Plain]:
    value = settings.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidValue(f"settings.{name}", "must be an object")
    return value


def _public(settings: Mapping[str, Plain], before: bool) -> bool:
    """Whether clients read client summaries: as it was where nobody says, and not where somebody takes it back."""
    if "client_summary" not in settings:
        return before
    value = settings["client_summary"]
    if value not in (None, PUBLIC, INTERNAL):
        raise InvalidValue("settings.client_summary", one_of((INTERNAL, PUBLIC)))
    return value == PUBLIC


def _switches(notes: Mapping[str, Plain]) -> Mapping[str, bool]:
    switches: dict[str, bool] = {}
    for name, value in notes.items():
        if not isinstance(value, bool):
            raise InvalidValue(f"settings.notes.{name}", "must be true or false")
        switches[name] = value
    return switches


def _checked_templates(templates: Mapping[str, Plain]) -> Mapping[NoteKind, str]:
    checked: dict[NoteKind, str] = {}
    for name, value in templates.items():
        field = f"settings.templates.{name}"
        if name not in SWITCHED:
            raise InvalidValue(field, one_of(SWITCHED))
        if not isinstance(value, str):
            raise InvalidValue(field, "must be text")
        checked[NoteKind(name)] = checked_template(field, value)
    return checked


def _chooses(connection: PsaConnection) -> bool:
    return any(change.status or change.priority for change in connection.changes.values())


def _require_choices(connection: PsaConnection, choices: Choices | None) -> None:
    """Raises `NotDone` for a status or priority that the PSA has not, and says which it has."""
    for kind, change in connection.changes.items():
        for what, wanted, known in (
            ("status", change.status, choices.statuses if choices else {}),
            ("priority", change.priority, choices.priorities if choices else {}),
        ):
            if wanted is not None and wanted not in known and wanted.casefold() not in {name.casefold() for name in known.values()}:
                problem = f"ticket.{kind}.{what}: there is no {what} {wanted}; {there_are(known.values())}"
                raise NotDone(Trouble.WRONG_SETTING, problem)
