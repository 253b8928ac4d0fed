"""The relay: put together, run until it is asked to end, or until nothing more is due."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from types import MappingProxyType
from typing import Final

import structlog

from flowpilot_adapters.computing import WorkerProcesses
from flowpilot_adapters.patterns import matches
from flowpilot_adapters.recurrence import recurrence
from flowpilot_adapters.redaction import SecretRedactor
from flowpilot_adapters.restore_mark_file import MarkFile
from flowpilot_adapters.smtp import domain_of
from flowpilot_adapters.sql import Database, SqlOutbox
from flowpilot_adapters.system import SystemClock, jitter, new_id, new_secret
from flowpilot_adapters.typeset import HtmlLetters
from flowpilot_adapters.vault import AesGcmVault
from flowpilot_adapters.webhooks import HttpWebhooks
from flowpilot_core.application.access.invitations import SendInvitation
from flowpilot_core.application.access.secrets import Safe
from flowpilot_core.application.access.sign_in_codes import SendSignInCode
from flowpilot_core.application.assistant.assessing import MakeAssessment
from flowpilot_core.application.assistant.suggestions import MakeSuggestion
from flowpilot_core.application.flowpilot import reactions
from flowpilot_core.application.handoffs.quiet_claims import WatchClaims
from flowpilot_core.application.insights.analytics import Analytics
from flowpilot_core.application.insights.search import IndexForSearch
from flowpilot_core.application.insights.weekly_digest_mailing import SendWeeklyDigest
from flowpilot_core.application.kernel.links import Links
from flowpilot_core.application.kernel.units import Units
from flowpilot_core.application.knowledge.proposals import ProposeTree
from flowpilot_core.application.knowledge.uses import CountUse
from flowpilot_core.application.maintenance.notices import SendNotice
from flowpilot_core.application.maintenance.running import StartOccurrences, StartSessions
from flowpilot_core.application.notifications.mailing import SendDelivery
from flowpilot_core.application.notifications.policy_steps import TakePolicySteps
from flowpilot_core.application.notifications.push_record import NotePush
from flowpilot_core.application.notifications.telling import Telling
from flowpilot_core.application.notifications.webhook_messages import SendWebhook, SpreadEvent
from flowpilot_core.application.outputs.rewriting import BetterOutput
from flowpilot_core.application.psa.access import Psas
from flowpilot_core.application.psa.posting import PostNote
from flowpilot_core.application.psa.ticket_checks import LookAtTicket
from flowpilot_core.application.psa.tickets import ReadTicket
from flowpilot_core.application.relay.relay import Handler, Relay
from flowpilot_core.application.relay.restores import RestoreGuard
from flowpilot_core.domain.kernel.errors import Unavailable
from flowpilot_core.ports.assistant import Redactor
from flowpilot_core.ports.kernel import Compute
from flowpilot_core.ports.notifications import EventStream
from flowpilot_core.ports.psa import Psa
from flowpilot_core.ports.relay import WorkKind
from flowpilot_http.ending import asked_to_end
from flowpilot_http.loop_lag import watch_loop
from flowpilot_http.metrics import Metrics
from flowpilot_http.settings import Settings, variable

from .database import Urls, answers, database_of, marks_of, opened_for_relay, outbox_of, require_ready
from .failures import CannotRun
from .keys import secret_keys
from .mail import notifying
from .models import models_of
from .outside import outside, psas_of, waking_of

log = structlog.get_logger()

MAIL_PLACES: Final[Mapping[str, int]] = MappingProxyType(
    {
        WorkKind.DELIVERY: 8,
        WorkKind.SIGN_IN_CODE: 4,
        WorkKind.INVITATION: 2,
        WorkKind.WEEKLY_DIGEST: 1,
        WorkKind.MAINTENANCE_NOTICE: 1,
    }
)
"""All mails share the few connections to the mail server (`SmtpNotifier.most`): one account's mails, however slowly they are taken, must
leave some free."""
INDEX_PLACES: Final = 4
"""What is indexed waits for the database alone, and must leave it to others."""
BETWEEN_FIGURES: Final = 15.0
"""Seconds between looks at how far the relay is behind."""


async def relay(settings: Settings, *, metrics_port: int | None = None) -> None:
    """Do the relay's work until the process is asked to end. Raises `CannotRun`."""
    with asked_to_end() as stop:
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
                tasks.create_task(measure(outbox, metrics, stop))
                tasks.create_task(watch_loop(metrics, stop))
            log.info("relayed")


async def drain(settings: Settings) -> int:
    """Do all that is due now, and say how much it was. Raises `CannotRun`, also where relays rest."""
    async with AsyncExitStack() as stack:
        urls = stack.enter_context(database_of(settings))
        database, outbox = await _relaying(settings, stack, urls), outbox_of(stack, urls)
        await require_ready(database, urls.app)
        working = await _worker(settings, stack, urls, database, outbox, Metrics())
        done = 0
        while found := await working.run_once():
            done += found
        if reason := await marks_of(stack, urls).why_paused():
            raise CannotRun(f"relays are paused: {reason}; when it is clear what may be sent again, run: flowpilot relay resume")
        return done


