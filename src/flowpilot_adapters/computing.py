"""Work that takes long in a process of its own: the event loop goes on meanwhile, and what takes too long or too much is ended."""

import os
import resource
import signal
from asyncio import timeout
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final, TypeVar, TypeVarTuple

from anyio import BrokenWorkerProcess, CapacityLimiter, to_process
from attrs import define, field

from flowpilot_core.domain.kernel.errors import Unavailable
from flowpilot_core.domain.kernel.identifiers import AccountId

R = TypeVar("R")
Ts = TypeVarTuple("Ts")

PROCESSES: Final = 2
SECONDS: Final = 10.0
MEMORY: Final = 1024 * 1024 * 1024
MOST_WAITING: Final = 64
COME_AGAIN: Final = 5
"""Seconds after which whoever was sent away may try again."""
_LESS_URGENT: Final = 5
"""Steps of niceness: answering goes before working out."""


@define(kw_only=True)
class WorkerProcesses:
    """As `Compute` says. The processes are started as they are needed, kept for the next work, and end with the event loop.

    One account has all of them but one, at most, and no more pieces of its work stand in line for a process: however much it asks for,
    another's next piece comes after as many as there are accounts that ask.
    """

    processes: int = PROCESSES
    seconds: float = SECONDS
    """That one piece of work may take."""
    memory: int = MEMORY
    """Bytes of addresses that a process may have, where the system keeps to that; Linux does."""
    most_waiting: int = MOST_WAITING
    """Pieces of work of one account."""
    _line: CapacityLimiter = field(init=False)
    """First come, first served."""
    _accounts: dict[AccountId, CapacityLimiter] = field(factory=dict, init=False)
    """Who of an account stands in the line, or waits to; an account is here while somebody does."""

    @_line.default
    def _places(self) -> CapacityLimiter:
        return CapacityLimiter(self.processes)

    async def __call__(self, account_id: AccountId, work: Callable[[*Ts], R], *args: *Ts) -> R:
        """As `Compute` says."""
        async with self._in_line(account_id):
            try:
                async with timeout(self.seconds):
                    return await to_process.run_sync(_bounded, self.memory, work, args, cancellable=True, limiter=self._line)
            except (TimeoutError, MemoryError, BrokenWorkerProcess) as exc:
                raise Unavailable("worker process", retry_after=COME_AGAIN) from exc

    @asynccontextmanager
    async def _in_line(self, account_id: AccountId) -> AsyncIterator[None]:
        mine = self._accounts.setdefault(account_id, CapacityLimiter(max(1, self.processes - 1)))
        if mine.statistics().tasks_waiting >= self.most_waiting:
            raise Unavailable("worker process", retry_after=COME_AGAIN)
        try:
            async with mine:
                yield
        finally:
            if not mine.borrowed_tokens and not mine.statistics().tasks_waiting:
                self._accounts.pop(account_id, None)


def _bounded(memory: int, work: Callable[[*Ts], R], args: tuple[*Ts]) -> R:
    """Do it in this process, which does nothing else."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    if soft != memory:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (memory, hard))
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        os.nice(_LESS_URGENT)
    return work(*args)
