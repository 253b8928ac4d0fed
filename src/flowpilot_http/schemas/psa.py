"""Connections to PSAs and what was posted over them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowpilot_core.application.psa.connections import INTERNAL, PUBLIC, Preview, Tested
from flowpilot_core.application.psa.webhooks import Address
from flowpilot_core.domain.psa.connection import (
    CHANGED,
    LONGEST_CHOICE,
    LONGEST_TEMPLATE,
    LONGEST_URL,
    SWITCHED,
    Circuit,
    NoteKind,
    PsaConnection,
    TicketAction,
)
from flowpilot_core.domain.psa.note import PLACEHOLDERS
from flowpilot_core.domain.psa.post import PostState, PsaPost
from flowpilot_core.domain.psa.vendor import NoteFormat
from flowpilot_core.ports.psa import PsaTicket, Trouble

from .kernel import Closed, Instant, Line, Page, TicketNoteOut

Url = Annotated[str, Meta(extra_json_schema={"format": "uri", "minLength": 1, "maxLength": LONGEST_URL})]
Credentials = Annotated[
    dict[str, str],
    Meta(
        description=(
            "What opens it, by system; no answer ever shows any of it. connectwise: company_id, public_key, private_key, client_id. "
            "halopsa: client_id, client_secret, tenant (where Halo hosts it). autotask: username, secret, integration_code."
        )
    ),
]
_TEMPLATE = {
    "type": ["string", "null"],
    "maxLength": LONGEST_TEMPLATE,
    "description": f"A text with {', '.join(f'{{{name}}}: {meaning}' for name, meaning in PLACEHOLDERS.items())}. null: ours.",
}
_ACTIONS: Mapping[TicketAction, dict[str, Any]] = {
    TicketAction.STATUS: {
        "type": "string",
        "maxLength": LONGEST_CHOICE,
        "description": "The status it gets, by name or by the vendor's number.",
    },
    TicketAction.PRIORITY: {"type": "string", "maxLength": LONGEST_CHOICE, "description": "The priority it gets, likewise."},
    TicketAction.OWNER: {
        "type": "boolean",
        "description": "Whether it becomes the ticket of whom the session is with, found by e-mail; escalated, of whom that is for.",
    },
    TicketAction.TIME_ENTRY: {"type": "boolean", "description": "Whether the work is entered for whoever did it, found by e-mail."},
}


def _change(actions: Collection[TicketAction]) -> dict[str, Any]:
    properties = {action.value: described for action, described in _ACTIONS.items() if action in actions}
    return {"type": ["object", "null"], "properties": properties, "additionalProperties": False}


Settings = Annotated[
    dict[str, Any],
    Meta(
        description=(
            "By system. connectwise: note (internal, discussion or resolution). halopsa: outcome or outcome_id, hidden_from_user. "
            "autotask: note_type, publish (looked up among the tenant's choices, internal ones, where left out)."
        ),
        extra_json_schema={
            "properties": {
                "client_summary": {
                    "enum": [INTERNAL, PUBLIC],
                    "default": INTERNAL,
                    "description": "Whether the client reads a client summary that is posted.",
                },
                "notes": {
                    "type": "object",
                    "description": "Which notes are posted.",
                    "properties": {kind: {"type": "boolean", "default": usual} for kind, usual in SWITCHED.items()},
                    "additionalProperties": False,
                },
                "ticket": {
                    "type": "object",
                    "description": "What else is done on the ticket, by event; null for nothing. `/test` says whether the PSA knows it.",
                    "properties": {kind: _change(actions) for kind, actions in CHANGED.items()},
                    "additionalProperties": False,
                },
                "templates": {
                    "type": "object",
                    "description": "What notes say, in place of our words; a line that has nothing to tell is left out.",
                    "properties": dict.fromkeys(SWITCHED, _TEMPLATE),
                    "additionalProperties": False,
                },
            }
        },
    ),
]


class NewConnection(Closed, kw_only=True, frozen=True):
    """A PSA to connect."""

    system: Annotated[str, Meta(description="connectwise, halopsa or autotask; what a ticket's `system` is.")]
    name: Line
    base_url: Url
    credentials: Credentials
    settings: Settings = {}


class ChangedConnection(Closed, kw_only=True, frozen=True):
    """What is to be different: credentials are all given or none; of the settings those that are named, null for one as it usually is."""

    name: Line | None = None
    base_url: Url | None = None
    credentials: Credentials | None = None
    settings: Settings | None = None


class NotePreviewWanted(Closed, kw_only=True, frozen=True):
    """Which note to show, and by which template if not by that of the connection."""

    kind: NoteKind = NoteKind.ESCALATED
    template: Annotated[str | None, Meta(extra_json_schema={"maxLength": LONGEST_TEMPLATE})] = None


class PostsWanted(Page, kw_only=True, frozen=True):
    """Which posts."""

    connection_id: UUID | None = None
    session_id: UUID | None = None
    handoff_id: UUID | None = None
    state: PostState | None = None
    kind: NoteKind | None = None


class ConnectionOut(msgspec.Struct, kw_only=True, frozen=True):
    """A connection to a PSA, without what opens it."""

    id: UUID
    version: int
    system: str
    name: str
    base_url: str
    settings: dict[str, Any]
    circuit: Annotated[Circuit, Meta(description="`open`: nothing is sent, until `rests_until` or until somebody fixes it.")]
    rests_until: Instant | None
    problem: Annotated[str | None, Meta(description="What was wrong the last time; null once it worked.")]
    last_success_at: Instant | None
    notices: Annotated[list[str], Meta(description="What to know about what was chosen, though nothing is wrong with it.")]
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, connection: PsaConnection, notices: Sequence[str]) -> "ConnectionOut":
        """As clients read it."""
        health = connection.health
        return cls(
            id=connection.id,
            version=connection.version,
            system=connection.system,
            name=connection.name,
            base_url=connection.base_url,
            settings={
                **connection.settings,
                "notes": {kind.value: kind in connection.noted for kind in SWITCHED},
                "ticket": {kind.value: dict(change.named()) for kind, change in connection.changes.items()},
                "templates": {kind.value: template for kind, template in connection.templates.items()},
                **({"client_summary": PUBLIC} if connection.summary_public else {}),
            },
            circuit=health.circuit,
            rests_until=health.rests_until,
            problem=health.problem,
            last_success_at=health.last_success_at,
            notices=list(notices),
            created_at=connection.created_at,
            updated_at=connection.updated_at,
        )


class TestOut(msgspec.Struct, kw_only=True, frozen=True):
    """What a test of a connection found: that notes could be posted, or what is wrong, and what to do about it."""

    ok: bool
    problem: Trouble | UnsetType = UNSET
    hint: str | UnsetType = UNSET

    @classmethod
    def of(cls, tested: Tested) -> "TestOut":
        """As clients read it."""
        return cls(ok=tested.trouble is None, problem=tested.trouble or UNSET, hint=tested.hint or UNSET)


class PsaWebhookOut(msgspec.Struct, kw_only=True, frozen=True):
    """Where a PSA is to call. `url` and `secret` stand in the answer that made them, and in no other."""

    made_at: Instant
    url: Annotated[str, Meta(description="Whoever has it can have tickets looked at, and nothing else.")] | UnsetType = UNSET
    secret: (
        Annotated[str | None, Meta(description="What to enter beside it there; null where the vendor signs with a key of its own.")]
        | UnsetType
    ) = UNSET

    @classmethod
    def shown(cls, address: Address, url: str) -> "PsaWebhookOut":
        """As whoever made it reads it, once."""
        return cls(made_at=address.made_at, url=url, secret=address.secret)

    @classmethod
    def again(cls, address: Address) -> "PsaWebhookOut":
        """As it is told where the same request comes again."""
        return cls(made_at=address.made_at)


class NotePreviewOut(msgspec.Struct, kw_only=True, frozen=True):
    """How a note would look on a ticket, in as many parts as the vendor's limit needs."""

    title: str
    format: NoteFormat
    parts: list[str]

    @classmethod
    def of(cls, preview: Preview) -> "NotePreviewOut":
        """As clients read it."""
        return cls(title=preview.title, format=preview.format, parts=list(preview.parts))


