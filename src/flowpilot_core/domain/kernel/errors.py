"""What can be refused, as exceptions that carry the facts of the refusal.

Nothing here knows of HTTP or SQL: an edge translates these, by class, into its own words.
"""

from datetime import datetime
from enum import StrEnum

from attrs import define

from .identifiers import HandoffId, SessionId, UserId


class FlowPilotError(Exception):
    """Anything that FlowPilot refuses or cannot do; catch it to catch them all."""


@define
class NotFound(FlowPilotError):
    """It does not exist, is another account's, or is private to somebody else: nobody can tell which."""

    thing: str

    def __str__(self) -> str:
        return f"there is no such {self.thing}"


@define
class InvalidValue(FlowPilotError):
    """A value that no rule allows, at the field it was given for (`steps.0.content` in nested ones)."""

    field: str
    problem: str

    def __str__(self) -> str:
        return f"{self.field}: {self.problem}"


@define
class InvalidValues(FlowPilotError):
    """Several values that no rule allows, each at its field."""

    problems: tuple[InvalidValue, ...]

    def __str__(self) -> str:
        return "; ".join(map(str, self.problems))


class NotVouchedFor(FlowPilotError):
    """Nothing shows that a PSA sent what came in at its address."""

    def __str__(self) -> str:
        return "nothing shows that the PSA sent it"


class Unauthenticated(FlowPilotError):
    """Nobody, or nobody who is active here, stands behind the request."""

    def __str__(self) -> str:
        return "that token belongs to nobody who is active here"


@define
class RoleForbidden(FlowPilotError):
    """The actor's role may never do this."""

    role: str
    permission: str

    def __str__(self) -> str:
        return f"{self.role} may not {self.permission}"


@define
class ScopeForbidden(FlowPilotError):
    """The token that the actor signed in with is not good for this."""

    scope: str
    permission: str

    def __str__(self) -> str:
        return f"a token of scope {self.scope} may not {self.permission}"


@define
class NotAssignee(FlowPilotError):
    """It is somebody else's: the role would do, but the move belongs to another person."""

    session_id: SessionId

    def __str__(self) -> str:
        return "the session is assigned to somebody else"


@define
class LastAccountOwner(FlowPilotError):
    """Nobody else would own the account."""

    user_id: UserId

    def __str__(self) -> str:
        return "this is the only account owner: make somebody else an owner first"


@define
class OwnHandoff(FlowPilotError):
    """Who escalated a session cannot claim it back; withdrawing is the move for that."""

    handoff_id: HandoffId

    def __str__(self) -> str:
        return "you escalated this yourself: withdraw it to go on"


@define
class AlreadyClaimed(FlowPilotError):
    """Somebody was first."""

    handoff_id: HandoffId
    by: UserId
    at: datetime
    name: str | None = None
    """What the winner is called, where whoever answers knew it."""

    def __str__(self) -> str:
        return f"already claimed by {self.name or 'a colleague'}"


@define
class SessionFull(FlowPilotError):
    """The session holds as much as one may; it can still be handed off and resolved."""

    session_id: SessionId
    bound: str
    """What there would be too much of: `steps`, `branches`, `levels` or `bytes`."""
    most: int

    def __str__(self) -> str:
        return f"a session has at most {self.most} {self.bound}"


@define
class DraftTaken(FlowPilotError):
    """Somebody else began a draft of it; whoever may publish it may take the draft over."""

    thing: str
    by: UserId | None
    """None: the system."""
    name: str | None = None
    """What they are called, where whoever answers knew it."""

    def __str__(self) -> str:
        return f"{self.name or 'somebody else'} has begun a draft of this {self.thing}"


@define
class WalkMovedOn(FlowPilotError):
    """Another node of the tree waits than the one that was answered, or none."""

    node_id: str | None
    """The one that waits."""

    def __str__(self) -> str:
        return f"the walk is at {self.node_id}" if self.node_id else "no node of the tree waits here"


class CategoryInUse(FlowPilotError):
    """Trees, script templates or other categories are in it: say where they are to go."""

    def __str__(self) -> str:
        return "something is in this category"


@define
class TooManyGroups(FlowPilotError):
    """An answer would have more groups than one may."""

    most: int

    def __str__(self) -> str:
        return f"the answer would have more than {self.most} groups"


