"""The server."""

import asyncio
import logging
import socket
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from attrs import evolve, frozen

from flowpilot_adapters.computing import WorkerProcesses
from flowpilot_adapters.pictures import PillowPictures
from flowpilot_adapters.redaction import SecretRedactor
from flowpilot_adapters.shared_counts import SharedCounts
from flowpilot_adapters.sql import Database, SqlMarks, SqlOutbox, migrations
from flowpilot_adapters.system import SystemClock, jitter, new_id, new_secret
from flowpilot_core.application.kernel.counting import PlacesHere
from flowpilot_core.application.notifications.push import Push
from flowpilot_core.application.relay.relay import Relay
from flowpilot_core.domain.kernel.errors import Unavailable
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.ports.kernel import Places
from flowpilot_core.ports.notifications import EventStream, Heard
from flowpilot_http import logs, server
from flowpilot_http.app import create_app
from flowpilot_http.auth import Attempts
from flowpilot_http.connections import Limits
from flowpilot_http.cursors import Cursors
from flowpilot_http.ending import asked_to_end
from flowpilot_http.garbage import Garbage
from flowpilot_http.loop_lag import watch_loop
from flowpilot_http.metrics import Metrics, SharedFigures
from flowpilot_http.middleware import Edge
from flowpilot_http.open_reads import OpenReads
from flowpilot_http.readiness import Probe, Readiness
from flowpilot_http.sending import give_large_pieces_back
from flowpilot_http.settings import Settings, variable
from flowpilot_http.sse import EventIds, Sse
from flowpilot_http.workers import Worker, Workers

from .database import Urls, answers, database_of, marks_of, opened, opened_for_relay, outbox_of, require_ready
from .failures import CannotRun
from .identities import openid_of
from .keys import secret_keys
from .outside import psas_of, waking_of
from .relaying import measure, relay_of
from .use_cases import use_cases

log = logging.getLogger("flowpilot.serving")

PROBE_SECONDS: Final = 3.0
PICTURE_SECONDS: Final = 30.0
"""That one picture may take; the largest takes three where nobody else works."""


@frozen(kw_only=True)
class _Together:
    """What a process that serves has in common with the others at its port; alone it has none of it."""

    worker: Worker
    counts: SharedCounts
    figures: SharedFigures

    def attempts(self) -> Attempts:
        """Sign-ins that failed at any of them."""
        return Attempts(addresses=self.counts.tallies("address"), accounts=self.counts.tallies("account"))


async def serve(settings: Settings, *, host: str, port: int, relay: bool) -> None:
    """Answer requests, and do the relay's work if asked to, until the process is asked to end. Raises `CannotRun`."""
    with asked_to_end() as stop, ExitStack() as stack:
        urls = stack.enter_context(database_of(settings))
        listener = stack.enter_context(_listening(host, port))
        await _serve(_found_at(settings, listener), urls, listener, relay, stop)


def serve_together(
    settings: Settings, *, host: str, port: int, relay: bool, workers: int, run: Callable[[Coroutine[Any, Any, None]], int]
) -> int:
    """As `serve`, by several processes that share the port, of which one does the relay's work; returns how it ended. Raises `CannotRun`.

    `run` does the work of a process, and says how that is to end.
    """
    with ExitStack() as stack:
        urls = stack.enter_context(database_of(settings))
        listener = stack.enter_context(_listening(host, port))
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="flowpilot-serve-")))
        figures = SharedFigures.make(folder / "figures")
        SharedCounts.make(folder)

        def work(worker: Worker) -> int:
            logs.WORKER.set(worker.number)
            together = _Together(worker=worker, counts=SharedCounts(folder, worker.number), figures=figures)
            return run(_work(_found_at(settings, listener), urls, listener, relay and worker.number == 1, together))

        def died(number: int) -> None:
            gone = SharedCounts(folder, number)
            gone.left()
            gone.close()
            figures.left(number)

        return Workers(number=workers, work=work, died=died, ending=listener.close).run()


async def _work(settings: Settings, urls: Urls, listener: socket.socket, relay: bool, together: _Together) -> None:
    with asked_to_end() as stop:
        loop = asyncio.get_running_loop()
        orphaned = together.worker.orphaned

        def end() -> None:
            loop.remove_reader(orphaned)
            log.warning("whoever keeps the workers is gone")
            stop.set()

        loop.add_reader(orphaned, end)
        try:
            await _serve(settings, urls, listener, relay, stop, together)
        finally:
            loop.remove_reader(orphaned)


def _found_at(settings: Settings, listener: socket.socket) -> Settings:
    return evolve(settings, base_url=settings.base_url or server.address(listener))


