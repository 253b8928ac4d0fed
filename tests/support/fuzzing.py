"""What Schemathesis cannot know of the contract: which of the requests that its schema allows depend on what was answered before.

It loads this file by the name of its module (`hooks` in its settings).
"""

import re
from ipaddress import IPv4Address
from typing import Any
from uuid import uuid4

import schemathesis
from schemathesis import Case, GenerationMode, HookContext

_VERSION = re.compile(r'\*|"[1-9][0-9]*"')


def _right(case: "Case[Any]") -> bool:
    """Whether the request is meant to be one that is accepted."""
    return case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE


@schemathesis.hook
def before_call(_: HookContext, case: "Case[Any]", __: dict[str, Any]) -> None:
    """A key is for one request, a cursor comes from the page before, a version is a quoted number, and what has no value is left out."""
    # From an address of its own, as a proxy says it: guesses at tokens would be sent away after so many from one.
    case.headers["X-Forwarded-For"] = str(IPv4Address(uuid4().bytes[:4]))
    if not _right(case):
        for name, value in (case.query or {}).items():
            # Words to look for are required: without a value they are refused as they stand.
            if value in ("", None, "null") and (name, value) != ("q", ""):
                case.query[name] = "-"
        return
    if "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = uuid4().hex
    if not _VERSION.fullmatch(case.headers.get("If-Match", "*")):
        del case.headers["If-Match"]
    if case.query:
        case.query.pop("cursor", None)
