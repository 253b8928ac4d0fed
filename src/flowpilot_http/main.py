"""The composition root: the one place that chooses adapters and puts the program together."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Final

import httpx
import structlog
from attrs import evolve, frozen

from flowpilot_adapters.embedded_postgres import EmbeddedPostgres, PostgresFailed
from flowpilot_adapters.llm import ModelAssistant, Price, Speaks, speaker
from flowpilot_adapters.log_notifier import LogNotifier
from flowpilot_adapters.mark_file import MarkFile
from flowpilot_adapters.openid import HttpOpenId
from flowpilot_adapters.outgoing import guarded_client
from flowpilot_adapters.psa import Autotask, ConnectWise, HaloPsa
from flowpilot_adapters.psa.line import DEADLINE, MOST_BYTES
from flowpilot_adapters.push import NatsEventStream, PostgresEventStream
from flowpilot_adapters.redaction import SecretRedactor
from flowpilot_adapters.smtp import MailServer, SmtpNotifier, domain_of
from flowpilot_adapters.sql import Database, SqlMarks, SqlOutbox, migrations, roles, tenancy
from flowpilot_adapters.system import SystemClock, jitter, new_id, new_secret
from flowpilot_adapters.typeset import HtmlLetters
from flowpilot_adapters.vault import AesGcmVault
from flowpilot_adapters.webhooks import HttpWebhooks
from flowpilot_core.application.assessing import MakeAssessment
from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_core.application.invitations import SendInvitation
from flowpilot_core.application.links import Links
from flowpilot_core.application.models import Models, Rested
from flowpilot_core.application.notifications import SendDelivery
from flowpilot_core.application.policy_steps import TakePolicySteps
from flowpilot_core.application.posting import PostNote
from flowpilot_core.application.psa_access import Psas
from flowpilot_core.application.push import Push
from flowpilot_core.application.quiet_claims import WatchClaims
from flowpilot_core.application.reactions import reactions
from flowpilot_core.application.relay import Handler, Relay
from flowpilot_core.application.restores import RestoreGuard
from flowpilot_core.application.secrets import Rotated, Rotation, Safe
from flowpilot_core.application.suggesting import MakeSuggestion
from flowpilot_core.application.units import Units
from flowpilot_core.application.webhook_messages import SendWebhook, SpreadEvent
from flowpilot_core.domain.errors import InvalidValue, Unavailable
from flowpilot_core.domain.identifiers import AccountId
from flowpilot_core.ports.event_stream import EventStream
from flowpilot_core.ports.identity import OpenId
from flowpilot_core.ports.notifier import Notifier
from flowpilot_core.ports.outbox import WorkKind
from flowpilot_core.ports.psa import Psa

from . import server
from .app import create_app
from .cursors import Cursors
from .edge import Edge
from .metrics import Metrics
from .readiness import Probe, Readiness
from .settings import SHORTEST_KEY, Settings, variable
from .sse import EventIds, Sse

log = structlog.get_logger()

KEY_FILE: Final = "secret_key"
PATIENCE: Final = 30.0
"""Seconds that a start waits for a database that does not answer."""
BETWEEN_TRIES: Final = 1.0
PROBE_SECONDS: Final = 3.0
BETWEEN_FIGURES: Final = 15.0
"""Seconds between looks at how far the relay is behind."""


class CannotRun(Exception):
    """What is missing or wrong, and what to do about it."""


@frozen(kw_only=True)
class Urls:
    """One database, as each role; None where nobody told."""

    app: str
    relay: str | None
    owner: str | None


def _migrate(url: str) -> bool:
    """Whether there was anything to do."""
    try:
        done = migrations.is_at_head(url)
        migrations.migrate(url)
    except Exception as exc:
        # Whatever the driver or the migration tool raises: nothing of it is known in this ring, and all of it means the same.
        remedy = f"is it up, does {roles.OWNER} own the schema, and did a superuser set the roles up?"
        raise CannotRun(f"the schema could not be migrated ({_first_line(exc)}); {remedy}") from exc
    return not done


def _nobody(_: AccountId) -> None:
    """There is nobody here to wake."""


@frozen
class Finding:
    """Something that was looked at: what is wrong with it and what to do, or nothing; `note` is what is worth knowing all the same."""

    check: str
    problem: str | None = None
    remedy: str | None = None
    note: str | None = None


@contextmanager
def database_of(settings: Settings) -> Iterator[Urls]:
    """The database: the one that was named, or our own, started if need be, set up and migrated. Raises `CannotRun`."""
    if settings.database_url is not None:
        yield Urls(app=settings.database_url, relay=settings.relay_database_url, owner=settings.migration_database_url)
        return
    embedded = EmbeddedPostgres(settings.data_dir)
    try:
        address = embedded.start()
    except PostgresFailed as exc:
        raise CannotRun(f"the embedded database did not start: {exc}") from exc
    try:
        urls = Urls(app=address.url(user=roles.APP), relay=address.url(user=roles.RELAY), owner=address.url(user=roles.OWNER))
        superuser = address.url()
        if not migrations.is_at_head(superuser):
            roles.set_up(superuser)
            _migrate(address.url(user=roles.OWNER))
        yield urls
    finally:
        embedded.stop()


@asynccontextmanager
async def flowpilot_of(settings: Settings) -> AsyncIterator[FlowPilot]:
    """The use cases on the database that was named, or our own. Raises `CannotRun`."""
    async with AsyncExitStack() as stack:
        urls = stack.enter_context(database_of(settings))
        database = Database(urls.app, pool_size=settings.pool_size)
        stack.push_async_callback(database.close)
        try:
            await _require_ready(database, urls.app)
        except Unavailable as exc:
            raise CannotRun(
                f"the database does not answer ({_first_line(exc.__cause__ or exc)}); is it up, and is its address right?"
            ) from exc
        openid = HttpOpenId(client=await _outside(settings, stack), clock=SystemClock())
        yield _flowpilot(settings, database, openid=openid)


async def serve(settings: Settings, *, host: str, port: int, relay: bool) -> None:
    """Answer requests, and do the relay's work if asked to, until the process is asked to end. Raises `CannotRun`."""
    with server.asked_to_end() as stop:
        async with AsyncExitStack() as stack:
            urls = stack.enter_context(database_of(settings))
            listener = stack.enter_context(server.listening(host, port))
            settings = evolve(settings, base_url=settings.base_url or server.address(listener))
            database = Database(urls.app, pool_size=settings.pool_size)
            stack.push_async_callback(database.close)
            watching = Database(urls.app, pool_size=1)
            stack.push_async_callback(watching.close)
            if not await _answers(watching, stop):
                return
            await _require_ready(watching, urls.app)
            outbox = None
            if urls.relay is not None:
                outbox = SqlOutbox(urls.relay)
                stack.push_async_callback(outbox.close)
            elif relay:
                raise CannotRun(f"set {variable('relay_database_url')}, or leave the relay to another process with --no-relay")
            metrics = Metrics()
            waking = _waking(settings, urls)
            stack.push_async_callback(waking.close)
            psas = await _psas(settings, stack)
            working = await _relay(settings, stack, urls, database, outbox, waking, psas, metrics) if relay and outbox else None
            keys = secret_keys(settings)
            push = Push(begin=database.begin, view=database.view, wire=Sse(EventIds(Cursors(keys))), jitter=jitter, node_id=new_id())

            def committed(account_id: AccountId) -> None:
                if working:
                    working.wake()
                waking.publish(account_id)

            openid = HttpOpenId(client=await _outside(settings, stack), clock=SystemClock())
            flowpilot = _flowpilot(settings, database, psas=psas, openid=openid, committed=committed)
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
            database, outbox, metrics = await _relaying(settings, stack, urls), _outbox(stack, urls), Metrics()
            if not await _answers(database, stop):
                return
            await _require_ready(database, urls.app)
            if metrics_port is not None:
                try:
                    stack.callback(metrics.answer("0.0.0.0", metrics_port))
                except OSError as exc:
                    raise CannotRun(f"cannot answer on port {metrics_port}: {exc.strerror or exc}; name another") from exc
            waking = _waking(settings, urls)
            stack.push_async_callback(waking.close)
            psas = await _psas(settings, stack)
            working = await _relay(settings, stack, urls, database, outbox, waking, psas, metrics)
            log.info("relaying")
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(working.run(stop))
                tasks.create_task(_measure(outbox, metrics, stop))
            log.info("relayed")


