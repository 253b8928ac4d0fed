"""Push: the rate of events to a thousand streams beside a bare ASGI server's, memory for each, and the time from commit to arrival."""

import asyncio
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import urlsplit
from uuid import UUID

from attrs import define, field, frozen

from flowpilot_adapters.embedded_postgres import EmbeddedPostgres
from flowpilot_adapters.push import PostgresEventStream
from flowpilot_adapters.sql import Database, migrations, roles
from flowpilot_adapters.system import SystemClock, jitter, new_id, new_secret
from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_core.domain.identifiers import AccountId, HandoffId

from .data import Template, a_template, copy, numbered
from .hot_paths import serving
from .load import rate, request

STREAMS = 1_000
EVENTS = 100
"""In a round, to every stream."""
SINGLE = 300
"""Events whose way is timed, one after the other, over one stream."""
LEAST, GOAL = 0.5, 0.85
MOST_KIB = 30.0
GOAL_P99 = 5.0


@frozen(kw_only=True)
class PushFigure:
    """What came of it: events times streams a second, KiB a stream, and milliseconds from commit to arrival."""

    ours: float
    bare: float
    ratios: list[float]
    kib: float
    bare_kib: float
    p50: float
    p99: float

    @property
    def ratio(self) -> float:
        """The median over the rounds."""
        return median(self.ratios)


@define
class Count:
    """Events that arrived, over all streams."""

    heard: int = 0
    opened: int = 0
    at: float = 0.0
    _awaited: int = 0
    _there: asyncio.Event = field(factory=asyncio.Event)

    def arrived(self, data: bytes) -> None:
        self.opened += data.count(b": welcome")
        if number := data.count(b"event: "):
            self.heard += number
            self.at = time.perf_counter()
        if self.heard + self.opened >= self._awaited:
            self._there.set()

    async def until(self, *, heard: int, opened: int) -> None:
        """Come back once so much has arrived."""
        self._awaited = heard + opened
        self._there.clear()
        if self.heard + self.opened < self._awaited:
            async with asyncio.timeout(120):
                await self._there.wait()


class Stream(asyncio.Protocol):
    """One stream, whose bytes are counted and forgotten."""

    def __init__(self, count: Count, ask: bytes) -> None:
        self._count = count
        self._ask = ask

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._ask)

    def data_received(self, data: bytes) -> None:
        self._count.arrived(data)


async def measure(*, rounds: int, said: Callable[[str], None]) -> PushFigure:
    """Both in every round, in shuffled order; the ratio is taken within a round."""
    with tempfile.TemporaryDirectory(prefix="flowpilot-bench-") as folder, EmbeddedPostgres(Path(folder) / "data") as postgres:
        roles.set_up(postgres.address.url())
        migrations.migrate(postgres.address.url(user=roles.OWNER))
        database = Database(postgres.address.url(user=roles.APP))
        template = await a_template(database, "Listening", escalated=True)
        handoff_id = template.handoff_id or HandoffId(UUID(int=0))
        copy(postgres.address.url(), template, EVENTS)
        with serving(postgres, folder) as (our_url, our_pid), _bare() as (bare_url, bare_pid):
            rates: dict[str, list[float]] = {"ours": [], "bare": []}
            kib: dict[str, list[float]] = {"ours": [], "bare": []}
            reroutes = [
                request("POST", f"/handoffs/{numbered(handoff_id, n)}/reroute", template.senior_token, body=b"{}")
                for n in range(1, EVENTS + 1)
            ]
            sides = [("ours", our_url, our_pid, reroutes), ("bare", bare_url, bare_pid, [request("POST", "/", "nobody")] * EVENTS)]
            for number in range(rounds):
                said(f"push, round {number + 1} of {rounds}")
                for name, url, pid, causes in random.sample(sides, 2):
                    each, memory = await _round(url, pid, template.senior_token, causes)
                    rates[name].append(each)
                    kib[name].append(memory)
            said("commit to arrival")
            times = await _arrivals(our_url, postgres.address.url(user=roles.APP), database, template)
        await database.close()
    percent = quantiles(times, n=100)
    return PushFigure(
        ours=median(rates["ours"]),
        bare=median(rates["bare"]),
        ratios=[ours / bare for ours, bare in zip(rates["ours"], rates["bare"], strict=True)],
        # What was once taken is used again: the first round shows what it costs.
        kib=kib["ours"][0],
        bare_kib=kib["bare"][0],
        p50=percent[49],
        p99=percent[98],
    )


async def _round(url: str, pid: int, token: str, causes: list[bytes]) -> tuple[float, float]:
    """Events times streams a second, and KiB a stream."""
    before, count = _rss(pid), Count()
    transports = [await _open(url, count, token) for _ in range(STREAMS)]
    await count.until(heard=0, opened=STREAMS)
    memory = (_rss(pid) - before) / STREAMS
    begun = time.perf_counter()
    await rate(url, causes, _answered)
    await count.until(heard=STREAMS * EVENTS, opened=STREAMS)
    taken = count.at - begun
    for transport in transports:
        transport.abort()
    await asyncio.sleep(1.0)
    return STREAMS * EVENTS / taken, memory


async def _arrivals(url: str, app: str, database: Database, template: Template) -> list[float]:
    """Milliseconds from the commit in this process to the arrival of what the server, another one, was told of it."""
    waking, count, committed = PostgresEventStream(app, jitter=jitter), Count(), 0.0

    def publish(account_id: AccountId) -> None:
        nonlocal committed
        committed = time.perf_counter()
        waking.publish(account_id)

    flowpilot = FlowPilot.of(
        begin=database.begin, view=database.view, clock=SystemClock(), new_id=new_id, new_secret=new_secret, committed=publish
    )
    transport = await _open(url, count, template.senior_token)
    await count.until(heard=0, opened=1)
    times = []
    assert template.handoff_id is not None
    for number in range(SINGLE):
        await flowpilot.handoffs.reroute(template.senior, template.handoff_id)
        await count.until(heard=number + 1, opened=1)
        times.append((count.at - committed) * 1_000)
        await asyncio.sleep(0.01)
    transport.abort()
    await waking.close()
    return times


async def _open(url: str, count: Count, token: str) -> asyncio.Transport:
    address = urlsplit(url)
    transport, _ = await asyncio.get_running_loop().create_connection(
        lambda: Stream(count, request("GET", "/events", token)), address.hostname or "", address.port or 0
    )
    assert isinstance(transport, asyncio.Transport)
    return transport


def _answered(status: int, body: bytes) -> None:
    if status != 200 or b'"id"' not in body:
        raise RuntimeError(f"the server answered {status}: {body[:500]!r}")


def _rss(pid: int) -> float:
    """KiB that a process has in memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return float(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))


@contextmanager
def _bare() -> Iterator[tuple[str, int]]:
    with subprocess.Popen([sys.executable, "-m", "bench.bare_push"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}", process.pid
        finally:
            process.terminate()
