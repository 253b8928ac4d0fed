"""Push: the rate of events to a thousand streams beside a bare ASGI server's, memory for each, and the time from commit to arrival.

On one process, and on two that NATS wakes, with half of the streams at each.
"""

import asyncio
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import urlsplit
from uuid import UUID

from attrs import define, field, frozen

from flowpilot_adapters.embedded_postgres import EmbeddedPostgres
from flowpilot_adapters.push import NatsEventStream, PostgresEventStream
from flowpilot_adapters.sql import Database, migrations, roles
from flowpilot_adapters.system import SystemClock, jitter, new_id, new_secret
from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_core.domain.kernel.identifiers import AccountId, HandoffId

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
    two: float
    """Over two processes."""
    two_ratios: list[float]
    two_p50: float
    two_p99: float

    @property
    def ratio(self) -> float:
        """The median over the rounds."""
        return median(self.ratios)

    @property
    def two_ratio(self) -> float:
        """The same over two processes."""
        return median(self.two_ratios)


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
    """All of them in every round, in shuffled order; the ratios are taken within a round."""
    with ExitStack() as stack:
        folder, first, second = (stack.enter_context(tempfile.TemporaryDirectory(prefix="flowpilot-bench-")) for _ in range(3))
        postgres = stack.enter_context(EmbeddedPostgres(Path(folder) / "data"))
        app = postgres.address.url(user=roles.APP)
        roles.set_up(postgres.address.url())
        migrations.migrate(postgres.address.url(user=roles.OWNER))
        database = Database(app)
        template = await a_template(database, "Listening", escalated=True)
        handoff_id = template.handoff_id or HandoffId(UUID(int=0))
        copy(postgres.address.url(), EVENTS, template)
        our_url, our_pid = stack.enter_context(serving(postgres, folder, streams_per_person=str(STREAMS)))
        bare_url, bare_pid = stack.enter_context(_bare())
        nats = stack.enter_context(_nats(Path(folder) / "nats"))
        two = [stack.enter_context(serving(postgres, one, nats_url=nats, streams_per_person=str(STREAMS))) for one in (first, second)]
        reroutes = [
            request("POST", f"/handoffs/{numbered(handoff_id, n)}/reroute", template.senior_token, body=b"{}") for n in range(1, EVENTS + 1)
        ]
        sides = [
            ("ours", [our_url], our_pid, reroutes),
            ("bare", [bare_url], bare_pid, [request("POST", "/", "nobody")] * EVENTS),
            ("two", [url for url, _ in two], two[0][1], reroutes),
        ]
        rates: dict[str, list[float]] = {name: [] for name, *_ in sides}
        kib: dict[str, list[float]] = {name: [] for name, *_ in sides}
        for number in range(rounds):
            said(f"push, round {number + 1} of {rounds}")
            for name, urls, pid, causes in random.sample(sides, len(sides)):
                each, memory = await _round(urls, pid, template.senior_token, causes)
                rates[name].append(each)
                kib[name].append(memory)
        said("commit to arrival")
        times = quantiles(await _arrivals(our_url, PostgresEventStream(app, jitter=jitter), database, template), n=100)
        over_nats = quantiles(await _arrivals(two[0][0], NatsEventStream(nats, jitter=jitter), database, template), n=100)
        await database.close()
    return PushFigure(
        ours=median(rates["ours"]),
        bare=median(rates["bare"]),
        ratios=[ours / bare for ours, bare in zip(rates["ours"], rates["bare"], strict=True)],
        # What was once taken is used again: the first round shows what it costs.
        kib=kib["ours"][0],
        bare_kib=kib["bare"][0],
        p50=times[49],
        p99=times[98],
        two=median(rates["two"]),
        two_ratios=[both / bare for both, bare in zip(rates["two"], rates["bare"], strict=True)],
        two_p50=over_nats[49],
        two_p99=over_nats[98],
    )


async def _round(urls: list[str], pid: int, token: str, causes: list[bytes]) -> tuple[float, float]:
    """Events times streams a second, and KiB a stream; streams are open at each address in turn, and the first is asked for events."""
    before, count = rss(pid), Count()
    transports = [await _open(urls[number % len(urls)], count, token) for number in range(STREAMS)]
    await count.until(heard=0, opened=STREAMS)
    memory = (rss(pid) - before) / STREAMS
    begun = time.perf_counter()
    await rate(urls[0], causes, _answered)
    await count.until(heard=STREAMS * EVENTS, opened=STREAMS)
    taken = count.at - begun
    for transport in transports:
        transport.abort()
    await asyncio.sleep(1.0)
    return STREAMS * EVENTS / taken, memory


async def _arrivals(url: str, waking: PostgresEventStream | NatsEventStream, database: Database, template: Template) -> list[float]:
    """Milliseconds from the commit in this process to the arrival of what the server, another one, was told of it."""
    count, committed = Count(), 0.0

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


def rss(pid: int) -> float:
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


@contextmanager
def _nats(folder: Path) -> Iterator[str]:
    """NATS with JetStream, and where it is."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).parent / "nats-server"), "--addr", "127.0.0.1", "--port", str(port), "--jetstream"]
    with subprocess.Popen([*command, "--store_dir", str(folder)], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            if not any("Server is ready" in line for line in process.stderr):
                raise RuntimeError("the NATS server ended")
            yield f"nats://127.0.0.1:{port}"
        finally:
            process.terminate()