@define
class InvalidPicture(FlowPilotError):
    """What was sent is no picture that is kept here."""

    problem: str

    def __str__(self) -> str:
        return f"this picture cannot be kept: {self.problem}"


@define
class LowContrast(FlowPilotError):
    """A colour that cannot be told from what it would stand on."""

    colour: str
    scheme: str
    """Of the page: light or dark."""
    contrast: float
    least: float

    def __str__(self) -> str:
        return f"{self.colour} has a contrast of {self.contrast} to 1 on a {self.scheme} page, and needs {self.least:g} to 1"


@define
class PictureLimit(FlowPilotError):
    """The session has as many pictures as one may."""

    session_id: SessionId
    most: int

    def __str__(self) -> str:
        return f"a session has at most {self.most} pictures"


@define
class InvalidTransition(FlowPilotError):
    """The state it is in does not allow the move."""

    thing: str
    state: str
    move: str

    def __str__(self) -> str:
        return f"a {self.thing} that is {self.state} does not allow: {self.move}"


@define
class VersionConflict(FlowPilotError):
    """The caller acted on a version that is no longer the current one."""

    thing: str
    expected: int
    actual: int

    def __str__(self) -> str:
        return f"the {self.thing} is at version {self.actual}, not {self.expected}: read it again"


@define
class SnapshotDamaged(FlowPilotError):
    """The stored bytes of a snapshot no longer have the digest they were frozen under."""

    handoff_id: HandoffId

    def __str__(self) -> str:
        return "the snapshot does not match its digest"


@define
class ConnectionExists(FlowPilotError):
    """The account has a connection to this PSA already; there is one for each system."""

    system: str

    def __str__(self) -> str:
        return f"{self.system} is already connected"


@define
class PsaRefused(FlowPilotError):
    """A PSA answers, but not to us: trying again is useless until somebody mends the connection. `trouble` is one word for what it is."""

    system: str
    trouble: str

    def __str__(self) -> str:
        return f"{self.system} refuses: {self.trouble}"


@define
class SecretUnreadable(FlowPilotError):
    """A stored secret does not open here: it was sealed for something else, or by a key that is not known any more."""

    purpose: str

    def __str__(self) -> str:
        return f"a stored secret ({self.purpose}) cannot be opened with the keys that are known here"


class KeyReused(FlowPilotError):
    """An idempotency key came again with another request."""

    def __str__(self) -> str:
        return "the idempotency key was used for another request"


class KeyInProgress(FlowPilotError):
    """The first request with this idempotency key has not ended yet."""

    def __str__(self) -> str:
        return "a request with this idempotency key is still running"


class Stale(FlowPilotError):
    """Somebody else saved it between our load and our save; the whole unit of work may be tried again."""

    def __str__(self) -> str:
        return "it was changed in the meantime"


@define
class Unavailable(FlowPilotError):
    """Something outside is down or overloaded; nothing was changed. `retry_after` in seconds."""

    what: str
    retry_after: int = 1

    def __str__(self) -> str:
        return f"the {self.what} is not available"


@define
class OutcomeUnknown(FlowPilotError):
    """The commit was sent and its answer lost: it may or may not have happened. Repeating with the same key settles it."""

    retry_after: int = 1

    def __str__(self) -> str:
        return "it is not known whether this was done: repeat it with the same Idempotency-Key"


@define
class TooManyAttempts(FlowPilotError):
    """Too many sign-ins failed from this address or at this account, and this one did too. `retry_after` in seconds."""

    retry_after: int = 1

    def __str__(self) -> str:
        return "too many sign-ins failed"


@define
class TooManyLooks(FlowPilotError):
    """Somebody who is not signed in asks more often than an address may. `retry_after` in seconds."""

    retry_after: int = 1

    def __str__(self) -> str:
        return "too many requests from one address"


class StreamsOf(StrEnum):
    """Whose streams of news are counted."""

    PERSON = "person"
    ACCOUNT = "account"
    PROCESS = "process"


@define
class TooManyStreams(FlowPilotError):
    """As many streams of news are open as there may be, of one person, of one account or of all together."""

    whose: StreamsOf
    most: int

    def __str__(self) -> str:
        return f"{self.most} streams of news are open, as many as a {self.whose} may have"
