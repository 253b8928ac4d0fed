"""The audit log as clients read it."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from flowpilot_core.ports.access import Audited
from flowpilot_http.schemas.kernel import By, Instant, PersonOut


class WayInOut(msgspec.Struct, kw_only=True, frozen=True):
    """By what somebody was signed in."""

    way: Annotated[str, Meta(description="`token`, `provider`, `code`, `link` or `invitation`.")]
    id: Annotated[UUID | None, Meta(description="The API token's or identity provider's; null for ways that are used up on coming in.")]


class AuditEntryOut(msgspec.Struct, kw_only=True, frozen=True):
    """Something that was done to the account, and by whom."""

    number: Annotated[int, Meta(description="Its place in the account's audit log, from 1, without gaps.")]
    kind: str
    at: Instant
    by: By
    way_in: Annotated[
        WayInOut | None, Meta(description="By what its doer was signed in; null where it was nobody signed in, and in old entries.")
    ]
    cause: Annotated[str | None, Meta(description="Where it was nobody signed in: `command line` for the operator.")]
    thing_id: Annotated[UUID | None, Meta(description="The person, team, webhook or connection; null for the account itself.")]
    changed: dict[str, Any]
    request_id: Annotated[str | None, Meta(description="The `X-Request-Id` it came with.")]
    digest: Annotated[
        str, Meta(description="SHA-256 over the entry and the digest before it: keep it, and no entry up to it can be changed unseen.")
    ]

    @classmethod
    def of(cls, audited: Audited) -> "AuditEntryOut":
        """As clients read it."""
        entry, deed = audited.entry, audited.entry.deed
        return cls(
            number=entry.number,
            kind=deed.kind,
            at=deed.at,
            by="system" if deed.by is None else PersonOut(deed.by, audited.name or ""),
            way_in=None if deed.way_in is None else WayInOut(way=deed.way_in.way, id=deed.way_in.id),
            cause=deed.cause,
            thing_id=deed.thing_id,
            changed=dict(deed.changed),
            request_id=deed.request_id,
            digest=entry.digest,
        )
