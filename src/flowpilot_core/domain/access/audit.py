"""The audit log: who did what to the account itself, each entry holding on to the one before it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from attrs import evolve, field, frozen

from flowpilot_core.domain.kernel.actor import Actor, System, WayIn, acts
from flowpilot_core.domain.kernel.canonical_json import canonical, digest, instant
from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.identifiers import AccountId, UserId


class DeedKind(StrEnum):
    """What can be done to an account: to its people, to what it keeps secret, and to how it works."""

    ACCOUNT_CHANGED = "account.changed"
    ACCOUNT_CLOSED = "account.closed"
    ACCOUNT_REOPENED = "account.reopened"
    BRANDING_CHANGED = "branding.changed"
    USER_ADDED = "user.added"
    USER_INVITED = "user.invited"
    USER_JOINED = "user.joined"
    USER_CHANGED = "user.changed"
    USER_DEACTIVATED = "user.deactivated"
    USER_REACTIVATED = "user.reactivated"
    TEAM_ADDED = "team.added"
    TEAM_CHANGED = "team.changed"
    TOKEN_MADE = "token.made"  # noqa: S105  (the name of a kind)
    TOKEN_REVOKED = "token.revoked"  # noqa: S105  (the name of a kind)
    SIGN_IN_LINK_MADE = "sign_in_link.made"
    SECRETS_RESEALED = "secrets.resealed"
    PROVIDER_ADDED = "identity_provider.added"
    PROVIDER_CHANGED = "identity_provider.changed"
    PROVIDER_REMOVED = "identity_provider.removed"
    POLICY_SET = "escalation_policy.set"
    WEBHOOK_ADDED = "webhook.added"
    WEBHOOK_CHANGED = "webhook.changed"
    WEBHOOK_SECRET_RENEWED = "webhook.secret_renewed"  # noqa: S105  (the name of a kind)
    WEBHOOK_REMOVED = "webhook.removed"
    PSA_CONNECTED = "psa_connection.added"
    PSA_CHANGED = "psa_connection.changed"
    PSA_REMOVED = "psa_connection.removed"
    PSA_WEBHOOK_RENEWED = "psa_webhook.renewed"
    PSA_WEBHOOK_REMOVED = "psa_webhook.removed"
    TREE_PUBLISHED = "tree.published"
    TREE_ARCHIVED = "tree.archived"
    TREE_RESTORED = "tree.restored"
    CATEGORY_ADDED = "tree_category.added"
    CATEGORY_CHANGED = "tree_category.changed"
    CATEGORY_REMOVED = "tree_category.removed"
    GALLERY_CHANGED = "gallery.changed"
    MAINTENANCE_ADDED = "maintenance_schedule.added"
    MAINTENANCE_CHANGED = "maintenance_schedule.changed"
    MAINTENANCE_REMOVED = "maintenance_schedule.removed"
    MAINTENANCE_STARTED = "maintenance_schedule.started"
    MAINTENANCE_CALENDAR_RENEWED = "maintenance_calendar.renewed"


def operator(account_id: AccountId) -> System:
    """Who gives a command where the program runs, and is nobody of the account."""
    return System(account_id=account_id, cause="command line")


@frozen(kw_only=True)
class Deed:
    """Something that was done. No secret and nobody's address is ever part of it."""

    kind: DeedKind
    at: datetime
    by: UserId | None
    """None: the operator or the system, as `cause` says."""
    way_in: WayIn | None = None
    """By what that person was signed in; None for nobody's deeds, and for those from before this was kept."""
    cause: str | None = None
    thing_id: UUID | None = None
    """The person, team, webhook … that it was done to; None for the account itself."""
    changed: Mapping[str, Plain] = field(factory=dict)
    """What is different since, ids as text."""
    request_id: str | None = None

    @classmethod
    def of(
        cls,
        kind: DeedKind,
        *,
        by: Actor,
        at: datetime,
        thing_id: UUID | None = None,
        changed: Mapping[str, Plain] | None = None,
        request_id: str | None = None,
    ) -> "Deed":
        """What `by` did."""
        cause, way_in = (by.cause, None) if isinstance(by, System) else (None, by.way_in)
        return cls(
            kind=kind, at=at, by=acts(by), way_in=way_in, cause=cause, thing_id=thing_id, changed=changed or {}, request_id=request_id
        )


@frozen(kw_only=True)
class AuditHead:
    """The last entry of an account's log: whoever keeps this elsewhere can tell later whether everything up to it still stands."""

    number: int = 0
    digest: str = ""

    def entry(self, account_id: AccountId, deed: Deed) -> "AuditEntry":
        """The entry that comes next."""
        entry = AuditEntry(number=self.number + 1, deed=deed, previous=self.digest, digest="")
        return evolve(entry, digest=entry.computed(account_id))


@frozen(kw_only=True)
class AuditEntry:
    """A deed with its place in the account's log. Numbers have no gaps."""

    number: int
    deed: Deed
    previous: str
    """The digest of the entry before; empty for the first."""
    digest: str

    @property
    def head(self) -> AuditHead:
        """The log's end, where this is the last entry."""
        return AuditHead(number=self.number, digest=self.digest)

    def computed(self, account_id: AccountId) -> str:
        """The digest that the entry must have: over everything it says, whose it is, and the digest before it."""
        deed = self.deed
        said: dict[str, Plain] = {
            "account_id": str(account_id),
            "number": self.number,
            "kind": deed.kind,
            "at": instant(deed.at),
            "by": _text(deed.by),
            "cause": deed.cause,
            "thing_id": _text(deed.thing_id),
            "changed": dict(deed.changed),
            "request_id": deed.request_id,
            "previous": self.previous,
        }
        if deed.way_in is not None:
            # Left out where there is none, so that entries from before this was kept have the digest that they had.
            said["way_in"] = {"way": deed.way_in.way, "id": _text(deed.way_in.id)}
        return digest(canonical(said))


def _text(id: UUID | None) -> str | None:
    return None if id is None else str(id)


def unbroken(account_id: AccountId, head: AuditHead, entries: Sequence[AuditEntry]) -> AuditHead:
    """What must come before `entries`, which are the last ones of a log that ends with `head`, the newest first.

    Raises `AuditBroken`, with the number from which on nothing earlier can be believed.
    """
    for entry in entries:
        if entry.head != head or entry.computed(account_id) != entry.digest:
            raise AuditBroken(head.number)
        head = AuditHead(number=entry.number - 1, digest=entry.previous)
    return head


class AuditBroken(Exception):
    """The log was changed behind the application's back: the entry with this number is gone or says something else."""

    def __init__(self, number: int) -> None:
        super().__init__(f"entry {number} of the audit log is gone, or is not what was written")
        self.number = number
