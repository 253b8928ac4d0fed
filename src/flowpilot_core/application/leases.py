"""What one does with work under a lease, whatever the work is."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from flowpilot_core.domain.actor import System
from flowpilot_core.ports.outbox import Lease
from flowpilot_core.ports.persistence import BeginWork, UnitOfWork

from .units import Units


async def drop(begin: BeginWork, lease: Lease) -> None:
    """There is no more to do, and nobody to be told."""
    async with begin(lease.account_id) as work:
        await work.due.finish(lease)
        await work.commit()


async def take_turn(units: Units, lease: Lease, by: System, turn: Callable[[UnitOfWork], Awaitable[timedelta | None]]) -> None:
    """Do `turn` if the lease still holds, and come back after what it returns; None: never.

    It is all committed at once: whoever takes the work over after a crash finds either the whole turn or nothing of it.
    """

    async def unit(work: UnitOfWork) -> None:
        if await work.due.holds(lease):
            wait = await turn(work)
            if wait is None:
                await work.due.finish(lease)
            else:
                await work.due.postpone(lease, seconds=max(wait, timedelta()) / timedelta(seconds=1))

    await units.run(by, unit)