async def _serve(
    settings: Settings, urls: Urls, listener: socket.socket, relay: bool, stop: asyncio.Event, together: _Together | None = None
) -> None:
    """Raises `CannotRun`."""
    give_large_pieces_back()
    async with AsyncExitStack() as stack:
        database = opened(stack, urls.app, pool_size=settings.pool_size)
        watching = opened(stack, urls.app, pool_size=1)
        if not await answers(watching, stop):
            return
        await require_ready(watching, urls.app)
        outbox = outbox_of(stack, urls) if urls.relay is not None else None
        if relay and outbox is None:
            raise CannotRun(f"set {variable('relay_database_url')}, or leave the relay to another process with --no-relay")
        metrics = together.figures.of(together.worker.number) if together else Metrics()
        waking = waking_of(settings, stack, urls)
        psas = await psas_of(settings, stack)
        keys = secret_keys(settings)
        compute = WorkerProcesses()
        redact = SecretRedactor(keys[0], compute)
        working = None
        if relay and outbox:
            # Its own connections: no request waits for one that the relay's work has.
            relaying = opened_for_relay(stack, urls.app, pool_size=max(1, settings.pool_size // 2))
            working = await relay_of(settings, stack, urls, relaying, outbox, waking, psas, redact, compute, metrics)
        places = together.counts.places if together else _places_here

        def committed(account_id: AccountId) -> None:
            if working and not together:
                working.wake()
            waking.publish(account_id)

        openid = await openid_of(settings, stack)
        flowpilot = use_cases(
            settings,
            database,
            psas=psas,
            openid=openid,
            redact=redact,
            pictures=PillowPictures(WorkerProcesses(seconds=PICTURE_SECONDS)),
            compute=compute,
            committed=committed,
        )
        push = Push(
            begin=database.begin,
            view=database.view,
            wire=Sse(EventIds(Cursors(keys))),
            jitter=jitter,
            node_id=new_id(),
            most_of_account=settings.streams_per_account,
            most_of_person=settings.streams_per_person,
            accounts=places("account"),
            people=places("person"),
            standing=flowpilot.accounts.standing,
        )
        app = create_app(
            flowpilot,
            clock=SystemClock(),
            new_id=new_id,
            new_secret=new_secret,
            secret_keys=keys,
            base_url=settings.base_url or "",
            probe=_probe(watching, outbox, marks_of(stack, urls) if outbox else None),
            push=push,
            metrics=metrics,
            attempts=together.attempts() if together else None,
            security_contact=settings.security_contact,
            open_reads=OpenReads(allowed=settings.public_gallery, tallies=together.counts.tallies("open") if together else None),
        )
        if together:
            together.worker.ready()
        garbage = stack.enter_context(Garbage())
        async with asyncio.TaskGroup() as tasks:
            if working and outbox:
                log.info("relaying")
                tasks.create_task(working.run(stop))
                tasks.create_task(measure(outbox, metrics, stop))
            tasks.create_task(watch_loop(metrics, stop))
            tasks.create_task(garbage.run(stop))
            tasks.create_task(push.run(_WakingRelay(waking, working) if working and together else waking, stop))
            tasks.create_task(_until_served(app, listener, stop, settings, metrics, places("address")))


@frozen
class _WakingRelay:
    """Wake-ups that wake a relay too: for one that is not in every process that commits."""

    _waking: EventStream
    _relay: Relay

    def publish(self, account_id: AccountId) -> None:
        """As `EventStream.publish` says."""
        self._waking.publish(account_id)

    async def hear(self, heard: Heard) -> None:
        """As `EventStream.hear` says."""

        def both(account_id: AccountId | None) -> None:
            self._relay.wake()
            heard(account_id)

        await self._waking.hear(both)


def _places_here(_: str) -> Places:
    return PlacesHere()


def _listening(host: str, port: int) -> socket.socket:
    """Raises `CannotRun`."""
    try:
        return server.listening(host, port)
    except server.CannotListen as exc:
        raise CannotRun(str(exc)) from exc


async def _until_served(
    app: Edge, listener: socket.socket, stop: asyncio.Event, settings: Settings, metrics: Metrics, addresses: Places
) -> None:
    """Serve; however that ends, the relay is to end too."""
    limits = Limits(of_process=settings.connections, of_address=settings.connections_per_address)
    try:
        await server.serve(app, listener, stop, limits=limits, metrics=metrics, addresses=addresses)
    finally:
        stop.set()


def _probe(database: Database, outbox: SqlOutbox | None, marks: SqlMarks | None) -> Probe:
    """Looks over `database`, which nobody else uses: a full pool of the requests does not make the process look dead."""

    async def look() -> Readiness:
        problems: dict[str, str | None] = {"database": None, "migrations": None}
        lags = resting = None
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                if not await database.is_at_head():
                    problems["migrations"] = f"the schema is not at {migrations.head()}"
        except (Unavailable, TimeoutError):
            problems["database"] = problems["migrations"] = "the database does not answer"
        if outbox is not None and marks is not None:
            problems["relay"] = None
            try:
                async with asyncio.timeout(PROBE_SECONDS):
                    lags, resting = await outbox.lags(), await marks.why_paused()
            except (Unavailable, TimeoutError):
                problems["relay"] = "the table of due work does not answer"
        return Readiness(problems=problems, relay_lags=lags, resting=resting)

    return look
