"""Ten thousand streams of fifty accounts at one process, while a hundred escalations a second are committed by another."""

import argparse
import asyncio
import gc
import multiprocessing
import resource
import sys
import tempfile
import time
from array import array
from collections.abc import Callable
from contextvars import ContextVar
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import quantiles
from typing import cast
from urllib.parse import urlsplit

import uvloop
from attrs import define, field, frozen

from flowpilot_adapters.push import PostgresEventStream
from flowpilot_adapters.sql import Database, migrations, roles
from flowpilot_adapters.system import SystemClock, jitter, new_id, new_secret
from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_core.domain.handoffs.handoff import Intent
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.identifiers import AccountId, SessionId

from .data import a_template, copy, numbered
from .hot_paths import a_postgres, serving
from .load import request
from .push import rss
from .workers import processor_time

ACCOUNTS = 50
STREAMS = 10_000
A_SECOND = 100
"""Escalations."""
SECONDS = 20
WARMING = 1
"""Seconds more, and first: whoever escalates opens connections and prepares statements in them. They do not count."""
AT_ONCE = 100
"""Streams that are being opened."""
TIMED = 10
"""Of so many streams of an account one is read as it comes; the others are read in the end, since elsewhere whoever reads has a machine."""
MOST_P99 = 20.0
"""Milliseconds from commit to arrival."""
MOST_KIB = 12.0
"""A stream."""
PATIENCE = 60
_EVENT = b"event: handoff.escalated"
_ID = b'"handoff_id":"'


@frozen(kw_only=True)
class StreamsFigure:
    """What came of it."""

    streams: int
    kib: float
    """A stream."""
    p50: float
    p99: float
    escalations: float
    """A second."""
    arrivals: float
    """A second, over all streams."""
    busy: float
    """The share of a core that the server had."""

    @property
    def holds(self) -> bool:
        """Whether it is at its floors."""
        return self.kib <= MOST_KIB and self.p99 <= MOST_P99


@define
class Ear:
    """What all streams hear: when which escalation arrived, once for each."""

    at: list[tuple[bytes, float]] = field(factory=list)
    """On streams that are timed."""
    arrived: int = 0
    """On any stream."""
    opened: int = 0
    changed: asyncio.Event = field(factory=asyncio.Event)

    def heard(self, data: bytes, *, timed: bool) -> None:
        now = time.perf_counter()
        place = data.find(_EVENT)
        while place >= 0:
            self.arrived += 1
            if timed:
                begin = data.index(_ID, place) + len(_ID)
                self.at.append((data[begin : begin + 36], now))
            place = data.find(_EVENT, place + 1)
        self.changed.set()

    async def until(self, *, opened: int = 0, timed: int = 0, arrived: int = 0) -> None:
        """Come back once there are so many."""
        async with asyncio.timeout(PATIENCE):
            while self.opened < opened or len(self.at) < timed or self.arrived < arrived:
                self.changed.clear()
                await self.changed.wait()


class Listener(asyncio.Protocol):
    """One stream; one that is not timed is let wait in the system's memory, once it is open, until it is read."""

    def __init__(self, ear: Ear, ask: bytes, *, timed: bool) -> None:
        self._ear = ear
        self._ask = ask
        self.timed = timed
        self._open = False
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is none by its class.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._ask)

    def data_received(self, data: bytes) -> None:
        if not self._open and b": welcome" in data:
            self._open = True
            self._ear.opened += 1
            if not self.timed:
                self._transport.pause_reading()
        whole, ending, rest = (self._rest + data).rpartition(b"\n\n")
        self._rest = rest
        self._ear.heard(whole + ending, timed=self.timed)

    def read(self) -> None:
        """What has arrived."""
        if not self.timed:
            self._transport.resume_reading()


