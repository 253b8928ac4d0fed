"""Working out what may take long, where nobody else is to be spared."""

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

from flowpilot_core.domain.kernel.identifiers import AccountId

R = TypeVar("R")
Ts = TypeVarTuple("Ts")


async def compute_here(_: AccountId, work: Callable[[*Ts], R], /, *args: *Ts) -> R:
    """As `Compute` says, at once and without bounds: for a program that serves one person, and for tests."""
    return work(*args)
