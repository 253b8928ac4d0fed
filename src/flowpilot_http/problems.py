"""Every refusal as a problem of RFC 9457: the one table from errors to status, code and what else a client may read."""

import traceback
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, TypeVar

import structlog
from attrs import field, frozen
from litestar.connection import Request
from litestar.exceptions import ClientException, InternalServerException, MethodNotAllowedException, NotFoundException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.response import Response
from litestar.types import ASGIApp

from flowpilot_core.domain.kernel import errors
from flowpilot_core.domain.kernel.rate_limit import OPEN_FROM_ADDRESS
from flowpilot_core.domain.knowledge.script_template import InvalidScript
from flowpilot_core.domain.knowledge.tree import InvalidTree

from .responses import PROBLEM, Body, Header, encode

log = structlog.get_logger()


@frozen
class At:
    """One value that is wrong: where it is, as a JSON pointer into body or query, and what is wrong with it."""

    pointer: str
    detail: str
    more: Mapping[str, Any] = field(factory=dict)
    """What else a client may read of it."""


@frozen(kw_only=True)
class Problem:
    """A refusal as clients read it; `more` are members beside those of RFC 9457."""

    status: int
    code: str
    title: str
    detail: str
    errors: tuple[At, ...] = ()
    more: Mapping[str, Any] = field(factory=dict)
    headers: tuple[Header, ...] = ()

    def body(self) -> Body:
        """The answer that says so."""
        members: dict[str, Any] = {
            "type": f"urn:flowpilot:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            **self.more,
        }
        if self.errors:
            members["errors"] = [{"pointer": at.pointer, "detail": at.detail, **at.more} for at in self.errors]
        return Body(encode(members), status=self.status, media_type=PROBLEM, headers=self.headers)


class Refused(Exception):
    """The request itself is no good: found at this edge, before any use case ran."""

    def __init__(self, code: str, detail: str, *where: At) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.where = where


TITLES: Final[Mapping[str, tuple[int, str]]] = {
    "unauthenticated": (401, "Sign in first"),
    "not_found": (404, "Not found"),
    "malformed": (400, "The request cannot be read"),
    "unknown_field": (400, "The request has an unknown field"),
    "invalid_cursor": (400, "The cursor does not belong to this list"),
    "validation_failed": (422, "A value is not allowed"),
    "role_forbidden": (403, "Your role does not allow this"),
    "scope_forbidden": (403, "Your token does not allow this"),
    "csrf_failed": (403, "This form did not come from FlowPilot"),
    "not_assignee": (403, "This is not yours to do"),
    "own_handoff": (409, "You escalated this yourself"),
    "already_claimed": (409, "Somebody else was faster"),
    "connection_exists": (409, "This PSA is already connected"),
    "session_full": (409, "The session is full"),
    "draft_taken": (409, "Somebody else is editing this"),
    "walk_moved_on": (409, "The walk is somewhere else"),
    "category_in_use": (409, "Something is in this category"),
    "too_many_groups": (422, "The answer has too many groups"),
    "picture_limit": (409, "The session has all the pictures it may have"),
    "last_account_owner": (409, "An account needs an owner"),
    "invalid_transition": (409, "Not possible in its current state"),
    "invalid_tree": (422, "The tree has problems"),
    "invalid_script": (422, "The script has problems"),
    "version_conflict": (412, "It has changed since you read it"),
    "idempotency_key_reused": (422, "This idempotency key was used for a different request"),
    "idempotency_in_progress": (409, "The first request with this key is still running"),
    "invalid_picture": (422, "This picture cannot be kept"),
    "contrast": (422, "The colour is hard to see"),
    "body_too_large": (413, "The body is too large"),
    "head_too_large": (431, "The head of the request is too large"),
    "unsupported_media_type": (415, "The body is of another kind than is taken here"),
    "method_not_allowed": (405, "This address does not support that method"),
    "rate_limited": (429, "Too many requests"),
    "psa_refused": (502, "The PSA refused access"),
    "unavailable": (503, "Temporarily unavailable"),
    "outcome_unknown": (503, "It is unclear whether this was done"),
    "snapshot_damaged": (500, "The stored snapshot is damaged"),
    "secret_unreadable": (500, "A stored secret cannot be opened"),
    "internal": (500, "Something went wrong on our side"),
}
"""Every code there is, with its status and what people read first."""

MOVES: Final[Mapping[str, str]] = {
    "work": "work on it",
    "solved": "close it as solved",
    "dead_end": "close it as a dead end",
    "abandoned": "close it as abandoned",
    "give_back": "give it back",
    "document": "write it up",
}
"""What a move is to people, where its name with "it" does not say so."""

