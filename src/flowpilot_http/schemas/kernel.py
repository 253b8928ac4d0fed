"""What requests and answers of all areas share."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Generic, Literal, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta

from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.identifiers import UserId
from flowpilot_core.domain.kernel.text import PROSE, TITLE
from flowpilot_core.domain.sessions.session import Ticket
from flowpilot_core.domain.sessions.window import Window
from flowpilot_core.ports.kernel import Entry

T = TypeVar("T")

LARGEST_PAGE = 200
PAGE = 50

Instant = Annotated[datetime, Meta(tz=True)]
"""A time, sent in UTC with `Z`."""

Line = Annotated[str, Meta(extra_json_schema={"minLength": 1, "maxLength": TITLE})]
"""A title, name or label; the core holds it to its bounds."""
Text = Annotated[str, Meta(extra_json_schema={"minLength": 1, "maxLength": PROSE})]
"""Prose; the core holds it to its bounds."""
MaybeLine = Annotated[str, Meta(extra_json_schema={"maxLength": TITLE})]
"""As `Line`, and may be empty."""
MaybeText = Annotated[str, Meta(extra_json_schema={"maxLength": PROSE})]
"""As `Text`, and may be empty."""

SOUGHT: Final = "Words, a phrase in quotes, and words that are left out, of its name or description: as in search, and pieces of words too."


class Closed(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """A request, or a part of one."""


class Nothing(Closed, kw_only=True, frozen=True):
    """A request that says all in its address: the body is empty, or `{}`."""


class Page(Closed, kw_only=True, frozen=True):
    """Which part of a list."""

    limit: Annotated[int, Meta(ge=1, le=LARGEST_PAGE, description="How many items at most.")] = PAGE
    cursor: Annotated[str | None, Meta(description="`next_cursor` of the page before.")] = None


class Listed(msgspec.Struct, Generic[T], kw_only=True, frozen=True):
    """A page of a list."""

    items: list[T]
    next_cursor: Annotated[str | None, Meta(description="Where to go on; null at the end.")]


class PersonOut(msgspec.Struct, frozen=True):
    """Somebody of the account."""

    id: UUID
    name: str


By = PersonOut | Literal["system"]


def person(user_id: UserId, names: Mapping[UserId, str]) -> PersonOut:
    """Somebody on record, by the name they go by."""
    return PersonOut(user_id, names[user_id])


class TicketOut(msgspec.Struct, kw_only=True, frozen=True):
    """The PSA ticket a session works on."""

    system: str
    id: str

    @classmethod
    def of(cls, ticket: Ticket | None) -> "TicketOut | None":
        """As clients read it."""
        return None if ticket is None else cls(system=ticket.system, id=ticket.id)


def assignee(wanted: str | None, me: UserId) -> UserId | None:
    """Whose things are asked for: `me`, or somebody by id. Raises `InvalidValue`."""
    if wanted is None:
        return None
    if wanted == "me":
        return me
    try:
        return UserId(UUID(wanted))
    except ValueError:
        raise InvalidValue("assignee", "must be `me` or the id of a user") from None


class TicketNoteOut(msgspec.Struct, kw_only=True, frozen=True):
    """A note on a ticket, as plain text."""

    text: str
    by: str | None
    at: Instant | None
    internal: bool


class TicketFactsOut(msgspec.Struct, kw_only=True, frozen=True):
    """What a ticket said in its PSA when it was read."""

    title: str
    status: str | None
    closed: bool
    client_name: str | None
    contact_name: str | None
    priority: Annotated[str | None, Meta(description="In the vendor's own words.")]
    notes: Annotated[list[TicketNoteOut], Meta(description="The most recent ones, newest first.")]
    read_at: Instant


class WindowOut(msgspec.Struct, kw_only=True, frozen=True):
    """A maintenance window in which a client is just now."""

    schedule_id: UUID
    name: str
    until: Instant

    @classmethod
    def of(cls, window: Window | None) -> "WindowOut | None":
        """As clients read it."""
        return None if window is None else cls(schedule_id=window.schedule_id, name=window.name, until=window.until)


class EntryOut(msgspec.Struct, kw_only=True, frozen=True):
    """Something that happened: what, when, by whom, and what is different since."""

    number: Annotated[int, Meta(description="Its place in the account's log: rises, never repeats.")]
    kind: str
    at: Instant
    by: By
    cause: Annotated[str | None, Meta(description="Why, where it was the system.")]
    session_id: UUID
    handoff_id: UUID | None
    changed: dict[str, Any]

    @classmethod
    def of(cls, entry: Entry) -> "EntryOut":
        """As a timeline shows it."""
        event = entry.logged.event
        return cls(
            number=entry.logged.number,
            kind=event.kind,
            at=event.at,
            by="system" if event.by is None else PersonOut(event.by, entry.name or ""),
            cause=event.cause,
            session_id=event.session_id,
            handoff_id=event.handoff_id,
            changed=dict(event.changed),
        )
