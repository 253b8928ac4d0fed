"""The processes: the server, the relay, and the commands that work beside them."""

import asyncio
import socket
from contextlib import AsyncExitStack
from typing import Final

import structlog
from attrs import evolve

from flowpilot_adapters.openid import HttpOpenId
from flowpilot_adapters.redaction import SecretRedactor
from flowpilot_adapters.restore_mark_file import MarkFile
from flowpilot_adapters.sql import Database, SqlOutbox, migrations
from flowpilot_adapters.system import SystemClock, jitter, new_id, new_secret
from flowpilot_adapters.vault import AesGcmVault
from flowpilot_core.application.access.secrets import Rotated, Rotation
from flowpilot_core.application.notifications.push import Push
from flowpilot_core.application.relay.relay import Relay
from flowpilot_core.domain.kernel.errors import Unavailable
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_http import server
from flowpilot_http.app import create_app
from flowpilot_http.cursors import Cursors
from flowpilot_http.metrics import Metrics
from flowpilot_http.middleware import Edge
from flowpilot_http.readiness import Probe, Readiness
from flowpilot_http.settings import Settings, variable
from flowpilot_http.sse import EventIds, Sse

from .assembly import relay_of, use_cases
from .database import Urls, answers, database_of, marks_of, opened, outbox_of, require_ready
from .failures import CannotRun, first_line
from .keys import secret_keys
from .outside import outside, psas_of, waking_of

log = structlog.get_logger()

PROBE_SECONDS: Final = 3.0
BETWEEN_FIGURES: Final = 15.0
"""Seconds between looks at how far the relay is behind."""


async def serve(settings: Settings, *, host: str, port: int, relay: bool) -> None:
    """Answer requests, and do the relay's work if asked to, until the process is asked to end. Raises `CannotRun`."""
    with server.asked_to_end() as stop:
        async with AsyncExitStack() as stack:
            urls = stack.enter_context(database_of(settings))
            listener = stack.enter_context(server.listening(host, port))
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
            working = await relay_of(settings, stack, urls, database, outbox, waking, psas, metrics) if relay and outbox else None
            keys = secret_keys(settings)
            push = Push(begin=database.begin, view=database.view, wire=Sse(EventIds(Cursors(keys))), jitter=jitter, node_id=new_id())

            def committed(account_id: AccountId) -> None:
                if working:
                    working.wake()
                waking.publish(account_id)

            openid = HttpOpenId(client=await outside(settings, stack), clock=SystemClock())
            flowpilot = use_cases(settings, database, psas=psas, openid=openid, redact=SecretRedactor(keys[0]), committed=committed)
            app = create_app(
                flowpilot,
                clock=SystemClock(),
                new_id=new_id,
                new_secret=new_secret,
                secret_keys=keys,
                base_url=settings.base_url or "",
                probe=_probe(watching, outbox),
                push=push,
                metrics=metrics,
                security_contact=settings.security_contact,
            )
            async with asyncio.TaskGroup() as tasks:
                if working and outbox:
                    tasks.create_task(working.run(stop))
                    tasks.create_task(_measure(outbox, metrics, stop))
                tasks.create_task(push.run(waking, stop))
                tasks.create_task(_until_served(app, listener, stop))


async def relay(settings: Settings, *, metrics_port: int | None = None) -> None:
    """Do the relay's work until the process is asked to end. Raises `CannotRun`."""
    with server.asked_to_end() as stop:
        async with AsyncExitStack() as stack:
            urls = stack.enter_context(database_of(settings))
            database, outbox, metrics = await _relaying(settings, stack, urls), outbox_of(stack, urls), Metrics()
            if not await answers(database, stop):
                return
            await require_ready(database, urls.app)
            if metrics_port is not None:
                try:
                    stack.callback(metrics.answer("0.0.0.0", metrics_port))
                except OSError as exc:
                    raise CannotRun(f"cannot answer on port {metrics_port}: {exc.strerror or exc}; name another") from exc
            working = await _worker(settings, stack, urls, database, outbox, metrics)
            log.info("relaying")
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(working.run(stop))
                tasks.create_task(_measure(outbox, metrics, stop))
            log.info("relayed")


