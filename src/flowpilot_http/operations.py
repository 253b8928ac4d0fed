"""What each route is, for whoever reads about it: kept beside the route, shown in the OpenAPI document."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from attrs import evolve, field, frozen
from litestar import delete, get, patch, post, put
from litestar.handlers import HTTPRouteHandler

from flowpilot_http.negotiation import PAGE
from flowpilot_http.schemas.kernel import Nothing

F = Callable[[Callable[..., Any]], HTTPRouteHandler]

ALWAYS: Final = ("unauthenticated", "rate_limited", "unavailable", "internal")
IN_PATH: Final = ("not_found",)
READ: Final = ("malformed", "unknown_field", "validation_failed")
FORBIDDEN: Final = ("role_forbidden", "scope_forbidden")
ASKED: Final = (*READ, "unsupported_media_type", "body_too_large", "csrf_failed", *FORBIDDEN)
CHANGED: Final = (
    *ASKED,
    "version_conflict",
    "idempotency_key_reused",
    "idempotency_in_progress",
    "outcome_unknown",
)


@frozen(kw_only=True)
class Operation:
    """One route: what it takes, what it gives, and every code it may refuse with."""

    tag: str
    answer: Any
    status: int = 200
    body: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] | None = None
    problems: tuple[str, ...] = ()
    changes: bool = True
    """Whether a body changes anything, so that it may come with a version and a key."""
    etag: bool = False
    writes: tuple[str, ...] = ("application/json",)
    """The media types of its answer."""
    open: bool = False
    """Whether nobody signs in for it."""
    documents: tuple[str, ...] = ()
    """The media types in which the answer is a text, or can be had as one; with `bytes` a file."""
    reads: tuple[str, ...] = ("application/json",)
    """The media types of its body."""
    files: tuple[str, ...] = ()
    """The media types of a body that is a file."""
    also: Mapping[int, Any] = field(factory=dict)
    """Other answers that are no problems, by status."""

    @property
    def takes_body(self) -> bool:
        """Whether something is sent to it."""
        return self.body is not None or bool(self.files)


class Part:
    """Makes the routes of one part of the contract."""

    def __init__(self, tag: str) -> None:
        self._tag = tag

    def reads(
        self,
        path: str,
        answer: Any,
        *,
        query: type[msgspec.Struct] | None = None,
        problems: tuple[str, ...] = (),
        etag: bool = False,
        page: str | None = None,
        also: str | None = None,
        documents: tuple[str, ...] = (),
    ) -> F:
        """A GET that shows something, or a page of things where `query` has a cursor.

        `page` is where people read it: a browser that opens the address is led there. `also` is another media type than JSON that says
        the same, `documents` are those in which it can be had as a text.
        """
        codes = (*ALWAYS, *_of_path(path), *READ, *problems)
        there = {} if page is None else {303: None}
        operation = Operation(tag=self._tag, answer=answer, query=query, problems=codes, etag=etag, also=there, documents=documents)
        return get(path, opt={"operation": operation if also is None else evolve(operation, writes=(*operation.writes, also)), PAGE: page})

    def shows(self, path: str, answer: Any, *, query: type[msgspec.Struct], problems: tuple[str, ...] = ()) -> F:
        """A GET of what is everybody's, where this installation shows anything to who is not signed in."""
        codes = ("rate_limited", "unavailable", "internal", *IN_PATH, *READ, *problems)
        return get(path, opt={"operation": Operation(tag=self._tag, answer=answer, query=query, open=True, problems=codes)})

    def exports(self, path: str, *kinds: str, query: type[msgspec.Struct]) -> F:
        """A GET of a document of one of these media types."""
        codes = (*ALWAYS, *_of_path(path), *READ)
        return get(path, opt={"operation": Operation(tag=self._tag, answer=str, query=query, problems=codes, documents=kinds)})

    def files(self, path: str, *kinds: str, query: type[msgspec.Struct], problems: tuple[str, ...] = ()) -> F:
        """A GET of a file of one of these media types."""
        codes = (*ALWAYS, *_of_path(path), *READ, *problems)
        return get(path, opt={"operation": Operation(tag=self._tag, answer=bytes, query=query, problems=codes, documents=kinds)})

    def publishes(self, path: str, kind: str, *, query: type[msgspec.Struct]) -> F:
        """A GET of a document of that media type for whoever has its address, which says all that is asked of them."""
        codes = ("unavailable", "internal", *IN_PATH, *READ)
        return get(path, opt={"operation": Operation(tag=self._tag, answer=str, query=query, problems=codes, documents=(kind,), open=True)})

    def streams(self, path: str, answer: Any, *, query: type[msgspec.Struct], problems: tuple[str, ...] = ()) -> F:
        """A GET that goes on: server-sent events, each with `answer` as its data."""
        codes = (*ALWAYS, *READ, *problems)
        operation = Operation(tag=self._tag, answer=answer, query=query, problems=codes, writes=("text/event-stream",))
        return get(path, opt={"operation": operation})

    def makes(self, path: str, answer: Any, *, body: type[msgspec.Struct], problems: tuple[str, ...] = (), also: str | None = None) -> F:
        """A POST that makes something, from JSON or from `also`, another media type."""
        operation = self._change(path, answer, 201, body, problems)
        return post(
            path, status_code=201, opt={"operation": operation if also is None else evolve(operation, reads=(*operation.reads, also))}
        )

    def takes_file(self, path: str, answer: Any, *kinds: str, most: int, query: type[msgspec.Struct], problems: tuple[str, ...] = ()) -> F:
        """A POST of a file of one of these media types, of up to `most` bytes."""
        operation = evolve(self._change(path, answer, 201, None, problems), query=query, files=kinds)
        return post(path, status_code=201, request_max_body_size=most, opt={"operation": operation})

    def sets_file(self, path: str, answer: Any, *kinds: str, most: int, problems: tuple[str, ...] = ()) -> F:
        """A PUT of a file of one of these media types, of up to `most` bytes, in place of what was there."""
        return put(
            path, request_max_body_size=most, opt={"operation": evolve(self._change(path, answer, 200, None, problems), files=kinds)}
        )

    def moves(self, path: str, answer: Any, *, body: type[msgspec.Struct], problems: tuple[str, ...] = ()) -> F:
        """A POST that moves what its path names on."""
        return post(path, status_code=200, opt={"operation": self._change(path, answer, 200, body, problems)})

    def asks(self, path: str, answer: Any, *, body: type[msgspec.Struct], problems: tuple[str, ...] = ()) -> F:
        """A POST that has something found out, and changes nothing."""
        codes = (*ALWAYS, *_of_path(path), *ASKED, *problems)
        return post(
            path,
            status_code=200,
            opt={"operation": Operation(tag=self._tag, answer=answer, body=body, problems=codes, changes=False)},
        )

    def mends(self, path: str, answer: Any, *, body: type[msgspec.Struct], problems: tuple[str, ...] = ()) -> F:
        """A PATCH of what its path names."""
        return patch(path, opt={"operation": self._change(path, answer, 200, body, problems)})

    def sets(
        self,
        path: str,
        answer: Any,
        *,
        body: type[msgspec.Struct],
        query: type[msgspec.Struct] | None = None,
        problems: tuple[str, ...] = (),
    ) -> F:
        """A PUT of something whole, in place of what was there."""
        return put(path, opt={"operation": evolve(self._change(path, answer, 200, body, problems), query=query)})

    def drops(self, path: str, *, query: type[msgspec.Struct] | None = None, problems: tuple[str, ...] = ()) -> F:
        """A DELETE of what its path names; nothing is left to show."""
        # What the framework is told is not what is sent: for a 204 it wants a handler that gives nothing back.
        return delete(path, status_code=200, opt={"operation": evolve(self._change(path, None, 204, Nothing, problems), query=query)})

    def hears(self, path: str) -> F:
        """A POST by another system, vouched for by what it brings; nothing is told in return."""
        codes = ("unauthenticated", "unavailable", "internal", *IN_PATH, "body_too_large", "secret_unreadable")
        # As for a DELETE, the framework is told of an answer that may have a body.
        return post(path, status_code=200, opt={"operation": Operation(tag=self._tag, answer=None, status=204, open=True, problems=codes)})

    def _change(self, path: str, answer: Any, status: int, body: type[msgspec.Struct] | None, problems: tuple[str, ...]) -> Operation:
        codes = (*ALWAYS, *_of_path(path), *CHANGED, *problems)
        return Operation(tag=self._tag, answer=answer, status=status, body=body, problems=codes)


def _of_path(path: str) -> tuple[str, ...]:
    return IN_PATH if "{" in path else ()