async def measure(*, streams: int, seconds: int, said: Callable[[str], None]) -> StreamsFigure:
    """Open them, escalate, and see what arrives when."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="flowpilot-bench-") as folder, a_postgres(Path(folder) / "data") as postgres:
        roles.set_up(postgres.address.url())
        migrations.migrate(postgres.address.url(user=roles.OWNER))
        database = Database(postgres.address.url(user=roles.APP))
        templates = [await a_template(database, f"Listening {n}", escalated=False) for n in range(ACCOUNTS)]
        await database.close()
        each = (WARMING + seconds) * A_SECOND // ACCOUNTS
        copy(postgres.address.url(), each, *templates)
        work = [(one.junior, SessionId(numbered(one.session_id, n))) for n in range(1, each + 1) for one in templates]
        tokens = [token for one in templates for token in (one.senior_token, one.other_token)]
        with serving(postgres, folder, streams_per_person=str(streams)) as (url, pid):
            ear, before = Ear(), rss(pid)
            address = urlsplit(url)
            asks = [request("GET", "/events", token) for token in tokens]
            listeners = [Listener(ear, asks[number % len(asks)], timed=number // len(asks) % TIMED == 0) for number in range(streams)]
            for first in range(0, streams, AT_ONCE):
                opening = listeners[first : first + AT_ONCE]
                await asyncio.gather(*(_open(address.hostname or "", address.port or 0, listener) for listener in opening))
                await ear.until(opened=first + len(opening))
                if first % 1_000 == 0:
                    said(f"{ear.opened} streams are open, {(rss(pid) - before) / ear.opened:.1f} KiB each")
            kib = (rss(pid) - before) / streams
            # What listens holds as much as the server, and what arrives while it looks for garbage would count as late.
            gc.disable()
            taken, begun = processor_time(pid), time.perf_counter()
            committed = await asyncio.to_thread(_escalations, postgres.address.url(user=roles.APP), work)
            busy = (processor_time(pid) - taken) / (time.perf_counter() - begun)
            warm = min(committed.values()) + WARMING
            counted = {handoff_id: at for handoff_id, at in committed.items() if at >= warm}
            lasted = max(counted.values()) - min(counted.values())
            said("waiting for the last to arrive")
            timed = sum(listener.timed for listener in listeners)
            await ear.until(timed=len(work) * timed // ACCOUNTS)
            for listener in listeners:
                listener.read()
            await ear.until(arrived=len(work) * streams // ACCOUNTS)
    times = array("d", ((at - counted[handoff_id]) * 1_000 for handoff_id, at in ear.at if handoff_id in counted))
    marks = quantiles(times, n=100)
    return StreamsFigure(
        streams=streams,
        kib=kib,
        p50=marks[49],
        p99=marks[98],
        escalations=len(counted) / lasted,
        arrivals=len(counted) * streams / ACCOUNTS / lasted,
        busy=busy,
    )


async def _open(host: str, port: int, listener: Listener) -> None:
    await asyncio.get_running_loop().create_connection(lambda: listener, host, port)


def _escalations(url: str, work: list[tuple[Person, SessionId]]) -> dict[bytes, float]:
    """When which handoff was committed; all of them in a process of its own, at its pace."""
    context = multiprocessing.get_context("spawn")
    hears, says = context.Pipe(duplex=False)
    process = context.Process(target=_escalate, args=(says, url, work), daemon=True)
    process.start()
    says.close()
    committed: dict[bytes, float] = hears.recv()
    process.join()
    return committed


def _escalate(says: Connection, url: str, work: list[tuple[Person, SessionId]]) -> None:
    async def run() -> dict[bytes, float]:
        committed: dict[bytes, float] = {}
        database, waking = Database(url, patience=timedelta(seconds=PATIENCE)), PostgresEventStream(url, jitter=jitter)
        begin = asyncio.get_running_loop().time() + 1.0

        at: ContextVar[float] = ContextVar("committed at")

        def publish(account_id: AccountId) -> None:
            at.set(time.perf_counter())
            waking.publish(account_id)

        flowpilot = FlowPilot.of(
            begin=database.begin, view=database.view, clock=SystemClock(), new_id=new_id, new_secret=new_secret, committed=publish
        )

        async def one(number: int, by: Person, session_id: SessionId) -> None:
            await asyncio.sleep(begin + number / A_SECOND - asyncio.get_running_loop().time())
            made = await flowpilot.handoffs.hand_off(by, session_id, intent=Intent.ESCALATE, reason="Out of ideas")
            committed[str(made.handoff.id).encode()] = at.get()

        await asyncio.gather(*(one(number, by, session_id) for number, (by, session_id) in enumerate(work)))
        await waking.close()
        await database.close()
        return committed

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        says.send(runner.run(run()))


def main() -> int:
    """Ends with 0 only if both floors hold."""
    parser = argparse.ArgumentParser(prog="python -m bench.streams", description=__doc__)
    parser.add_argument("--streams", type=int, default=STREAMS)
    parser.add_argument("--seconds", type=int, default=SECONDS)
    arguments = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        figure = runner.run(measure(streams=arguments.streams, seconds=arguments.seconds, said=lambda line: print(line, file=sys.stderr)))
    print(f"{figure.streams:,} streams of {ACCOUNTS} accounts at one process: {figure.kib:.1f} KiB each, {MOST_KIB:.0f} at most")
    print(f"{figure.escalations:.0f} escalations and {figure.arrivals:,.0f} arrivals a second, for {figure.busy:.2f} of a core")
    print(f"commit to arrival: p50 {figure.p50:.1f} ms, p99 {figure.p99:.1f} ms, {MOST_P99:.0f} ms at most")
    return 0 if figure.holds else 1


if __name__ == "__main__":
    sys.exit(main())