async def drain(settings: Settings) -> int:
    """Do all that is due now, and say how much it was. Raises `CannotRun`, also where relays rest."""
    async with AsyncExitStack() as stack:
        urls = stack.enter_context(database_of(settings))
        database, outbox = await _relaying(settings, stack, urls), outbox_of(stack, urls)
        await require_ready(database, urls.app)
        if reason := await marks_of(stack, urls).why_paused():
            raise CannotRun(f"relays rest: {reason}; when it is clear what may be sent again, run: flowpilot relay resume")
        working = await _worker(settings, stack, urls, database, outbox, Metrics())
        done = 0
        while found := await working.run_once():
            done += found
        return done


async def resume_relays(settings: Settings) -> str | None:
    """Let relays work again; returns why they rested, or None where they did not. Raises `CannotRun`."""
    async with AsyncExitStack() as stack:
        urls = stack.enter_context(database_of(settings))
        marks, kept = marks_of(stack, urls), MarkFile(settings.data_dir)
        reason, name = await marks.why_paused(), await marks.database()
        kept.write(name, await marks.resume(kept.read(name)))
        return reason


async def pause_relays(settings: Settings, reason: str) -> None:
    """Have all relays rest until they are resumed. Raises `CannotRun`."""
    async with AsyncExitStack() as stack:
        await marks_of(stack, stack.enter_context(database_of(settings))).pause(reason)


async def rotate(settings: Settings) -> Rotated:
    """Seal every account's secrets under the secret key of now. Raises `CannotRun`."""
    vault = AesGcmVault(secret_keys(settings))
    async with AsyncExitStack() as stack:
        urls = stack.enter_context(database_of(settings))
        if urls.relay is None:
            raise CannotRun(f"set {variable('relay_database_url')}: the relay's role knows which accounts have secrets")
        database = opened(stack, urls.app, pool_size=1)
        outbox = SqlOutbox(urls.relay, pool_size=1)
        stack.push_async_callback(outbox.close)
        try:
            await require_ready(database, urls.app)
            return await Rotation(begin=database.begin, accounts=outbox, vault=vault, clock=SystemClock()).run()
        except Unavailable as exc:
            raise CannotRun(f"the database does not answer ({first_line(exc.__cause__ or exc)}); is it up? Run it again.") from exc


async def _relaying(settings: Settings, stack: AsyncExitStack, urls: Urls) -> Database:
    """The database for whoever relays. Raises `CannotRun`."""
    if settings.base_url is None:
        raise CannotRun(f"set {variable('base_url')} to where links in mails lead to")
    return opened(stack, urls.app, pool_size=settings.pool_size)


async def _worker(settings: Settings, stack: AsyncExitStack, urls: Urls, database: Database, outbox: SqlOutbox, metrics: Metrics) -> Relay:
    """The relay of a process that does nothing else."""
    waking, psas = waking_of(settings, stack, urls), await psas_of(settings, stack)
    return await relay_of(settings, stack, urls, database, outbox, waking, psas, metrics)


async def _measure(outbox: SqlOutbox, metrics: Metrics, stop: asyncio.Event) -> None:
    """Note now and then how far the relay is behind, until `stop` is set."""
    stopping = asyncio.create_task(stop.wait())
    while not stop.is_set():
        try:
            metrics.lags(await outbox.lags())
        except Unavailable as exc:
            log.debug("the relay's lag cannot be measured", problem=str(exc))
        await asyncio.wait({stopping}, timeout=BETWEEN_FIGURES)


async def _until_served(app: Edge, listener: socket.socket, stop: asyncio.Event) -> None:
    """Serve; however that ends, the relay is to end too."""
    try:
        await server.serve(app, listener, stop)
    finally:
        stop.set()


def _probe(database: Database, outbox: SqlOutbox | None) -> Probe:
    """Looks over `database`, which nobody else uses: a full pool of the requests does not make the process look dead."""

    async def look() -> Readiness:
        problems: dict[str, str | None] = {"database": None, "migrations": None}
        lags = None
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                if not await database.is_at_head():
                    problems["migrations"] = f"the schema is not at {migrations.head()}"
        except (Unavailable, TimeoutError):
            problems["database"] = problems["migrations"] = "the database does not answer"
        if outbox is not None:
            problems["relay"] = None
            try:
                async with asyncio.timeout(PROBE_SECONDS):
                    lags = await outbox.lags()
            except (Unavailable, TimeoutError):
                problems["relay"] = "the table of due work does not answer"
        return Readiness(problems=problems, relay_lags=lags)

    return look