WORKED_ON: Final = ("handoff", "claimed", "unclaim")
"""Its state would allow this; what was added since does not."""

_E = TypeVar("_E", bound=Exception)
_TABLE: dict[type[Exception], Callable[[Any], Problem]] = {}


def _for(kind: type[_E]) -> Callable[[Callable[[_E], Problem]], Callable[[_E], Problem]]:
    def register(translate: Callable[[_E], Problem]) -> Callable[[_E], Problem]:
        _TABLE[kind] = translate
        return translate

    return register


def _problem(code: str, detail: str, *where: At, headers: tuple[Header, ...] = (), **more: Any) -> Problem:
    status, title = TITLES[code]
    return Problem(status=status, code=code, title=title, detail=detail, errors=where, more=more, headers=headers)


def pointer(name: str) -> str:
    """A field as the core names it, as a JSON pointer."""
    return "/" + name.replace(".", "/")


def _retry_after(seconds: int) -> tuple[Header, ...]:
    return ((b"retry-after", b"%d" % seconds),)


@_for(Refused)
def _refused(exc: Refused) -> Problem:
    return _problem(exc.code, exc.detail, *exc.where)


@_for(errors.Unauthenticated)
def _unauthenticated(exc: errors.Unauthenticated) -> Problem:
    detail = "Send `Authorization: Bearer` with a token of an active user."
    return _problem("unauthenticated", detail, headers=((b"www-authenticate", b'Bearer realm="FlowPilot"'),))


@_for(errors.NotVouchedFor)
def _not_vouched_for(exc: errors.NotVouchedFor) -> Problem:
    return _problem("unauthenticated", "Send it as the PSA does: signed, or with the secret that came with this address.")


@_for(errors.NotFound)
def _not_found(exc: errors.NotFound) -> Problem:
    return _problem("not_found", f"We could not find that {exc.thing}.")


@_for(errors.InvalidValue)
def _invalid_value(exc: errors.InvalidValue) -> Problem:
    return _problem("validation_failed", f"{exc.field} {exc.problem}.", At(pointer(exc.field), exc.problem))


@_for(errors.InvalidValues)
def _invalid_values(exc: errors.InvalidValues) -> Problem:
    detail = " ".join(f"{one.field} {one.problem}." for one in exc.problems)
    return _problem("validation_failed", detail, *(At(pointer(one.field), one.problem) for one in exc.problems))


@_for(errors.ScopeForbidden)
def _scope_forbidden(exc: errors.ScopeForbidden) -> Problem:
    return _problem("scope_forbidden", f"A token with the scope {exc.scope} may not {exc.permission}. Make one with a wider scope.")


@_for(errors.RoleForbidden)
def _role_forbidden(exc: errors.RoleForbidden) -> Problem:
    return _problem("role_forbidden", f"As {exc.role} you may not {exc.permission}.")


@_for(errors.NotAssignee)
def _not_assignee(exc: errors.NotAssignee) -> Problem:
    return _problem("not_assignee", "Your role allows this, but only the person who has it can do it.")


@_for(errors.OwnHandoff)
def _own_handoff(exc: errors.OwnHandoff) -> Problem:
    return _problem("own_handoff", "You escalated this yourself. Withdraw it to carry on.")


@_for(errors.AlreadyClaimed)
def _already_claimed(exc: errors.AlreadyClaimed) -> Problem:
    claimed_by = {"id": exc.by, "name": exc.name}
    return _problem("already_claimed", f"{exc.name or 'A colleague'} already has it.", claimed_by=claimed_by, claimed_at=exc.at)


@_for(errors.SessionFull)
def _session_full(exc: errors.SessionFull) -> Problem:
    detail = f"A session has at most {exc.most} {exc.bound}. Hand it off, resolve it, or go on in a new session."
    return _problem("session_full", detail, bound=exc.bound, most=exc.most)


@_for(errors.TooManyGroups)
def _too_many_groups(exc: errors.TooManyGroups) -> Problem:
    return _problem("too_many_groups", f"An answer has at most {exc.most} groups. Ask for fewer days, or group by something coarser.")


@_for(errors.InvalidPicture)
def _invalid_picture(exc: errors.InvalidPicture) -> Problem:
    return _problem("invalid_picture", f"This picture cannot be kept: {exc.problem}.", At("", exc.problem))


