"""Processes that are killed or stopped in the middle of something.

They are forked from a server process that has imported everything, so that walking every fault point takes seconds.
"""

import asyncio
import multiprocessing
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from attrs import frozen
from structlog.testing import capture_logs

from flowpilot_adapters.shared_counts import SharedCounts
from flowpilot_adapters.smtp import MailServer, SmtpNotifier
from flowpilot_adapters.sql import Database, SqlOutbox
from flowpilot_adapters.system import SystemClock, new_id
from flowpilot_adapters.vault import AesGcmVault
from flowpilot_core.application.access.secrets import Rotation
from flowpilot_core.domain.kernel.rate_limit import Tally
from flowpilot_core.testing.faults import Faults, signalling
from flowpilot_http.workers import Worker, Workers

from .assessing import assessing
from .escalation import Stuck, a_flowpilot, a_relay, an_app
from .maintenance import a_caretaker
from .policies import a_watch
from .psa.posting import NO_CERTIFICATES, posting
from .webhooks import KEY, calling

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.support.processes"])


@frozen
class Victim:
    """A process that says things on the way to its end."""

    process: ForkServerProcess
    said: Connection

    @classmethod
    def of(cls, work: Callable[..., None], *arguments: Any, daemon: bool = True) -> "Victim":
        """A process that does `work(connection, *arguments)`; one that begins others is no `daemon`."""
        said, says = _CONTEXT.Pipe(duplex=False)
        process = _CONTEXT.Process(target=work, args=(says, *arguments), daemon=daemon)
        process.start()
        says.close()
        return cls(process, said)

    def hears(self) -> Any:
        """The next thing it says; None once it has ended."""
        try:
            return self.said.recv()
        except EOFError:
            return None

    def ended(self) -> int:
        """How it ended: 0, or the number of the signal that killed it, negative."""
        self.process.join()
        code = self.process.exitcode
        assert code is not None
        return code

    def asked_to_end(self) -> None:
        """Ask it to, as whoever runs it does."""
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.SIGTERM)

    def goes_on(self) -> None:
        """Wake it after it was stopped."""
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.SIGCONT)


def escalate(says: Connection, url: str, stuck: Stuck, point: str) -> None:
    """Escalate, and say the handoff one is answered with; killed at `point`."""

    async def run() -> None:
        database = Database(url, pool_size=1)
        faults = Faults()
        faults.at(point, signalling(signal.SIGKILL))
        says.send(await stuck.escalate(faults.begin(database.begin)))
        await database.close()

    asyncio.run(run())


def serve(says: Connection, url: str, point: str) -> None:
    """Serve the API, and say on which port; killed at `point`."""

    async def run() -> None:
        database = Database(url, pool_size=2)
        faults = Faults()
        faults.at(point, signalling(signal.SIGKILL))
        app = an_app(a_flowpilot(faults.begin(database.begin), database.view))
        server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", log_config=None))
        with socket.create_server(("127.0.0.1", 0)) as listening:
            says.send(listening.getsockname()[1])
            await server.serve([listening])

    asyncio.run(run())


def relay(says: Connection, app_url: str, relay_url: str, smtp_url: str, point: str, number: int) -> None:
    """Do all work that is due, with mail over SMTP; gets a signal at `point`, before which it says so."""

    async def run() -> None:
        database, outbox = Database(app_url, pool_size=1), SqlOutbox(relay_url, pool_size=1)
        notifier = SmtpNotifier(server=MailServer.of(smtp_url), sender="flowpilot@msp.example", clock=SystemClock())
        faults = Faults()

        async def fault() -> None:
            says.send(point)
            await signalling(number)()

        faults.at(point, fault)
        await a_relay(faults.begin(database.begin), faults.outbox(outbox), faults.notifier(notifier)).run_once()
        await outbox.close()
        await database.close()

    asyncio.run(run())


@asynccontextmanager
async def _killed_at(point: str, app_url: str, relay_url: str) -> AsyncIterator[tuple[Database, SqlOutbox, Faults]]:
    """What a relay works with, which dies at `point`."""
    database, outbox = Database(app_url, pool_size=1), SqlOutbox(relay_url, pool_size=1)
    faults = Faults()
    faults.at(point, signalling(signal.SIGKILL))
    yield database, outbox, faults
    await outbox.close()
    await database.close()


def watch(says: Connection, app_url: str, relay_url: str, point: str) -> None:
    """Do what time does: the policy steps and the looks at claims that are due; killed at `point`."""

    async def run() -> None:
        async with _killed_at(point, app_url, relay_url) as (database, outbox, faults):
            await a_watch(faults.begin(database.begin), faults.outbox(outbox)).run_once()

    asyncio.run(run())


