"""What one does with work under a lease, whatever the work is."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from flowpilot_core.application.kernel.units import Units
from flowpilot_core.domain.kernel.actor import System
from flowpilot_core.ports.kernel import BeginWork
from flowpilot_core.ports.relay import Lease, RelayWork

W = TypeVar("W", bound=RelayWork)


async def drop(begin: BeginWork[RelayWork], lease: Lease) -> None:
    """There is no more to do, and nobody to be told."""
    async with begin(lease.account_id) as work:
        await work.due.finish(lease)
        await work.commit()


async def settle(work: RelayWork, lease: Lease, *, again_in: float | None) -> bool:
    """The work is due again in so many seconds, or with None it is done. False, and nothing changes, where the lease is no longer held."""
    if again_in is None:
        return await work.due.finish(lease)
    return await work.due.postpone(lease, seconds=again_in)


async def take_turn(units: Units[W], lease: Lease, by: System, turn: Callable[[W], Awaitable[timedelta | None]]) -> None:
    """Do `turn` if the lease still holds, and come back after what it returns; None: never.

    It is all committed at once: whoever takes the work over after a crash finds either the whole turn or nothing of it.
    """

    async def unit(work: W) -> None:
        if await work.due.holds(lease):
            wait = await turn(work)
            await settle(work, lease, again_in=None if wait is None else max(wait, timedelta()) / timedelta(seconds=1))

    await units.run(by, unit)