async def relay_of(
    settings: Settings,
    stack: AsyncExitStack,
    urls: Urls,
    database: Database,
    outbox: SqlOutbox,
    waking: EventStream,
    psas: Mapping[str, Psa],
    redact: Redactor,
    compute: Compute,
    metrics: Metrics,
) -> Relay:
    """The relay with a handler for each kind of due work; what it opens is closed with the stack. Raises `CannotRun`."""
    begin, view, clock, base_url = database.begin, database.view, SystemClock(), settings.base_url or ""
    keys = secret_keys(settings)
    safe = Safe(vault=AesGcmVault(keys), clock=clock, new_id=new_id)
    connectable = Psas(vendors=psas, safe=safe)
    units = Units(begin=begin, committed=waking.publish, new_id=new_id, reactions=reactions(new_id))
    notifier = await stack.enter_async_context(notifying(settings))
    mail_domain, links, typeset = domain_of(settings.mail_from), Links.of(base_url, *keys), HtmlLetters()
    models = models_of(settings, stack, database)
    handlers: dict[WorkKind, Handler] = {
        WorkKind.DELIVERY: SendDelivery(
            units=units,
            notifier=notifier,
            clock=clock,
            jitter=jitter,
            links=links,
            redact=redact,
            typeset=typeset,
            mail_domain=mail_domain,
            settled=metrics.delivery,
        ),
        WorkKind.PUSH: NotePush(begin=begin, clock=clock, settled=metrics.delivery),
        WorkKind.ASSESSMENT: MakeAssessment(units=units, view=view, redact=redact, clock=clock, models=models, compute=compute),
        WorkKind.SUGGESTION: MakeSuggestion(units=units, view=view, redact=redact, models=models, compute=compute),
        WorkKind.POLICY_STEP: TakePolicySteps(units=units, clock=clock, new_id=new_id),
        WorkKind.QUIET_CLAIM: WatchClaims(units=units, clock=clock, followers=(Telling(new_id=new_id),)),
        WorkKind.WEBHOOKS: SpreadEvent(begin=begin, clock=clock, new_id=new_id),
        WorkKind.WEBHOOK: SendWebhook(
            begin=begin,
            caller=HttpWebhooks(await outside(settings, stack), clock=clock),
            safe=safe,
            clock=clock,
            jitter=jitter,
            base_url=base_url,
            redact=redact,
            settled=metrics.delivery,
        ),
        WorkKind.PSA_POST: PostNote(
            units=units,
            psas=connectable,
            clock=clock,
            jitter=jitter,
            redact=redact,
            base_url=base_url,
        ),
        WorkKind.PSA_TICKET: LookAtTicket(units=units, psas=connectable, clock=clock, jitter=jitter),
        WorkKind.TICKET_FACTS: ReadTicket(units=units, psas=connectable, clock=clock, jitter=jitter),
        WorkKind.INDEX: IndexForSearch(begin=begin),
        WorkKind.GALLERY_USE: CountUse(units=units),
        WorkKind.TREE_PROPOSAL: ProposeTree(units=units, view=view, redact=redact, clock=clock, new_id=new_id, compute=compute),
        WorkKind.WEEKLY_DIGEST: SendWeeklyDigest(
            begin=begin,
            analytics=Analytics(begin=begin, view=view, clock=clock, compute=compute),
            notifier=notifier,
            clock=clock,
            jitter=jitter,
            links=links,
            typeset=typeset,
            mail_domain=mail_domain,
        ),
        WorkKind.OUTPUT: BetterOutput(units=units, redact=redact, clock=clock, models=models),
        WorkKind.INVITATION: SendInvitation(
            begin=begin,
            notifier=notifier,
            clock=clock,
            jitter=jitter,
            new_secret=new_secret,
            base_url=base_url,
            mail_domain=mail_domain,
        ),
        WorkKind.MAINTENANCE: StartOccurrences(
            units=units, clock=clock, new_id=new_id, recurrence=recurrence, compute=compute, matches=matches
        ),
        WorkKind.MAINTENANCE_RUN: StartSessions(units=units, clock=clock, new_id=new_id, matches=matches),
        WorkKind.MAINTENANCE_NOTICE: SendNotice(
            begin=begin,
            notifier=notifier,
            clock=clock,
            jitter=jitter,
            redact=redact,
            base_url=base_url,
            mail_domain=mail_domain,
        ),
        WorkKind.SIGN_IN_CODE: SendSignInCode(
            begin=begin, notifier=notifier, clock=clock, jitter=jitter, new_secret=new_secret, mail_domain=mail_domain
        ),
    }
    guard = RestoreGuard(marks=marks_of(stack, urls), memory=MarkFile(settings.data_dir))
    return Relay(
        outbox=outbox, begin=begin, handlers=handlers, jitter=jitter, places={**MAIL_PLACES, WorkKind.INDEX: INDEX_PLACES}, may_work=guard
    )


async def measure(outbox: SqlOutbox, metrics: Metrics, stop: asyncio.Event) -> None:
    """Note now and then how far the relay is behind, until `stop` is set."""
    stopping = asyncio.create_task(stop.wait())
    while not stop.is_set():
        try:
            metrics.lags(await outbox.lags())
        except Unavailable as exc:
            log.debug("the relay's lag cannot be measured", problem=str(exc))
        await asyncio.wait({stopping}, timeout=BETWEEN_FIGURES)


async def _relaying(settings: Settings, stack: AsyncExitStack, urls: Urls) -> Database:
    """The database for whoever relays. Raises `CannotRun`."""
    if settings.base_url is None:
        raise CannotRun(f"set {variable('base_url')} to the address that links in mails lead to")
    return opened_for_relay(stack, urls.app, pool_size=settings.pool_size)


async def _worker(settings: Settings, stack: AsyncExitStack, urls: Urls, database: Database, outbox: SqlOutbox, metrics: Metrics) -> Relay:
    """The relay of a process that does nothing else."""
    waking, psas = waking_of(settings, stack, urls), await psas_of(settings, stack)
    compute = WorkerProcesses()
    redact = SecretRedactor(secret_keys(settings)[0], compute)
    return await relay_of(settings, stack, urls, database, outbox, waking, psas, redact, compute, metrics)