@_for(errors.LowContrast)
def _low_contrast(exc: errors.LowContrast) -> Problem:
    needs = f"has a contrast of {exc.contrast:g} to 1 on a {exc.scheme} page, and needs {exc.least:g} to 1"
    what = "lighter" if exc.scheme == "dark" else "darker"
    return _problem("contrast", f"{exc.colour} {needs}. Choose a {what} one.", At("/colour", needs), contrast=exc.contrast)


@_for(errors.PictureLimit)
def _picture_limit(exc: errors.PictureLimit) -> Problem:
    return _problem("picture_limit", f"A session has at most {exc.most} pictures.", most=exc.most)


@_for(errors.ConnectionExists)
def _connection_exists(exc: errors.ConnectionExists) -> Problem:
    return _problem("connection_exists", "An account has one connection to each system. Change or remove the existing one.")


@_for(errors.PsaRefused)
def _psa_refused(exc: errors.PsaRefused) -> Problem:
    reason = exc.trouble.replace("_", " ")
    detail = f"{exc.system} answered, but refused access ({reason}). An account owner or admin can test the connection and fix it."
    return _problem("psa_refused", detail, trouble=exc.trouble)


@_for(errors.LastAccountOwner)
def _last_account_owner(exc: errors.LastAccountOwner) -> Problem:
    return _problem("last_account_owner", "This is the only account owner. Make somebody else an owner first.")


@_for(errors.DraftTaken)
def _draft_taken(exc: errors.DraftTaken) -> Problem:
    by = "system" if exc.by is None else {"id": exc.by, "name": exc.name}
    detail = f"{exc.name or 'A colleague'} has begun a draft of this {exc.thing}. An account owner or admin can take it over."
    return _problem("draft_taken", detail, by=by)


@_for(errors.WalkMovedOn)
def _walk_moved_on(exc: errors.WalkMovedOn) -> Problem:
    return _problem("walk_moved_on", f"Read the walk again: {exc}.", node_id=exc.node_id)


@_for(errors.CategoryInUse)
def _category_in_use(_: errors.CategoryInUse) -> Problem:
    return _problem("category_in_use", "Say with move_to where what is in it goes, or empty it first.")


@_for(InvalidTree)
def _invalid_tree(exc: InvalidTree) -> Problem:
    where = [
        At(pointer(one.field), one.detail, {"code": one.code, **({"node_id": one.node_id} if one.node_id else {})}) for one in exc.problems
    ]
    return _problem("invalid_tree", f"Nothing was published: {exc}.", *where)


@_for(InvalidScript)
def _invalid_script(exc: InvalidScript) -> Problem:
    where = [At(pointer(one.field), one.detail, {"code": one.code}) for one in exc.problems]
    return _problem("invalid_script", f"Nothing was made of it: {exc}.", *where)


@_for(errors.InvalidTransition)
def _invalid_transition(exc: errors.InvalidTransition) -> Problem:
    # RFC 9457 has `status` for the number, so that a session's own goes by `state`, as a handoff's.
    state = exc.state.replace("_", " ")
    detail = f"This {exc.thing} is {state}, so you cannot {MOVES.get(exc.move, f'{exc.move} it')}."
    if (exc.thing, exc.state, exc.move) == WORKED_ON:
        detail = "Work has gone on since you claimed this, so you can no longer give it back."
    return _problem("invalid_transition", detail, state=exc.state, thing=exc.thing)


@_for(errors.VersionConflict)
def _version_conflict(exc: errors.VersionConflict) -> Problem:
    detail = f"The {exc.thing} is at version {exc.actual}, not {exc.expected}; read it again."
    return _problem("version_conflict", detail, version=exc.actual)


@_for(errors.SnapshotDamaged)
def _snapshot_damaged(exc: errors.SnapshotDamaged) -> Problem:
    return _problem("snapshot_damaged", "The stored snapshot does not match the digest it was saved with.")


@_for(errors.SecretUnreadable)
def _secret_unreadable(exc: errors.SecretUnreadable) -> Problem:
    key = "a key that this server does not have. Ask whoever runs FlowPilot to add that key."
    detail = f"What was stored for {exc.purpose} was encrypted with {key}"
    return _problem("secret_unreadable", detail)


@_for(errors.KeyReused)
def _key_reused(exc: errors.KeyReused) -> Problem:
    return _problem(
        "idempotency_key_reused", "Use a new Idempotency-Key for each new request.", At("", "this Idempotency-Key was used before")
    )


@_for(errors.KeyInProgress)
def _key_in_progress(exc: errors.KeyInProgress) -> Problem:
    return _problem("idempotency_in_progress", "Try again in a moment to get its answer.", headers=_retry_after(1))


