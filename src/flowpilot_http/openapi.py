"""The OpenAPI 3.1 document, made once from the routes and what each says of itself."""

import re
from collections.abc import Iterable, Iterator, Mapping
from inspect import cleandoc
from typing import Any, Final

import msgspec
from attrs import frozen
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

import flowpilot_core

from .openapi_examples import EXAMPLES
from .operations import Operation
from .problems import TITLES, titled

Json = dict[str, Any]

DESCRIPTION: Final = """\
A junior is stuck on a ticket; a senior takes over in 30 seconds with everything that was tried.

Sign in with `Authorization: Bearer` and a token of `flowpilot token create`. The token names one person of one account: what belongs to
another account does not exist here. Times are RFC 3339 in UTC, ids are UUIDs, lists are pages with `limit` and `cursor`.

A POST may carry an `Idempotency-Key`: the same request with the same key is done once, and for 24 hours answered the same; an answer of
more than 64 KiB is given again from the thing as it is by then. A head may have 64 KiB (431), a body 1 MiB, a picture 4 MiB (413). A change
may carry `If-Match` with the version it was decided on, which is the ETag of a session or handoff: a stale one is refused.

Refusals are `application/problem+json` (RFC 9457) with a stable `code`.
"""

BROWSER: Final = "Somebody signed in on our pages; a change then needs the header `X-CSRF-Token`, which our pages know."

NO_IDS: Final[Mapping[str, Json]] = {
    **{name: {"type": "string"} for name in ("system", "ticket_id", "token")},
    "number": {"type": "integer", "minimum": 1, "maximum": 999_999_999},
}
"""Names in paths that are no ids of ours, and what they are."""
_REF: Final = "#/components/schemas/{name}"
_FILE: Final[Json] = {"schema": {"type": "string", "format": "binary"}}
_PATH_PARAMETER: Final = re.compile(r"{(\w+):str}")


class WrongOut(msgspec.Struct, kw_only=True, frozen=True):
    """A value that is wrong: where it is, as a JSON pointer into body or query (RFC 6901), and what is wrong with it."""

    pointer: str
    detail: str


class ProblemOut(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A refusal (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[WrongOut] = []


@frozen
class _Route:
    """One method of one path."""

    path: str
    method: str
    name: str
    story: str
    operation: Operation

    @property
    def signed_in(self) -> bool:
        return "unauthenticated" in self.operation.problems and not self.operation.open


def document(routes: Iterable[object]) -> Json:
    """What there is to call at `routes`, for tools and people."""
    described = list(_described(routes))
    types = [ProblemOut, *_types(described)]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    known = dict(zip(map(repr, types), schemas, strict=True))
    paths: dict[str, Json] = {}
    for route in described:
        paths.setdefault(_PATH_PARAMETER.sub(r"{\1}", route.path), {})[route.method.lower()] = _operation(route, known)
    return {
        "openapi": "3.1.0",
        "info": {"title": "FlowPilot", "version": flowpilot_core.__version__, "description": DESCRIPTION, "license": _LICENSE},
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in dict.fromkeys(route.operation.tag for route in described)],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "A token of `flowpilot token create`."},
                "browser": {"type": "apiKey", "in": "cookie", "name": "__Host-flowpilot_sign_in", "description": BROWSER},
            },
        },
    }


_LICENSE: Final = {"name": "Apache-2.0", "identifier": "Apache-2.0"}


def _described(routes: Iterable[object]) -> Iterator[_Route]:
    for route in routes:
        if not isinstance(route, HTTPRoute):
            continue
        # Litestar keeps them in a set; the document is to be the same in every process.
        for handler in sorted(route.route_handlers, key=lambda handler: sorted(handler.http_methods)):
            if operation := handler.opt.get("operation"):
                for method in sorted(handler.http_methods):
                    yield _Route(route.path, str(method), _name(handler), cleandoc(handler.fn.__doc__ or ""), operation)


def _name(handler: HTTPRouteHandler) -> str:
    return str(handler.fn.__name__)


def _types(routes: Iterable[_Route]) -> list[Any]:
    found = [
        kind
        for route in routes
        for kind in (route.operation.answer, route.operation.body, *route.operation.also.values())
        if kind not in (None, str, bytes)
    ]
    return list({repr(kind): kind for kind in found}.values())


