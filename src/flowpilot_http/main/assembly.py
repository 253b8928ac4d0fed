"""The use cases and the relay, put together from their adapters."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from types import MappingProxyType

from flowpilot_adapters.openid import HttpOpenId
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
from flowpilot_core.application.assistant.redaction import redact_by_rules
from flowpilot_core.application.assistant.suggestions import MakeSuggestion
from flowpilot_core.application.flowpilot import FlowPilot, reactions, wake_nobody
from flowpilot_core.application.handoffs.quiet_claims import WatchClaims
from flowpilot_core.application.kernel.links import Links
from flowpilot_core.application.kernel.units import Units
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
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.ports.access import OpenId
from flowpilot_core.ports.assistant import Redactor
from flowpilot_core.ports.notifications import EventStream
from flowpilot_core.ports.psa import Psa
from flowpilot_core.ports.relay import WorkKind
from flowpilot_http.metrics import Metrics
from flowpilot_http.settings import Settings

from .database import Urls, database_of, marks_of, opened, require_ready
from .failures import CannotRun, first_line
from .keys import secret_keys, vault_of
from .outside import models_of, notifying, outside


@asynccontextmanager
async def flowpilot_of(settings: Settings) -> AsyncIterator[FlowPilot]:
    """The use cases on the database that was named, or our own. Raises `CannotRun`."""
    async with AsyncExitStack() as stack:
        urls = stack.enter_context(database_of(settings))
        database = opened(stack, urls.app, pool_size=settings.pool_size)
        try:
            await require_ready(database, urls.app)
        except Unavailable as exc:
            raise CannotRun(
                f"the database does not answer ({first_line(exc.__cause__ or exc)}); is it up, and is its address right?"
            ) from exc
        openid = HttpOpenId(client=await outside(settings, stack), clock=SystemClock())
        yield use_cases(settings, database, openid=openid)


def use_cases(
    settings: Settings,
    database: Database,
    *,
    psas: Mapping[str, Psa] = MappingProxyType({}),
    openid: OpenId | None = None,
    redact: Redactor = redact_by_rules,
    committed: Callable[[AccountId], None] = wake_nobody,
) -> FlowPilot:
    """The use cases on this database."""
    return FlowPilot.of(
        begin=database.begin,
        view=database.view,
        clock=SystemClock(),
        new_id=new_id,
        new_secret=new_secret,
        vault=vault_of(settings),
        models=bool(settings.models),
        redact=redact,
        psas=psas,
        openid=openid,
        committed=committed,
    )


async def relay_of(
    settings: Settings,
    stack: AsyncExitStack,
    urls: Urls,
    database: Database,
    outbox: SqlOutbox,
    waking: EventStream,
    psas: Mapping[str, Psa],
    metrics: Metrics,
) -> Relay:
    """The relay with a handler for each kind of due work; what it opens is closed with the stack. Raises `CannotRun`."""
    begin, view, clock, base_url = database.begin, database.view, SystemClock(), settings.base_url or ""
    keys = secret_keys(settings)
    redact = SecretRedactor(keys[0])
    safe = Safe(vault=AesGcmVault(keys), clock=clock, new_id=new_id)
    connectable = Psas(vendors=psas, safe=safe)
    units = Units(begin=begin, committed=waking.publish, new_id=new_id, reactions=reactions(new_id))
    notifier = await stack.enter_async_context(notifying(settings))
    mail_domain = domain_of(settings.mail_from)
    models = models_of(settings, stack, database)
    handlers: dict[WorkKind, Handler] = {
        WorkKind.DELIVERY: SendDelivery(
            units=units,
            notifier=notifier,
            clock=clock,
            jitter=jitter,
            links=Links.of(base_url, *keys),
            redact=redact,
            typeset=HtmlLetters(),
            mail_domain=mail_domain,
            settled=metrics.delivery,
        ),
        WorkKind.PUSH: NotePush(begin=begin, clock=clock, settled=metrics.delivery),
        WorkKind.ASSESSMENT: MakeAssessment(units=units, view=view, redact=redact, clock=clock, models=models),
        WorkKind.SUGGESTION: MakeSuggestion(units=units, view=view, redact=redact, models=models),
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
        WorkKind.SIGN_IN_CODE: SendSignInCode(
            begin=begin, notifier=notifier, clock=clock, jitter=jitter, new_secret=new_secret, mail_domain=mail_domain
        ),
    }
    guard = RestoreGuard(marks=marks_of(stack, urls), memory=MarkFile(settings.data_dir))
    return Relay(outbox=outbox, begin=begin, handlers=handlers, jitter=jitter, may_work=guard)
