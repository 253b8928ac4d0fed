"""The relay: does, after the commit, the work that was recorded with it."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

from attrs import define, field

from flowpilot_core.domain.errors import FlowPilotError
from flowpilot_core.ports.clock import Jitter
from flowpilot_core.ports.outbox import Lease, Outbox, WorkKind
from flowpilot_core.ports.persistence import BeginWork

log = logging.getLogger("flowpilot.relay")

LEASE = timedelta(minutes=3)
"""Longer than any send takes, so that only the work of a dead relay is ever taken over."""
MOST_AT_ONCE = 16
MOST_TAKES = 40
"""Of one piece of work, retries included: more means that it is poison, and it is given up."""
POLL = 1.0
"""Seconds between looks at the outbox where nothing wakes the relay."""
LONGEST_PAUSE = 30.0
"""Seconds between looks at an outbox that does not answer."""


class Handler(Protocol):
    """Does one kind of work."""

    async def do(self, lease: Lease) -> None:
        """Do it and settle it under the lease. Whatever it raises leaves the work to be taken again when the lease has run out."""

    async def give_up(self, lease: Lease, problem: str) -> None:
        """It will never be done: make that visible, and finish it under the lease."""


@define(kw_only=True)
class Relay:
    """Takes due work and does each piece alone: a slow or broken one delays no other.

    Waking it is only advice; it looks by itself every `POLL` seconds, so losing every wake-up makes things late, never lost.
    """

    outbox: Outbox
    begin: BeginWork
    handlers: Mapping[WorkKind, Handler]
    jitter: Jitter
    poll: float = POLL
    _woken: asyncio.Event = field(factory=asyncio.Event, init=False)
    _running: set[asyncio.Task[None]] = field(factory=set, init=False)

    def wake(self) -> None:
        """There may be work: look now."""
        self._woken.set()

    async def run_once(self) -> int:
        """Take what is due, as far as there is room, wait until all of it is done, and say how much it was.

        Raises `Unavailable` where the outbox does not answer.
        """
        leases = await self.outbox.take(MOST_AT_ONCE, lease_for=LEASE)
        await asyncio.gather(*(self._do(lease) for lease in leases))
        return len(leases)

    async def run(self, stop: asyncio.Event) -> None:
        """Do work until `stop` is set, then finish what was begun."""
        stopping = asyncio.create_task(stop.wait())
        failures = 0
        try:
            while not stop.is_set():
                self._woken.clear()
                try:
                    found = await self._start_due()
                except Exception as exc:
                    # Whatever it is: a relay that ended would tell nobody of anything any more.
                    failures += 1
                    pause = min(LONGEST_PAUSE, self.poll * 2 ** min(failures, 10)) * self.jitter()
                    facts = {"problem": str(exc), "failures": failures}
                    log.warning("outbox not to be had", extra=facts, exc_info=not isinstance(exc, FlowPilotError))
                    await asyncio.wait({stopping}, timeout=pause)
                    continue
                failures = 0
                if not found:
                    await self._something(stopping)
        finally:
            stopping.cancel()
            if self._running:
                await asyncio.wait(self._running)

    async def _start_due(self) -> bool:
        room = MOST_AT_ONCE - len(self._running)
        if room == 0:
            return False
        leases = await self.outbox.take(room, lease_for=LEASE)
        for lease in leases:
            task = asyncio.create_task(self._do(lease))
            self._running.add(task)
            task.add_done_callback(self._done)
        return bool(leases)

    async def _something(self, stopping: "asyncio.Task[bool]") -> None:
        """Until woken, stopped, polled, or until a full relay has room again."""
        woken = asyncio.create_task(self._woken.wait())
        try:
            await asyncio.wait({stopping, woken}, timeout=self.poll, return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()

    def _done(self, task: "asyncio.Task[None]") -> None:
        if len(self._running) == MOST_AT_ONCE:
            self._woken.set()
        self._running.discard(task)

    async def _do(self, lease: Lease) -> None:
        facts = {"work_id": str(lease.work_id), "kind": lease.kind, "takes": lease.takes}
        try:
            handler = self.handlers.get(WorkKind(lease.kind)) if lease.kind in set(WorkKind) else None
            if handler is None:
                await self._drop(lease)
                log.error("nobody does this kind of work: given up", extra=facts)
            elif lease.takes > MOST_TAKES:
                await handler.give_up(lease, "given up after too many tries")
                log.error("work given up", extra=facts)
            else:
                await handler.do(lease)
        except FlowPilotError as exc:
            log.warning("work not done, to be taken again", extra={**facts, "problem": str(exc)})
        except Exception:
            log.exception("work failed, to be taken again", extra=facts)

    async def _drop(self, lease: Lease) -> None:
        async with self.begin(lease.account_id) as work:
            await work.due.finish(lease)
            await work.commit()
