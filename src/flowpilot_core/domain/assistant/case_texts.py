"""The texts of a case: what people wrote in it, and the same without secrets."""

from collections.abc import Callable, Iterator, Mapping
from enum import Enum

from attrs import fields, has

from flowpilot_core.domain.kernel.events import Plain

_KEPT = frozenset(
    {
        *("id", "handoff_id", "session_id", "branch_id", "parent_id", "fork_point_id", "at_step_id", "branch_ids", "step_ids"),
        *("frozen_at", "created_at", "updated_at", "closed_at", "escalated_at", "claimed_at", "sha256", "snapshot_digest"),
        *("tried", "failed", "open_hypotheses", "kind", "result", "state", "priority", "tree_id", "node_id", "outcome"),
    }
)
"""What people do not write, and what is cited: it stays as it is."""


def texts_in(value: object) -> Iterator[str]:
    """Whatever people wrote in a value, however deep."""
    cls, parts = type(value), tuple[object, ...]()
    if isinstance(value, str) and not isinstance(value, Enum):
        yield value
    elif isinstance(value, Mapping):
        parts = tuple(one for key, one in value.items() if key not in _KEPT)
    elif isinstance(value, (list, tuple, frozenset)):
        parts = tuple(value)
    elif has(cls):
        parts = tuple(getattr(value, one.name) for one in fields(cls) if one.name not in _KEPT)
    for part in parts:
        yield from texts_in(part)


def without_secrets(plain: Mapping[str, Plain], clean: Callable[[str], str]) -> dict[str, Plain]:
    """Plain data with each of its texts as it may leave."""

    def cleaned(value: Plain) -> Plain:
        if isinstance(value, str):
            return clean(value)
        if isinstance(value, list):
            return [cleaned(one) for one in value]
        return without_secrets(value, clean) if isinstance(value, dict) else value

    return {key: one if key in _KEPT else cleaned(one) for key, one in plain.items()}