def _operation(route: _Route, known: Mapping[str, Json]) -> Json:
    operation = route.operation
    summary, _, rest = route.story.partition("\n\n")
    told: Json = {"tags": [operation.tag], "operationId": route.name, "summary": summary}
    if rest:
        told["description"] = rest
    if route.signed_in:
        told["security"] = [{"token": []}, {"browser": []}]
    if parameters := [*_in_path(route), *_in_query(operation), *_in_headers(operation)]:
        told["parameters"] = parameters
    if operation.body is not None:
        required = any(field.required for field in msgspec.structs.fields(operation.body))
        content = {media_type: _with_example(known[repr(operation.body)], f"{route.name} request") for media_type in operation.reads}
        told["requestBody"] = {"required": required, "content": content}
    if operation.files:
        told["requestBody"] = {"required": True, "content": dict.fromkeys(operation.files, _FILE)}
    told["responses"] = _responses(route, known)
    return told


def _in_path(route: _Route) -> Iterator[Json]:
    for name in _PATH_PARAMETER.findall(route.path):
        kind = NO_IDS.get(name, {"type": "string", "format": "uuid"})
        yield {"name": name, "in": "path", "required": True, "schema": kind}


def _in_query(operation: Operation) -> Iterator[Json]:
    if operation.query is None:
        return
    (whole,), components = msgspec.json.schema_components([operation.query], ref_template=_REF)
    described = components[whole["$ref"].rpartition("/")[2]]
    for name, schema in described["properties"].items():
        kind = {**schema}
        parameter: Json = {"name": name, "in": "query", "required": name in described.get("required", ())}
        if description := kind.pop("description", None):
            parameter["description"] = description
        one_of_a_kind = [{"$ref": kind.pop("$ref")}] if "$ref" in kind else []
        for choice in [choice for choice in kind.pop("anyOf", one_of_a_kind) if choice != {"type": "null"}]:
            kind.update(components[choice["$ref"].rpartition("/")[2]] if "$ref" in choice else choice)
        if kind.get("default", 0) is None:
            kind.pop("default")
        kind.pop("title", None)
        yield {**parameter, "schema": kind}


def _in_headers(operation: Operation) -> Iterator[Json]:
    if "text/event-stream" in operation.writes:
        yield {"name": "Last-Event-ID", "in": "header", "description": "Go on after this event.", "schema": {"type": "string"}}
    if not operation.takes_body or not operation.changes:
        return
    version = {"type": "string", "pattern": '^(\\*|"[1-9][0-9]{0,17}")$'}
    key = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
    yield {"name": "If-Match", "in": "header", "description": "The version it was decided on, in quotes.", "schema": version}
    yield {"name": "Idempotency-Key", "in": "header", "description": "Do it once, however often it comes.", "schema": key}


def _responses(route: _Route, known: Mapping[str, Json]) -> Json:
    operation = route.operation
    answers: Json = {}
    for status, kind in {operation.status: operation.answer, **operation.also}.items():
        if kind is str:
            content: Json = _texts(operation.documents or ("text/plain",))
        elif kind is bytes:
            content = dict.fromkeys(operation.documents, _FILE)
        elif kind is None:
            content = {}
        else:
            said = _with_example(known[repr(kind)], route.name)
            content = {**dict.fromkeys(operation.writes, said), **_texts(operation.documents)}
        answers[str(status)] = {"description": titled(status), "content": content}
    if operation.etag:
        answers[str(operation.status)]["headers"] = {"ETag": {"schema": {"type": "string"}}}
    if operation.takes_body:
        answers[str(operation.status)]["headers"] = {
            "Idempotency-Replayed": {"schema": {"const": "true"}, "description": "Present where this is the answer of an earlier request."}
        }
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys(operation.problems):
        by_status.setdefault(TITLES[code][0], []).append(code)
    for status, codes in sorted(by_status.items()):
        answers[str(status)] = _problem(status, codes, known)
    return answers


def _problem(status: int, codes: list[str], known: Mapping[str, Json]) -> Json:
    examples = {
        code: {"value": {"type": f"urn:flowpilot:problem:{code}", "title": TITLES[code][1], "status": status, "detail": "…", "code": code}}
        for code in codes
    }
    problem: Json = {
        "description": "; ".join(f"`{code}`: {TITLES[code][1]}" for code in codes),
        "content": {"application/problem+json": {"schema": known[repr(ProblemOut)], "examples": examples}},
    }
    if status in (429, 503):
        problem["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    if status == 401:
        problem["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    return problem


def _texts(media_types: Iterable[str]) -> Json:
    return {media_type: {"schema": {"type": "string"}} for media_type in media_types}


def _with_example(schema: Json, name: str) -> Json:
    example = EXAMPLES.get(name)
    return {"schema": schema} if example is None else {"schema": schema, "example": example}