async def drain(settings: Settings) -> int:
    """Do all that is due now, and say how much it was. Raises `CannotRun`, also where relays rest."""
    async with AsyncExitStack() as stack:
        urls = stack.enter_context(database_of(settings))
        database, outbox = await _relaying(settings, stack, urls), _outbox(stack, urls)
        await _require_ready(database, urls.app)
        if reason := await _marks(stack, urls).why_paused():
            raise CannotRun(f"relays rest: {reason}; when it is clear what may be sent again, run: flowpilot relay resume")
        waking = _waking(settings, urls)
        stack.push_async_callback(waking.close)
        psas = await _psas(settings, stack)
        working = await _relay(settings, stack, urls, database, outbox, waking, psas, Metrics())
        done = 0
        while found := await working.run_once():
            done += found
        return done


async def resume_relays(settings: Settings) -> str | None:
    """Let relays work again; returns why they rested, or None where they did not. Raises `CannotRun`."""
    async with AsyncExitStack() as stack:
        urls = stack.enter_context(database_of(settings))
        marks, kept = _marks(stack, urls), MarkFile(settings.data_dir)
        reason, name = await marks.why_paused(), await marks.database()
        kept.write(name, await marks.resume(kept.read(name)))
        return reason


async def pause_relays(settings: Settings, reason: str) -> None:
    """Have all relays rest until they are resumed. Raises `CannotRun`."""
    async with AsyncExitStack() as stack:
        await _marks(stack, stack.enter_context(database_of(settings))).pause(reason)


