"""Whether this process can do its work just now."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

import msgspec
from attrs import frozen


@frozen(kw_only=True)
class Readiness:
    """What was looked at and what is wrong with it (None: nothing), and how far the relay is behind, in seconds."""

    problems: Mapping[str, str | None]
    relay_lags: Mapping[str, float] | None = None
    """By kind of work."""

    @property
    def relay_lag(self) -> float | None:
        """How long the oldest piece of work has waited."""
        return None if self.relay_lags is None else max(self.relay_lags.values(), default=0.0)

    @property
    def ready(self) -> bool:
        """Whether nothing is wrong."""
        return not any(self.problems.values())


Probe = Callable[[], Awaitable[Readiness]]
"""Looks now, over a connection of its own, within a bounded time; raises nothing."""


class ReadyOut(msgspec.Struct, kw_only=True, frozen=True):
    """Whether requests should come here; late mail alone is no reason against it."""

    status: Literal["ready", "not_ready"]
    checks: dict[str, str]
    relay_lag_seconds: float | None

    @classmethod
    def of(cls, readiness: Readiness) -> "ReadyOut":
        """As an orchestrator reads it."""
        return cls(
            status="ready" if readiness.ready else "not_ready",
            checks={name: problem or "ok" for name, problem in readiness.problems.items()},
            relay_lag_seconds=readiness.relay_lag,
        )


class LiveOut(msgspec.Struct, kw_only=True, frozen=True):
    """That the process runs."""

    status: Literal["live"] = "live"
