"""Patterns that people write, matched in linear time by RE2."""

from functools import lru_cache
from typing import Any, Final

import re2  # type: ignore[import-untyped]  # it ships none

MOST_MEMORY: Final = 1024 * 1024
"""Bytes that one pattern may grow to; one that wants more is refused."""


def matches(pattern: str, value: str) -> bool:
    """As `Matches` says."""
    return _compiled(pattern).fullmatch(value) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MOST_MEMORY
    try:
        return re2.compile(pattern, options)
    except re2.error as exc:
        raise ValueError(exc.args[0].decode(errors="replace")) from exc
