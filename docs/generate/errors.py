"""The page of what can be refused: the core's errors, and the problem codes of the HTTP edge."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from attrs import fields, has

from flowpilot_core.domain.kernel import errors as core
from flowpilot_http.problems import TITLES, problem_of

from .markdown import code, first_sentences, page, table

SAMPLES: dict[str, Any] = {
    "str": "thing",
    "int": 1,
    "float": 2.5,
    "UUID": UUID(int=0),
    "SessionId": UUID(int=0),
    "HandoffId": UUID(int=0),
    "UserId": UUID(int=0),
    "StreamsOf": core.StreamsOf.PERSON,
    "datetime": datetime(2026, 1, 1, tzinfo=UTC),
    "tuple": (core.InvalidValue("thing", "name"),),
    "Optional": None,
    "str | None": "name",
}


def errors() -> str:
    """Codes with their status, and errors with their facts."""
    by_code: dict[str, list[str]] = {}
    rows = []
    for kind in _errors():
        problem = problem_of(_sample(kind))
        by_code.setdefault(problem.code, []).append(kind.__name__)
        rows.append([code(kind.__name__), first_sentences(kind), ", ".join(map(code, _facts(kind))), code(problem.code)])
    return page(
        "Errors and problem codes",
        "## Over HTTP",
        "Every refusal is `application/problem+json` (RFC 9457) with `type`, `title`, `status`, `detail` and a stable `code`. A value that"
        " is wrong is named in `errors`, a list of `{pointer, detail}`. A 429 and a 503 carry `Retry-After`. What belongs to another"
        " account, or is private to others, is `not_found`, exactly as what never was.",
        table(
            ["status", "code", "title", "made from"],
            [[str(status), code(name), title, ", ".join(map(code, by_code.get(name, [])))] for name, (status, title) in TITLES.items()],
        ),
        "## In Python",
        "Everything the core refuses is a `FlowPilotError` of `flowpilot_core.domain.kernel.errors`, and carries the facts of the refusal.",
        table(["error", "what happened", "facts", "code over HTTP"], rows),
    )


def _errors() -> Iterator[type[core.FlowPilotError]]:
    """In the order of the module."""
    for value in vars(core).values():
        if isinstance(value, type) and issubclass(value, core.FlowPilotError) and value is not core.FlowPilotError:
            yield value


def _facts(kind: type[core.FlowPilotError]) -> list[str]:
    return [one.name for one in fields(kind)] if has(kind) else []


def _sample(kind: type[core.FlowPilotError]) -> core.FlowPilotError:
    facts = fields(kind) if has(kind) else ()
    return kind(*(SAMPLES[getattr(one.type, "__name__", str(one.type))] for one in facts))