async def _relaying(settings: Settings, stack: AsyncExitStack, urls: Urls) -> Database:
    """The database for whoever relays. Raises `CannotRun`."""
    if settings.base_url is None:
        raise CannotRun(f"set {variable('base_url')} to where links in mails lead to")
    database = Database(urls.app, pool_size=settings.pool_size)
    stack.push_async_callback(database.close)
    return database


def _outbox(stack: AsyncExitStack, urls: Urls) -> SqlOutbox:
    outbox = SqlOutbox(_relay_url(urls))
    stack.push_async_callback(outbox.close)
    return outbox


def _marks(stack: AsyncExitStack, urls: Urls) -> SqlMarks:
    marks = SqlMarks(_relay_url(urls))
    stack.push_async_callback(marks.close)
    return marks


def _relay_url(urls: Urls) -> str:
    """Raises `CannotRun`."""
    if urls.relay is None:
        raise CannotRun(f"set {variable('relay_database_url')} to the database as {roles.RELAY}")
    return urls.relay


async def _measure(outbox: SqlOutbox, metrics: Metrics, stop: asyncio.Event) -> None:
    """Note now and then how far the relay is behind, until `stop` is set."""
    stopping = asyncio.create_task(stop.wait())
    while not stop.is_set():
        try:
            metrics.lags(await outbox.lags())
        except Unavailable as exc:
            log.debug("the relay's lag cannot be measured", problem=str(exc))
        await asyncio.wait({stopping}, timeout=BETWEEN_FIGURES)


def migrate(settings: Settings) -> tuple[str, bool]:
    """Bring the schema to what this program wants; returns its revision, and whether anything had to be done. Raises `CannotRun`."""
    if not settings.embedded and settings.migration_database_url is None:
        raise CannotRun(f"set {variable('migration_database_url')} to the database as {roles.OWNER}, who owns the schema")
    with database_of(settings) as urls:
        return migrations.head(), _migrate(urls.owner or urls.app)


