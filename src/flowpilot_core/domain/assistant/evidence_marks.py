"""Traces in evidence: error codes and names of machines, found by how they look."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from flowpilot_core.domain.handoffs.case_file import FiledStep

_CODES: Final = re.compile(
    r"0x[0-9a-f]{8}\b|\bAADSTS\d{5,6}\b|\bORA-\d{4,5}\b|\bKB\d{6,7}\b|\bevent ?(?:id )?\d{3,5}\b|\berror (?:code )?\d{2,5}\b"
    r"|\bHTTP[ /][\d.]* ?[45]\d\d\b"
    r"|\b[45]\.\d\.\d{1,3}\b|\bE[A-Z]{5,14}\b|\b[A-Z]{2,}_[A-Z_]{4,40}\b|\bNXDOMAIN\b|\bSERVFAIL\b",
    re.IGNORECASE,
)
_UPPER_ONLY: Final = re.compile(r"[a-z]")
_HOSTS: Final = re.compile(
    r"\\\\[A-Za-z0-9][\w.-]{1,60}|\b(?:\d{1,3}\.){3}\d{1,3}\b|\b(?:[a-z0-9](?:[a-z0-9-]{0,40}[a-z0-9])?\.){1,5}"
    r"(?:local|lan|corp|internal|com|net|org|io|de|eu|uk|example|test)\b"
    r"|\b[A-Z]{2,8}-[A-Z0-9]{2,12}(?:-[A-Z0-9]{1,8})?\d\b"
)
Traces = Mapping[str, tuple[FiledStep, ...]]
"""What was found, with the steps it stands in, most often seen first."""


def error_codes(steps: Iterable[FiledStep]) -> Traces:
    """Codes that somebody can look up."""
    return _found(steps, _codes_in)


def hosts(steps: Iterable[FiledStep]) -> Traces:
    """Machines by name or address."""
    return _found(steps, _HOSTS.findall)


def _codes_in(text: str) -> Iterable[str]:
    for code in _CODES.findall(text):
        # An identifier is one only in capitals: `ECONNREFUSED` is a code, and `exchange` is a word.
        if code[0] not in "0" and not any(character.isdigit() for character in code) and _UPPER_ONLY.search(code):
            continue
        yield code


def _found(steps: Iterable[FiledStep], find: Callable[[str], Iterable[str]]) -> Traces:
    seen: dict[str, dict[int, FiledStep]] = {}
    for step in steps:
        for trace in find(f"{step.content}\n{step.evidence}"):
            seen.setdefault(trace, {})[step.number] = step
    ordered = sorted(seen.items(), key=lambda one: (-len(one[1]), min(one[1]), one[0]))
    return {trace: tuple(found.values()) for trace, found in ordered}
