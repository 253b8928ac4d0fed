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
    resting: str | None = None
    """Why relays rest, where they do: what is answered here is answered all the same."""

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
    """Whether requests should come here; late mail alone is no reason against it, and relays that rest are none either."""

    status: Literal["ready", "not_ready"]
    checks: dict[str, str]
    relay_lag_seconds: float | None
    relays_rest_because: str | None = None
    """Nothing is sent meanwhile; the check of the relay says so too."""

    @classmethod
    def of(cls, readiness: Readiness) -> "ReadyOut":
        """As an orchestrator reads it."""
        return cls(
            status="ready" if readiness.ready else "not_ready",
            checks={name: problem or "ok" for name, problem in readiness.problems.items()} | _resting(readiness),
            relay_lag_seconds=readiness.relay_lag,
            relays_rest_because=readiness.resting,
        )


def _resting(readiness: Readiness) -> dict[str, str]:
    if readiness.resting is None or readiness.problems.get("relay"):
        return {}
    return {"relay": f"relays are paused: {readiness.resting}"}


class LiveOut(msgspec.Struct, kw_only=True, frozen=True):
    """That the process runs."""

    status: Literal["live"] = "live"