@_for(errors.TooManyAttempts)
def _too_many_attempts(exc: errors.TooManyAttempts) -> Problem:
    detail = "Too many sign-ins from your address or to this account have failed, and so did this one. Wait a while, then try again."
    return _problem("rate_limited", detail, headers=_retry_after(exc.retry_after))


@_for(errors.TooManyLooks)
def _too_many_looks(exc: errors.TooManyLooks) -> Problem:
    detail = f"{OPEN_FROM_ADDRESS.most} requests a minute are answered for an address. Wait a while, or sign in."
    return _problem("rate_limited", detail, headers=_retry_after(exc.retry_after))


_TOO_MANY_STREAMS: Final[Mapping[errors.StreamsOf, str]] = {
    errors.StreamsOf.PERSON: "You have {most} event streams open, as many as one person may. Close a page or a program that listens.",
    errors.StreamsOf.ACCOUNT: "Your account has {most} event streams open, as many as it may. Close some, or try again later.",
    errors.StreamsOf.PROCESS: "There are as many event streams as this server can have. Try again later.",
}


@_for(errors.TooManyStreams)
def _too_many_streams(exc: errors.TooManyStreams) -> Problem:
    return _problem("rate_limited", _TOO_MANY_STREAMS[exc.whose].format(most=exc.most), headers=_retry_after(5))


@_for(errors.Unavailable)
def _unavailable(exc: errors.Unavailable) -> Problem:
    detail = f"The {exc.what} is not responding. Nothing was changed; please try again."
    return _problem("unavailable", detail, headers=_retry_after(exc.retry_after))


@_for(errors.Stale)
def _stale(exc: errors.Stale) -> Problem:
    return _problem(
        "unavailable", "Others kept changing this at the same time. Nothing was saved; please try again.", headers=_retry_after(1)
    )


@_for(errors.OutcomeUnknown)
def _outcome_unknown(exc: errors.OutcomeUnknown) -> Problem:
    detail = "The database's answer was lost. Repeat the request with the same Idempotency-Key, or check first."
    return _problem("outcome_unknown", detail, headers=_retry_after(exc.retry_after))


@_for(NotFoundException)
def _no_route(exc: NotFoundException) -> Problem:
    return _problem("not_found", "There is nothing at this address.")


@_for(MethodNotAllowedException)
def _method_not_allowed(exc: MethodNotAllowedException) -> Problem:
    allowed = (exc.headers or {}).get("allow", "")
    return _problem("method_not_allowed", f"Use {allowed}.", headers=((b"allow", allowed.encode()),))


@_for(RequestEntityTooLarge)
def _body_too_large(exc: RequestEntityTooLarge) -> Problem:
    return _problem("body_too_large", "A body may be at most 1 MiB, and a picture 4 MiB.")


@_for(ClientException)
def _client(exc: ClientException) -> Problem:
    return _problem("malformed", "The request breaks the rules of HTTP.", At("", "cannot be read as a request"))


@_for(InternalServerException)
def _hung_up(exc: InternalServerException) -> Problem:
    return _problem("malformed", "The request ended before its body did.", At("", "ended too early"))


TOO_LARGE_A_HEAD: Final = _problem("head_too_large", "The request's line and its headers may be 64 KiB at most.")
NO_ROOM: Final = _problem("unavailable", "There are as many connections as there may be. Try again in a moment.", headers=_retry_after(5))


def problem_of(exc: Exception) -> Problem:
    """What to answer when `exc` is raised; for what nobody foresaw, 500 with a line in the log."""
    for kind in type(exc).__mro__:
        if translate := _TABLE.get(kind):
            return translate(exc)
    log.error("request failed", error=type(exc).__qualname__, where=_frames(exc))
    return _problem("internal", "The server's log has the details, under the request's id.")


def _frames(exc: BaseException) -> list[str]:
    """Where it happened, without its message: that may quote what somebody sent."""
    return [f"{frame.filename.rpartition('/src/')[2]}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(exc.__traceback__)]


class Answered(Response[None]):
    """What answers, where Litestar's exception handlers must return a `Response`."""

    def __init__(self, ready: ASGIApp) -> None:
        super().__init__(None)
        self._ready = ready

    def to_asgi_response(self, *args: Any, **kwargs: Any) -> Any:
        """Just that."""
        return self._ready


def answer(_: Request[Any, Any, Any], exc: Exception) -> Response[None]:
    """Litestar's exception handler for everything."""
    return Answered(problem_of(exc).body())


def titled(status: int) -> str:
    """What HTTP calls a status."""
    return HTTPStatus(status).phrase