async def examine(settings: Settings) -> list[Finding]:
    """Everything that can be wrong with an installation, looked at; what depends on what is wrong is left out."""
    findings = [
        _found("secret key", lambda: secret_keys(settings)),
        _found("mail", lambda: _notifier(settings)),
        _found("assistant", lambda: speakers(settings)),
    ]
    try:
        with database_of(settings) as urls:
            findings += await _examined(settings, urls)
    except CannotRun as exc:
        findings.append(Finding("database", str(exc), "Mend that first; the rest of the database was not looked at."))
    return findings


async def rotate(settings: Settings) -> Rotated:
    """Seal every account's secrets under the secret key of now. Raises `CannotRun`."""
    vault = AesGcmVault(secret_keys(settings))
    async with AsyncExitStack() as stack:
        urls = stack.enter_context(database_of(settings))
        if urls.relay is None:
            raise CannotRun(f"set {variable('relay_database_url')}: the relay's role knows which accounts have secrets")
        database = Database(urls.app, pool_size=1)
        stack.push_async_callback(database.close)
        outbox = SqlOutbox(urls.relay, pool_size=1)
        stack.push_async_callback(outbox.close)
        try:
            await _require_ready(database, urls.app)
            return await Rotation(begin=database.begin, accounts=outbox, vault=vault).run()
        except Unavailable as exc:
            raise CannotRun(f"the database does not answer ({_first_line(exc.__cause__ or exc)}); is it up? Run it again.") from exc


def secret_keys(settings: Settings) -> tuple[bytes, ...]:
    """The secret key, and the one before it where one is named. Raises `CannotRun`."""
    previous = settings.secret_key_previous
    if settings.secret_key_previous_file is not None:
        return secret_key(settings), _key_in(settings.secret_key_previous_file)
    return (secret_key(settings), previous.encode()) if previous is not None else (secret_key(settings),)


def secret_key(settings: Settings) -> bytes:
    """What secrets are sealed and cursors signed with; beside an embedded database one is made on first use. Raises `CannotRun`."""
    if settings.secret_key is not None:
        return settings.secret_key.encode()
    file = settings.secret_key_file
    if file is None:
        if not settings.embedded:
            raise CannotRun(
                f"set {variable('secret_key')} or {variable('secret_key_file')}: with a database server every process needs the same key; "
                "make one with: openssl rand -hex 32"
            )
        file = settings.data_dir / KEY_FILE
        _make_key(file)
    return _key_in(file)


def _key_in(file: Path) -> bytes:
    try:
        key = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise CannotRun(f"the secret key in {file} cannot be read: {exc}") from exc
    if len(key) < SHORTEST_KEY:
        raise CannotRun(f"the secret key in {file} is shorter than {SHORTEST_KEY} characters; make one with: openssl rand -hex 32")
    return key.encode()


def _make_key(file: Path) -> None:
    """Unless it is there: whole at once, so that two processes that start together end up with one key."""
    if file.exists():
        return
    made = file.with_name(f"{file.name}.{new_id()}")
    made.touch(mode=0o600)
    made.write_text(new_secret().hex() + "\n", encoding="utf-8")
    try:
        os.link(made, file)
    except FileExistsError:
        log.debug("another process made the secret key first")
    finally:
        made.unlink()


