"""The relay: does, after the commit, the work that was recorded with it."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

from attrs import define, field

from flowpilot_core.domain.kernel.errors import FlowPilotError, Unavailable
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.domain.kernel.sending import delay
from flowpilot_core.ports.kernel import BeginWork, Jitter
from flowpilot_core.ports.relay import Lease, Outbox, RelayWork, WorkKind

log = logging.getLogger("flowpilot.relay")

LEASE = timedelta(minutes=3)
"""Longer than any send takes, so that only the work of a dead relay is ever taken over."""
MOST_AT_ONCE = 32
"""Of one kind of work: each has a lane of its own, so that one whose far end is slow or dead takes no room from another.

One account alone gets half of it (`Outbox.take`).
"""
MOST_TAKES = 40
"""Of one piece of work, retries included: more means that it is poison, and it is given up."""
GRACE = timedelta(seconds=25)
"""For what is being done when the relay is told to stop; a little less than what an orchestrator gives a process."""
STRAYS = ""
"""The lane of kinds that nobody here does."""
POLL = 1.0
"""Seconds between looks at the outbox where nothing wakes the relay."""
LONGEST_PAUSE = 30.0
"""Seconds between looks at an outbox that does not answer."""


class Handler(Protocol):
    """Does one kind of work."""

    async def do(self, lease: Lease) -> None:
        """Do it and settle it under the lease.

        `Unavailable` has it taken again after a while; whatever else it raises, when the lease has run out.
        """

    async def give_up(self, lease: Lease, problem: str) -> None:
        """It will never be done: make that visible, and finish it under the lease."""


async def _always() -> bool:
    return True


@define(kw_only=True)
class Relay:
    """Takes due work, each kind in a lane of its own, and does each piece alone: a slow or broken one delays no other.

    In each lane an account that others wait behind gets no more than its share, counted with what is being done here now.

    Work of a kind that nobody here does is left for a newer relay, and dropped when none has come for it after many looks.

    Waking it is only advice; it looks by itself every `POLL` seconds, so losing every wake-up makes things late, never lost.
    """

    outbox: Outbox
    begin: BeginWork[RelayWork]
    handlers: Mapping[WorkKind, Handler]
    jitter: Jitter
    places: Mapping[str, int] = field(factory=dict)
    """Of the lanes that have others than `MOST_AT_ONCE`."""
    poll: float = POLL
    may_work: Callable[[], Awaitable[bool]] = _always
    """Asked before work is taken."""
    grace: timedelta = GRACE
    _woken: asyncio.Event = field(factory=asyncio.Event, init=False)
    _running: dict[asyncio.Task[None], Lease] = field(factory=dict, init=False)
    """What is being done."""

    def wake(self, account_id: AccountId | None = None) -> None:
        """There may be work, in this account or in any: look now, in all of them. `committed=relay.wake` of `FlowPilot.of` calls it."""
        self._woken.set()

    async def run_once(self) -> int:
        """Take what is due, as far as there is room and it may, wait until all of it is done, and say how much it was.

        Raises `Unavailable` where the outbox does not answer.
        """
        leases = await self._take(self._room()) if await self.may_work() else ()
        await asyncio.gather(*(self._do(lease) for lease in leases))
        return len(leases)

    async def run(self, stop: asyncio.Event) -> None:
        """Do work until `stop` is set, then finish what was begun; what takes longer than `grace` is left to whoever takes it over."""
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
                    ours = isinstance(exc, FlowPilotError)
                    facts = {"problem": str(exc) if ours else type(exc).__name__, "failures": failures}
                    log.warning("outbox not to be had", extra=facts, exc_info=not ours)
                    await asyncio.wait({stopping}, timeout=pause)
                    continue
                failures = 0
                if not found:
                    await self._something(stopping)
        finally:
            stopping.cancel()
            if self._running:
                _, unfinished = await asyncio.wait(self._running, timeout=self.grace / timedelta(seconds=1))
                for task in unfinished:
                    task.cancel()
                await asyncio.gather(*unfinished, return_exceptions=True)

    async def _start_due(self) -> bool:
        room = self._room()
        if not any(room.values()) or not await self.may_work():
            return False
        leases = await self._take(room)
        for lease in leases:
            task = asyncio.create_task(self._do(lease))
            self._running[task] = lease
            task.add_done_callback(self._done)
        return bool(leases)

    async def _take(self, room: Mapping[str, int]) -> Sequence[Lease]:
        lanes = {kind: most for kind, most in room.items() if kind != STRAYS}
        return await self.outbox.take(lanes, others=room[STRAYS], holding=tuple(self._running.values()), lease_for=LEASE)

    def _room(self) -> dict[str, int]:
        """How many more pieces each lane can do."""
        running = Counter(self._lane(lease) for lease in self._running.values())
        return {lane: self._places(lane) - running[lane] for lane in (*self.handlers, STRAYS)}

    def _places(self, lane: str) -> int:
        return self.places.get(lane, MOST_AT_ONCE)

    def _lane(self, lease: Lease) -> str:
        return lease.kind if lease.kind in self.handlers else STRAYS

    async def _something(self, stopping: "asyncio.Task[bool]") -> None:
        """Until woken, stopped, polled, or until something is done that other work may have waited for: its target, or a place."""
        woken = asyncio.create_task(self._woken.wait())
        try:
            await asyncio.wait({stopping, woken}, timeout=self.poll, return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()

    def _done(self, task: "asyncio.Task[None]") -> None:
        lease = self._running[task]
        lane = self._lane(lease)
        held = Counter(other.account_id for other in self._running.values() if self._lane(other) == lane)
        del self._running[task]
        # Else nothing waited for it: `Outbox.take` refuses a place only to who holds as many as are free.
        if lease.target is not None or max(held.values()) >= self._places(lane) - held.total():
            self._woken.set()

    async def _do(self, lease: Lease) -> None:
        facts = {"work_id": str(lease.work_id), "kind": lease.kind, "takes": lease.takes}
        try:
            handler = next((handler for kind, handler in self.handlers.items() if kind == lease.kind), None)
            if handler is None:
                await self._leave(lease, facts)
            elif lease.takes > MOST_TAKES:
                await handler.give_up(lease, "given up after too many tries")
                log.error("work given up", extra=facts)
            else:
                await handler.do(lease)
        except Unavailable as exc:
            log.warning("work not done, to be taken again", extra={**facts, "problem": str(exc)})
            # A moment without the database is no reason to wait until the lease has run out; where it lasts, this fails as well.
            with suppress(FlowPilotError):
                await self._put_off(lease)
        except FlowPilotError as exc:
            log.warning("work not done, to be taken again", extra={**facts, "problem": str(exc)})
        except Exception:
            log.exception("work failed, to be taken again", extra=facts)

    async def _put_off(self, lease: Lease) -> None:
        async with self.begin(lease.account_id) as work:
            await work.due.postpone(lease, seconds=delay(lease.takes, self.jitter()).total_seconds())
            await work.commit()

    async def _leave(self, lease: Lease, facts: Mapping[str, object]) -> None:
        if lease.takes <= MOST_TAKES:
            await self._put_off(lease)
            log.warning("nobody here does this kind of work: left for another relay", extra=facts)
            return
        async with self.begin(lease.account_id) as work:
            await work.due.finish(lease)
            await work.commit()
        log.error("nobody does this kind of work: given up", extra=facts)
