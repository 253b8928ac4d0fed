"""The server."""

import asyncio
import socket
from contextlib import AsyncExitStack
from typing import Final

from attrs import evolve

from flowpilot_adapters.computing import WorkerProcesses
from flowpilot_adapters.redaction import SecretRedactor
from flowpilot_adapters.sql import Database, SqlMarks, SqlOutbox, migrations
from flowpilot_adapters.system import SystemClock, jitter, new_id, new_secret
from flowpilot_core.application.notifications.push import Push
from flowpilot_core.domain.kernel.errors import Unavailable
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_http import server
from flowpilot_http.app import create_app
from flowpilot_http.connections import Limits
from flowpilot_http.cursors import Cursors
from flowpilot_http.ending import asked_to_end
from flowpilot_http.loop_lag import watch_loop
from flowpilot_http.metrics import Metrics
from flowpilot_http.middleware import Edge
from flowpilot_http.readiness import Probe, Readiness
from flowpilot_http.settings import Settings, variable
from flowpilot_http.sse import EventIds, Sse

from .database import answers, database_of, marks_of, opened, opened_for_relay, outbox_of, require_ready
from .failures import CannotRun
from .identities import openid_of
from .keys import secret_keys
from .outside import psas_of, waking_of
from .relaying import measure, relay_of
from .use_cases import use_cases

PROBE_SECONDS: Final = 3.0


async def serve(settings: Settings, *, host: str, port: int, relay: bool) -> None:
    """Answer requests, and do the relay's work if asked to, until the process is asked to end. Raises `CannotRun`."""
    with asked_to_end() as stop:
        async with AsyncExitStack() as stack:
            urls = stack.enter_context(database_of(settings))
            listener = stack.enter_context(_listening(host, port))
            settings = evolve(settings, base_url=settings.base_url or server.address(listener))
            database = opened(stack, urls.app, pool_size=settings.pool_size)
            watching = opened(stack, urls.app, pool_size=1)
            if not await answers(watching, stop):
                return
            await require_ready(watching, urls.app)
            outbox = outbox_of(stack, urls) if urls.relay is not None else None
            if relay and outbox is None:
                raise CannotRun(f"set {variable('relay_database_url')}, or leave the relay to another process with --no-relay")
            metrics = Metrics()
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
            push = Push(
                begin=database.begin,
                view=database.view,
                wire=Sse(EventIds(Cursors(keys))),
                jitter=jitter,
                node_id=new_id(),
                most_of_account=settings.streams_per_account,
                most_of_person=settings.streams_per_person,
            )

            def committed(account_id: AccountId) -> None:
                if working:
                    working.wake()
                waking.publish(account_id)

            openid = await openid_of(settings, stack)
            flowpilot = use_cases(settings, database, psas=psas, openid=openid, redact=redact, compute=compute, committed=committed)
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
                security_contact=settings.security_contact,
            )
            async with asyncio.TaskGroup() as tasks:
                if working and outbox:
                    tasks.create_task(working.run(stop))
                    tasks.create_task(measure(outbox, metrics, stop))
                tasks.create_task(watch_loop(metrics, stop))
                tasks.create_task(push.run(waking, stop))
                tasks.create_task(_until_served(app, listener, stop, settings, metrics))


def _listening(host: str, port: int) -> socket.socket:
    """Raises `CannotRun`."""
    try:
        return server.listening(host, port)
    except server.CannotListen as exc:
        raise CannotRun(str(exc)) from exc


async def _until_served(app: Edge, listener: socket.socket, stop: asyncio.Event, settings: Settings, metrics: Metrics) -> None:
    """Serve; however that ends, the relay is to end too."""
    limits = Limits(of_process=settings.connections, of_address=settings.connections_per_address)
    try:
        await server.serve(app, listener, stop, limits=limits, metrics=metrics)
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