class _VaultOnDemand:
    """The vault, for commands of which most keep no secret: the key is asked for by whoever needs it. Each raises `CannotRun` without."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def _vault(self) -> AesGcmVault:
        return AesGcmVault(secret_keys(self._settings))

    @property
    def key_id(self) -> str:
        return self._vault.key_id

    def seal(self, account_id: AccountId, purpose: str, secret: bytes) -> bytes:
        return self._vault.seal(account_id, purpose, secret)

    def open(self, account_id: AccountId, purpose: str, sealed: bytes) -> bytes:
        return self._vault.open(account_id, purpose, sealed)

    def resealed(self, account_id: AccountId, purpose: str, sealed: bytes) -> bytes:
        return self._vault.resealed(account_id, purpose, sealed)


def _flowpilot(
    settings: Settings,
    database: Database,
    *,
    psas: Mapping[str, Psa] = MappingProxyType({}),
    openid: OpenId | None = None,
    committed: Callable[[AccountId], None] = _nobody,
) -> FlowPilot:
    return FlowPilot.of(
        begin=database.begin,
        view=database.view,
        clock=SystemClock(),
        new_id=new_id,
        new_secret=new_secret,
        vault=_VaultOnDemand(settings),
        models=bool(settings.models),
        psas=psas,
        openid=openid,
        committed=committed,
    )


async def _relay(
    settings: Settings,
    stack: AsyncExitStack,
    urls: Urls,
    database: Database,
    outbox: SqlOutbox,
    waking: EventStream,
    psas: Mapping[str, Psa],
    metrics: Metrics,
) -> Relay:
    marks = _marks(stack, urls)
    redact = SecretRedactor(secret_key(settings))
    notifier = await stack.enter_async_context(_notifying(settings))
    deliveries = SendDelivery(
        begin=database.begin,
        notifier=notifier,
        clock=SystemClock(),
        jitter=jitter,
        links=Links.of(settings.base_url or "", *secret_keys(settings)),
        redact=redact,
        typeset=HtmlLetters(),
        mail_domain=domain_of(settings.mail_from),
        settled=metrics.delivery,
    )
    units = Units(begin=database.begin, committed=waking.publish, new_id=new_id, reactions=reactions(new_id))
    models = _models(settings, stack, database)
    assessments = MakeAssessment(
        units=units,
        view=database.view,
        redact=redact,
        clock=SystemClock(),
        models=models,
    )
    safe = Safe(vault=AesGcmVault(secret_keys(settings)), clock=SystemClock(), new_id=new_id)
    webhooks = SendWebhook(
        begin=database.begin,
        caller=HttpWebhooks(await _outside(settings, stack), clock=SystemClock()),
        safe=safe,
        clock=SystemClock(),
        jitter=jitter,
        base_url=settings.base_url or "",
        redact=redact,
    )
    suggestions = MakeSuggestion(units=units, view=database.view, redact=SecretRedactor(secret_key(settings)), models=models)
    posts = PostNote(
        units=units,
        psas=Psas(vendors=psas, safe=safe),
        clock=SystemClock(),
        jitter=jitter,
        redact=redact,
        base_url=settings.base_url or "",
    )
    invitations = SendInvitation(
        begin=database.begin,
        notifier=notifier,
        clock=SystemClock(),
        jitter=jitter,
        new_secret=new_secret,
        base_url=settings.base_url or "",
        mail_domain=domain_of(settings.mail_from),
    )
    handlers: dict[WorkKind, Handler] = {
        WorkKind.DELIVERY: deliveries,
        WorkKind.ASSESSMENT: assessments,
        WorkKind.SUGGESTION: suggestions,
        WorkKind.POLICY_STEP: TakePolicySteps(units=units, clock=SystemClock(), new_id=new_id),
        WorkKind.QUIET_CLAIM: WatchClaims(units=units, clock=SystemClock(), new_id=new_id),
        WorkKind.WEBHOOKS: SpreadEvent(begin=database.begin, clock=SystemClock(), new_id=new_id),
        WorkKind.WEBHOOK: webhooks,
        WorkKind.PSA_POST: posts,
        WorkKind.INVITATION: invitations,
    }
    guard = RestoreGuard(marks=marks, memory=MarkFile(settings.data_dir))
    return Relay(outbox=outbox, begin=database.begin, handlers=handlers, jitter=jitter, may_work=guard)


async def _psas(settings: Settings, stack: AsyncExitStack) -> Mapping[str, Psa]:
    """The PSAs that accounts may connect; closed with the stack."""
    clock = SystemClock()
    outside = await stack.enter_async_context(
        guarded_client(allow_private=settings.allow_private_targets, longest=timedelta(seconds=DEADLINE), largest=MOST_BYTES)
    )
    vendors: tuple[Psa, ...] = (ConnectWise(outside, clock), HaloPsa(outside, clock), Autotask(outside, clock))
    return {psa.vendor.system: psa for psa in vendors}


async def _outside(settings: Settings, stack: AsyncExitStack) -> httpx.AsyncClient:
    """What asks addresses that an account entered; closed with the stack."""
    return await stack.enter_async_context(guarded_client(allow_private=settings.allow_private_targets))


def _models(settings: Settings, stack: AsyncExitStack, database: Database) -> Models | None:
    """Who is asked beside the rules, if anybody is. Raises `CannotRun` where a key is missing."""
    clock = SystemClock()
    assistants = []
    for speaks in speakers(settings):
        stack.push_async_callback(speaks.close)
        price = settings.price(speaks.provider, speaks.model)
        asked = ModelAssistant(speaker=speaks, jitter=jitter, price=price and Price(tokens_in=price[0], tokens_out=price[1]))
        assistants.append(Rested(assistant=asked, clock=clock))
    if not assistants:
        return None
    return Models(begin=database.begin, clock=clock, assistants=assistants, tokens=settings.assistant_tokens)


def speakers(settings: Settings) -> list[Speaks]:
    """The models, in order of preference. Raises `CannotRun` where a key is missing."""
    return [_speaker(settings, provider, model) for provider, model in settings.models]


def _speaker(settings: Settings, provider: str, model: str) -> Speaks:
    if provider == "anthropic":
        if settings.anthropic_api_key is None:
            raise CannotRun(f"set {variable('anthropic_api_key')}, which {provider}:{model} needs")
        return speaker(provider, model, api_key=settings.anthropic_api_key, clock=SystemClock())
    # An endpoint of one's own often wants no key, and the SDK wants one.
    key = settings.openai_api_key or ("none" if settings.openai_base_url else None)
    if key is None:
        raise CannotRun(f"set {variable('openai_api_key')}, or {variable('openai_base_url')}, for {provider}:{model}")
    return speaker(provider, model, api_key=key, base_url=settings.openai_base_url, clock=SystemClock())


@asynccontextmanager
async def _notifying(settings: Settings) -> AsyncIterator[Notifier]:
    """The way to mail people, closed in an orderly manner. Raises `CannotRun`."""
    notifier = _notifier(settings)
    try:
        yield notifier
    finally:
        await notifier.close()


def _waking(settings: Settings, urls: Urls) -> NatsEventStream | PostgresEventStream:
    if settings.nats_url is not None:
        return NatsEventStream(settings.nats_url, jitter=jitter)
    return PostgresEventStream(urls.app, jitter=jitter)


def _notifier(settings: Settings) -> LogNotifier | SmtpNotifier:
    """Raises `CannotRun` for a mail server that cannot be one."""
    if settings.smtp_url is None:
        return LogNotifier()
    try:
        domain_of(settings.mail_from)
        return SmtpNotifier(server=MailServer.of(settings.smtp_url), sender=settings.mail_from, clock=SystemClock())
    except (ValueError, InvalidValue) as exc:
        raise CannotRun(f"{variable('smtp_url')} or {variable('mail_from')}: {exc}") from exc


async def _until_served(app: Edge, listener: socket.socket, stop: asyncio.Event) -> None:
    """Serve; however that ends, the relay is to end too."""
    try:
        await server.serve(app, listener, stop)
    finally:
        stop.set()


async def _answers(database: Database, stop: asyncio.Event) -> bool:
    """Wait for the database; False where the process is asked to end meanwhile. Raises `CannotRun` when patience ends."""
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE
    while not stop.is_set():
        try:
            await database.is_at_head()
        except Unavailable as exc:
            cause = _first_line(exc.__cause__ or exc)
            if loop.time() > until:
                raise CannotRun(
                    f"the database did not answer for {PATIENCE:.0f} seconds ({cause}); is it up, and is its address right?"
                ) from exc
            log.warning("waiting for the database", problem=cause)
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({stopping}, timeout=BETWEEN_TRIES)
            stopping.cancel()
        else:
            return True
    return False


async def _require_ready(database: Database, url: str) -> None:
    """Raises `CannotRun` where the schema is another than this program's, or the role one that could pass row security."""
    try:
        tenancy.check_application(url)
    except tenancy.UnfitRole as exc:
        remedy = f"let {variable('database_url')} connect as {roles.APP}; `flowpilot doctor` looks closer"
        raise CannotRun(f"this role may not serve: {exc}; {remedy}") from exc
    if not await database.is_at_head():
        raise CannotRun(f"the database's schema is not at {migrations.head()}, which this version needs; run: flowpilot migrate")


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


