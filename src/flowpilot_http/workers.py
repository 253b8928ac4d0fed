"""Several processes that do the same: started, replaced when they die, and ended together."""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess
from typing import Final

import structlog
from attrs import define, field, frozen

log = structlog.get_logger()

LONG: Final = 10.0
"""Seconds after which a worker that dies is replaced at once."""
SHORTEST_PAUSE: Final = 0.5
"""Seconds until one is replaced that died sooner; twice as long each time."""
LONGEST_PAUSE: Final = 30.0
FAILED: Final = 1
"""How it ends where a worker did not end well."""

_FORK: Final = multiprocessing.get_context("fork")
"""What is imported is imported once, and memory that nobody writes to is shared: a new worker answers within moments."""
_ENDING: Final = frozenset({signal.SIGTERM, signal.SIGINT})


@frozen(kw_only=True)
class Worker:
    """One of them, as it knows itself."""

    number: int
    """From 1 on; whoever replaces it has the same."""
    orphaned: int
    """A file that is at its end once nobody is left who would replace or end it."""
    _says: int

    def ready(self) -> None:
        """It has begun to do what it is for."""
        os.write(self._says, bytes([self.number]))


@define(eq=False)
class _Slot:
    """Where one worker after the other is."""

    number: int
    process: ForkProcess | None = None
    begun: float = 0.0
    due: float = 0.0
    """When the next is begun."""
    pause: float = 0.0

    def ended(self) -> int | None:
        """How it ended, told once; None while it runs, or where there is none."""
        if self.process is None or (code := self.process.exitcode) is None:
            return None
        self.process.close()
        self.process = None
        return code


@define(eq=False, kw_only=True)
class Workers:
    """So many processes of `work`, which says how it ended: 0 where it was asked to.

    The first is begun alone: where it ends before it was ready, nothing else is begun. Whoever ends later is replaced: at once, or after a
    pause where it did not live long. Asked to end, all are; asked again, they are killed.
    """

    number: int
    work: Callable[[Worker], int]
    died: Callable[[int], None]
    """Told of the number of each that has ended, before another has it."""
    ending: Callable[[], None]
    """Called once none is begun any more."""
    long: float = LONG
    shortest_pause: float = SHORTEST_PAUSE
    _slots: list[_Slot] = field(init=False)
    _asked: list[int] = field(factory=list, init=False)
    _told: int = field(default=0, init=False)
    """How often they were asked to end."""
    _up: bool = field(default=False, init=False)
    """Whether one was ready."""
    _woken: tuple[int, int] = field(factory=os.pipe, init=False)
    _ready: tuple[int, int] = field(factory=os.pipe, init=False)
    _alive: tuple[int, int] = field(factory=os.pipe, init=False)
    """Its end for writing is open here and nowhere else."""

    @_slots.default
    def _all(self) -> list[_Slot]:
        return [_Slot(number) for number in range(1, self.number + 1)]

    def run(self) -> int:
        """Until all have ended; 0 where they did because they were asked to, else as the first did that could not begin, or 1."""
        status = 0
        with self._hearing():
            self._begin(self._slots[0])
            while True:
                for slot in self._slots:
                    if (code := slot.ended()) is None:
                        continue
                    self.died(slot.number)
                    if self._asked:
                        status = status or (0 if code == 0 or -code in _ENDING else FAILED)
                    elif not self._up:
                        return code if code > 0 else FAILED
                    else:
                        self._lost(slot, code)
                if self._asked:
                    self._end()
                    if not self._running():
                        return status
                elif self._up:
                    for slot in self._slots:
                        if slot.process is None and slot.due <= time.monotonic():
                            self._begin(slot)
                self._wait()

    def _running(self) -> list[ForkProcess]:
        return [slot.process for slot in self._slots if slot.process is not None]

    def _begin(self, slot: _Slot) -> None:
        process = _FORK.Process(target=self._be, args=(slot.number,), name=f"flowpilot worker {slot.number}")
        slot.begun = time.monotonic()
        # Whoever is asked to end while there are two of us would note it in the wrong one.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        slot.process = process
        log.info("worker begun", worker=slot.number, pid=process.pid)

    def _be(self, number: int) -> None:
        """What the new process does."""
        signal.set_wakeup_fd(-1)
        for ending in _ENDING:
            signal.signal(ending, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
        os.close(self._alive[1])
        sys.exit(self.work(Worker(number=number, orphaned=self._alive[0], says=self._ready[1])))

    def _lost(self, slot: _Slot, code: int) -> None:
        lived = time.monotonic() - slot.begun
        slot.pause = 0.0 if lived >= self.long else min(LONGEST_PAUSE, max(self.shortest_pause, slot.pause * 2))
        slot.due = time.monotonic() + slot.pause
        log.warning("a worker ended, and is replaced", worker=slot.number, status=code, pause_seconds=slot.pause)

    def _end(self) -> None:
        """As often as we were asked to."""
        if not self._told:
            self.ending()
        if self._told < len(self._asked):
            for process in self._running():
                process.terminate() if len(self._asked) == 1 else process.kill()
        self._told = len(self._asked)

    def _wait(self) -> None:
        """Until something has happened, or a worker is due."""
        due = [slot.due for slot in self._slots if slot.process is None and self._up and not self._asked]
        timeout = max(0.0, min(due) - time.monotonic()) if due else None
        happened = wait([self._woken[0], self._ready[0], *(process.sentinel for process in self._running())], timeout)
        for reading in (self._woken[0], self._ready[0]):
            if reading in happened:
                os.read(reading, 4096)
        self._up = self._up or self._ready[0] in happened

    @contextmanager
    def _hearing(self) -> Iterator[None]:
        """Of signals, which wake who waits."""
        for end in self._woken:
            os.set_blocking(end, False)
        woken = signal.set_wakeup_fd(self._woken[1])
        before = {ending: signal.signal(ending, lambda number, _: self._asked.append(number)) for ending in _ENDING}
        try:
            yield
        finally:
            for ending, handler in before.items():
                signal.signal(ending, handler)
            signal.set_wakeup_fd(woken)
            for process in self._running():
                process.kill()
            for end in (*self._woken, *self._ready, *self._alive):
                os.close(end)
