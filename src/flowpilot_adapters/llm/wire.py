"""Reading what a vendor's API sends: no more of it than an answer can be, and its refusals in our words."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from flowpilot_core.domain.kernel.retry_after import retry_after
from flowpilot_core.ports.kernel import Clock

from .answer import LONGEST, Malformed
from .asking import Stumbled

LONGEST_REST: Final = 3_600.0
"""Seconds that a vendor can ask to be left alone for; more is taken for this."""

_PROBLEMS: Final[Mapping[int, str]] = {
    400: "it refuses the request: is the model's name right, and does it take a schema?",
    401: "it does not accept the API key",
    403: "the API key may not use this model",
    404: "it knows no such model",
    408: "it gave up waiting",
    413: "the request is too large for it",
    429: "it has had too many requests",
    529: "it is overloaded",
}
_AGAIN: Final = frozenset({408, 409, 429})


async def read(chunks: AsyncIterator[bytes]) -> dict[str, Any]:
    """A body as the JSON object it is. Raises `Stumbled` where it ends early, `Malformed` for anything else, too much of it included."""
    body = bytearray()
    try:
        async for chunk in chunks:
            body += chunk
            if len(body) > LONGEST:
                raise Malformed("it is far too long")
    except Malformed:
        raise
    except Exception as exc:
        # Whatever the client below the SDK raises: nothing but a lost connection happens here.
        raise Stumbled("it hung up in the middle of its answer", again=True) from exc
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed("it is not one whole JSON object") from None
    if not isinstance(told, dict):
        raise Malformed("it is not a JSON object")
    return told


def refused(status: int, header: str | None, clock: Clock) -> Stumbled:
    """What a status says, without a word of the body, which may repeat what was asked."""
    problem = _PROBLEMS.get(status, f"it answers {status}")
    rest = retry_after(header, now=clock.now())
    return Stumbled(problem, again=status in _AGAIN or status >= 500, retry_after=None if rest is None else min(rest, LONGEST_REST))


def count(usage: object, name: str) -> int:
    """How many tokens a vendor says it used."""
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if isinstance(value, int) and value > 0 else 0