async def _examined(settings: Settings, urls: Urls) -> list[Finding]:
    database = Database(urls.app, pool_size=1)
    findings = []
    try:
        at_head = await database.is_at_head()
    except Unavailable as exc:
        remedy = f"Start it, or mend {variable('database_url')}."
        return [Finding("database", f"it does not answer ({_first_line(exc.__cause__ or exc)})", remedy)]
    finally:
        await database.close()
    old = tenancy.unfixed(urls.app)
    findings.append(Finding("database", note=old and f"{old}; no key here lets it through, and updating is better"))
    try:
        tenancy.check_application(urls.app)
        findings.append(Finding("role"))
    except tenancy.UnfitRole as exc:
        findings.append(Finding("role", str(exc), f"Let {variable('database_url')} connect as {roles.APP}."))
    if not at_head:
        return [*findings, Finding("schema", f"it is not at {migrations.head()}", "Run: flowpilot migrate")]
    findings.append(Finding("schema"))
    remedy = "Undo what was changed by hand, or restore from a backup: one account could reach another's."
    leaks = tenancy.findings(urls.app)
    findings += [Finding(f"tenancy, {leak.rule}", str(leak), remedy) for leak in leaks] or [Finding("tenancy")]
    if urls.relay is None:
        remedy = f"Set {variable('relay_database_url')}, where a relay runs."
        return [*findings, Finding("relay", "nobody said how it reaches the database", remedy)]
    outbox = SqlOutbox(urls.relay)
    try:
        await outbox.lag()
    except Unavailable as exc:
        remedy = f"Mend {variable('relay_database_url')}."
        return [*findings, Finding("relay", f"it does not reach the database ({_first_line(exc.__cause__ or exc)})", remedy)]
    else:
        return [*findings, Finding("relay"), await _examined_secrets(settings, urls, outbox)]
    finally:
        await outbox.close()


async def _examined_secrets(settings: Settings, urls: Urls, outbox: SqlOutbox) -> Finding:
    """Whether every secret can be opened, and by which key. Says nothing more where the key itself is wrong, which has its own finding."""
    try:
        vault = AesGcmVault(secret_keys(settings))
    except CannotRun:
        return Finding("secrets")
    database = Database(urls.app, pool_size=1)
    try:
        older, lost = await Rotation(begin=database.begin, accounts=outbox, vault=vault).outstanding()
    finally:
        await database.close()
    if lost:
        remedy = f"Name the key they were sealed under in {variable('secret_key_previous')}, or have them entered anew."
        return Finding("secrets", f"{lost} cannot be opened by any key that is known here", remedy)
    return Finding("secrets", note=f"{older} are sealed under the previous key; run: flowpilot secrets rotate" if older else None)


def _found(check: str, look: Callable[[], object]) -> Finding:
    try:
        look()
    except CannotRun as exc:
        return Finding(check, str(exc), "Mend the setting; `flowpilot config` shows what each is for.")
    return Finding(check)


def _first_line(exc: BaseException) -> str:
    return (str(exc).strip().splitlines() or [type(exc).__name__])[0]
