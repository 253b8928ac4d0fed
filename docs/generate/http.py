"""The page of HTTP routes, from the OpenAPI document that the server itself serves."""

import json
from collections.abc import Iterator
from typing import Any

from flowpilot_adapters.memory import MemoryStore, MemoryVault
from flowpilot_adapters.system import SystemClock, new_id, new_secret
from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_http import openapi
from flowpilot_http.app import create_app
from flowpilot_http.readiness import Readiness

from .markdown import code, page, table

Json = dict[str, Any]
Refusal = tuple[str, str]
"""A status with a problem code."""

_PROBLEM = "application/problem+json"


def http() -> str:
    """Calls by tag, then the shapes they take and give."""
    document = _document()
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    always = _common([one for one in operations if "security" in one])
    changing = _common([one for one in operations if "requestBody" in one]) - always
    calls: dict[str, list[list[str]]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            gives = "<br>".join(_gives(operation, always | changing))
            calls[operation["tags"][0]].append([code(f"{method.upper()} {path}"), operation["summary"], _takes(operation), gives])
    shapes = document["components"]["schemas"]
    return page(
        "HTTP routes",
        "Drawn from the OpenAPI 3.1 document at `GET /openapi.json`; the server shows it as a page too.",
        document["info"]["description"].strip(),
        f"Every call that needs a token may be refused with {_listed(always)}, and every change with {_listed(changing)} as well."
        " The tables name what a call may answer beyond these.",
        *(f"## {tag}\n\n" + table(["call", "what it does", "takes", "answers"], rows) for tag, rows in calls.items()),
        "## Shapes",
        "A field that may be left out is in *italics*.",
        *(f"### {name}\n\n" + _shape(schema) for name, schema in shapes.items()),
    )


def _document() -> Json:
    clock = SystemClock()
    store = MemoryStore(clock=clock, new_token=new_id)
    flowpilot = FlowPilot.of(begin=store.begin, view=store.view, clock=clock, new_id=new_id, new_secret=new_secret, vault=MemoryVault())

    async def probe() -> Readiness:
        return Readiness(problems={})

    edge = create_app(
        flowpilot,
        clock=clock,
        new_id=new_id,
        new_secret=new_secret,
        secret_keys=[bytes(32)],
        base_url="https://flowpilot.example",
        probe=probe,
    )
    return openapi.document(edge.app.routes)


def _contents(content: Json) -> list[str]:
    """What stands in a body; a file goes by its media type."""
    return [code(kind) if one["schema"].get("format") == "binary" else _kind(one["schema"]) for kind, one in content.items()]


def _takes(operation: Json) -> str:
    query = [code(one["name"]) for one in operation.get("parameters", []) if one["in"] == "query"]
    body = operation.get("requestBody")
    return "<br>".join([*query, *(_contents(body["content"]) if body else ())])


def _gives(operation: Json, known: set[Refusal]) -> Iterator[str]:
    for status, answer in operation["responses"].items():
        content = answer.get("content", {})
        if _PROBLEM not in content:
            yield f"{status} " + (", ".join(_contents(content)) or "nothing")
        elif own := [code(name) for name in content[_PROBLEM]["examples"] if (status, name) not in known]:
            yield f"{status} " + ", ".join(own)


def _common(operations: list[Json]) -> set[Refusal]:
    """The refusals that all of them may answer."""
    return set.intersection(
        *(
            {
                (status, name)
                for status, answer in one["responses"].items()
                for name in answer.get("content", {}).get(_PROBLEM, {}).get("examples", {})
            }
            for one in operations
        )
    )


def _listed(refusals: set[Refusal]) -> str:
    return ", ".join(f"{status} {code(name)}" for status, name in sorted(refusals))


def _shape(schema: Json) -> str:
    told = [schema["description"]] if "description" in schema else []
    if "enum" in schema:
        return "\n\n".join([*told, ", ".join(map(code, schema["enum"]))])
    required = schema.get("required", [])
    rows = [
        [code(name) if name in required else f"*{code(name)}*", _kind(kind), kind.get("description", "")]
        for name, kind in schema.get("properties", {}).items()
    ]
    return "\n\n".join([*told, table(["field", "type", "meaning"], rows) if rows else "It has no fields."])


def _kind(schema: Json) -> str:
    """A schema as a short text, with a link where it has a name."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(map(_kind, schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        return ", ".join(code(one if isinstance(one, str) else json.dumps(one)) for one in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return "list of " + (_kind(schema["items"]) if "items" in schema else "anything")
    if schema.get("type") == "object":
        values = schema.get("additionalProperties")
        return f"object of {_kind(values)}" if isinstance(values, dict) else "object"
    return " ".join([str(schema.get("format", schema.get("type", "anything"))), *_bounds(schema)])


def _bounds(schema: Json) -> Iterator[str]:
    for name, words in (("minLength", "from {}"), ("maxLength", "to {} characters"), ("minimum", "from {}"), ("maximum", "to {}")):
        if name in schema:
            yield words.format(schema[name])