class PostOut(msgspec.Struct, kw_only=True, frozen=True):
    """One note on one ticket, or another thing that is done on it, with how far it is."""

    id: UUID
    connection_id: UUID
    handoff_id: UUID | None
    session_id: UUID
    ticket_id: str
    kind: NoteKind
    output_id: Annotated[UUID | None, Meta(description="The resolution output that it is, where it is one.")]
    public: Annotated[bool, Meta(description="Whether the client reads it, though the connection's other notes may be internal.")]
    action: Annotated[TicketAction, Meta(description="What is done there at this event: the note, or one of the others.")]
    state: PostState
    reason: Annotated[str | None, Meta(description="Why it was suppressed.")]
    attempts: int
    last_error: str | None
    vendor_id: Annotated[str | None, Meta(description="The vendor's ids of its parts.")]
    sent: Annotated[str | None, Meta(description="What it says, without secrets.")]
    answer: Annotated[str | None, Meta(description="What the vendor said to it.")]
    created_at: Instant
    posted_at: Instant | None

    @classmethod
    def of(cls, post: PsaPost) -> "PostOut":
        """As clients read it."""
        return cls(**{name: getattr(post, name) for name in cls.__struct_fields__})


class PsaTicketOut(msgspec.Struct, kw_only=True, frozen=True):
    """A ticket as its PSA shows it."""

    system: str
    id: str
    title: str
    status: str | None
    closed: bool
    client_name: str | None
    contact_name: str | None
    priority: str | None
    notes: Annotated[list[TicketNoteOut], Meta(description="The most recent ones, newest first.")]

    @classmethod
    def of(cls, system: str, ticket: PsaTicket) -> "PsaTicketOut":
        """As clients read it."""
        return cls(
            system=system,
            id=ticket.id,
            title=ticket.title,
            status=ticket.status,
            closed=ticket.closed,
            client_name=ticket.client_name,
            contact_name=ticket.contact_name,
            priority=ticket.priority,
            notes=[TicketNoteOut(text=note.text, by=note.by, at=note.at, internal=note.internal) for note in ticket.notes],
        )