def care(says: Connection, app_url: str, relay_url: str, point: str) -> None:
    """Start the maintenance that is due; killed at `point`."""

    async def run() -> None:
        async with _killed_at(point, app_url, relay_url) as (database, outbox, faults):
            await a_caretaker(faults.begin(database.begin), faults.outbox(outbox)).run_once()

    asyncio.run(run())


def assess(says: Connection, app_url: str, relay_url: str, point: str) -> None:
    """Make the assessments that are due; killed at `point`."""

    async def run() -> None:
        async with _killed_at(point, app_url, relay_url) as (database, outbox, faults):
            await assessing(database.begin, database.view, outbox, faults).run_once()

    asyncio.run(run())


def call(says: Connection, app_url: str, relay_url: str, point: str) -> None:
    """Make and send what webhooks are to be told; killed at `point`."""

    async def run() -> None:
        async with (
            _killed_at(point, app_url, relay_url) as (database, outbox, faults),
            httpx.AsyncClient(verify=NO_CERTIFICATES) as client,
        ):
            relay = calling(database.begin, outbox, client, AesGcmVault([KEY]), faults)
            while await relay.run_once():
                pass

    asyncio.run(run())


def rotate(says: Connection, app_url: str, relay_url: str, keys: tuple[bytes, ...], point: str) -> None:
    """Seal all secrets under the first key; killed at `point`."""

    async def run() -> None:
        async with _killed_at(point, app_url, relay_url) as (database, outbox, faults):
            await Rotation(begin=faults.begin(database.begin), accounts=outbox, vault=AesGcmVault(keys), clock=SystemClock()).run()

    asyncio.run(run())


def take_and_die(says: Connection, folder: Path, number: int) -> None:
    """Take places as process `number`, say which were had, and die."""
    places = SharedCounts(folder, number).places("person")
    says.send([places.take("jo", 3) for _ in range(3)])
    signal.raise_signal(signal.SIGKILL)


def count_and_die(says: Connection, folder: Path) -> None:
    """Die in the middle of counting."""

    def die(_: Tally | None) -> Tally:
        signal.raise_signal(signal.SIGKILL)
        raise AssertionError

    SharedCounts(folder, 2).tallies("address").change("192.0.2.1", die)


def fail_to_begin(says: Connection) -> None:
    """Two workers of whom none can begin; says which were begun, and how that ended."""
    with capture_logs() as told:
        status = Workers(number=2, work=lambda _: 3, died=lambda _: None, ending=lambda: None).run()
    says.send([line["worker"] for line in told if line["event"] == "worker begun"])
    says.send(status)


def die_again_and_again(says: Connection) -> None:
    """Two workers of whom the second dies three times and then ends all; says the pauses before it was replaced, and how all ended."""
    lives: list[int] = []

    def work(worker: Worker) -> int:
        worker.ready()
        if worker.number == 2 and len(lives) < 3:
            return 1
        if worker.number == 2:
            os.kill(os.getppid(), signal.SIGTERM)
        signal.sigwait([signal.SIGUSR1])
        return 0

    with capture_logs() as told:
        status = Workers(number=2, work=work, died=lives.append, ending=lambda: None, long=3600.0, shortest_pause=0.01).run()
    says.send([line["pause_seconds"] for line in told if "pause_seconds" in line])
    says.send(status)


def be_killed(says: Connection) -> None:
    """Two workers who are deaf to being asked to end; says how that ended."""

    def work(worker: Worker) -> int:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        worker.ready()
        if worker.number == 2:
            os.kill(os.getppid(), signal.SIGTERM)
            os.kill(os.getppid(), signal.SIGINT)
        signal.sigwait([signal.SIGUSR1])
        return 0

    says.send(Workers(number=2, work=work, died=lambda _: None, ending=lambda: None).run())


def draw_ids(says: Connection) -> None:
    """Three workers of a process that has drawn ids, each of which says the first that it draws."""
    new_id()

    def work(worker: Worker) -> int:
        says.send(new_id())
        worker.ready()
        signal.sigwait([signal.SIGUSR1])
        return 0

    Workers(number=3, work=work, died=lambda _: None, ending=lambda: None).run()


def post(says: Connection, app_url: str, relay_url: str, point: str) -> None:
    """Post the notes that are due; killed at `point`, or by somebody else where that is none."""

    async def run() -> None:
        async with (
            _killed_at(point, app_url, relay_url) as (database, outbox, faults),
            httpx.AsyncClient(verify=NO_CERTIFICATES) as client,
        ):
            relay = posting(database.begin, outbox, client, faults)
            while await relay.run_once():
                pass

    asyncio.run(run())
