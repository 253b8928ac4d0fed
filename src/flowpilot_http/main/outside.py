"""What is spoken with outside: mail servers, models, PSAs, identity providers, other nodes."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import httpx

from flowpilot_adapters.llm import ModelAssistant, Price, Speaks, speaker
from flowpilot_adapters.log_notifier import LogNotifier
from flowpilot_adapters.outgoing import guarded_client
from flowpilot_adapters.psa import Autotask, ConnectWise, HaloPsa
from flowpilot_adapters.psa.retry_line import DEADLINE, MOST_BYTES
from flowpilot_adapters.push import NatsEventStream, PostgresEventStream
from flowpilot_adapters.smtp import MailServer, SmtpNotifier, domain_of
from flowpilot_adapters.sql import Database
from flowpilot_adapters.system import SystemClock, jitter
from flowpilot_core.application.assistant.models import Models, Rested
from flowpilot_core.application.notifications.mail_allowlist import MailOnlyTo
from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.ports.notifications import Notifier
from flowpilot_core.ports.psa import Psa
from flowpilot_http.settings import Settings, variable

from .database import Urls
from .failures import CannotRun


@asynccontextmanager
async def notifying(settings: Settings) -> AsyncIterator[Notifier]:
    """The way to mail people, closed in an orderly manner. Raises `CannotRun`."""
    notifier = notifier_of(settings)
    try:
        yield MailOnlyTo(notifier, settings.recipients) if settings.recipients is not None else notifier
    finally:
        await notifier.close()


def notifier_of(settings: Settings) -> LogNotifier | SmtpNotifier:
    """Raises `CannotRun` for a mail server that cannot be one."""
    if settings.smtp_url is None:
        return LogNotifier()
    try:
        domain_of(settings.mail_from)
        return SmtpNotifier(server=MailServer.of(settings.smtp_url), sender=settings.mail_from, clock=SystemClock())
    except (ValueError, InvalidValue) as exc:
        raise CannotRun(f"{variable('smtp_url')} or {variable('mail_from')}: {exc}") from exc


def waking_of(settings: Settings, stack: AsyncExitStack, urls: Urls) -> NatsEventStream | PostgresEventStream:
    """What wakes streams on every node; closed with the stack."""
    nats = settings.nats_url
    waking = PostgresEventStream(urls.app, jitter=jitter) if nats is None else NatsEventStream(nats, jitter=jitter)
    stack.push_async_callback(waking.close)
    return waking


async def outside(settings: Settings, stack: AsyncExitStack) -> httpx.AsyncClient:
    """What asks addresses that an account entered; closed with the stack."""
    return await stack.enter_async_context(guarded_client(allow_private=settings.allow_private_targets))


async def psas_of(settings: Settings, stack: AsyncExitStack) -> Mapping[str, Psa]:
    """The PSAs that accounts may connect; closed with the stack."""
    clock = SystemClock()
    outside = await stack.enter_async_context(
        guarded_client(allow_private=settings.allow_private_targets, longest=timedelta(seconds=DEADLINE), largest=MOST_BYTES)
    )
    vendors: tuple[Psa, ...] = (ConnectWise(outside, clock), HaloPsa(outside, clock), Autotask(outside, clock))
    return {psa.vendor.system: psa for psa in vendors}


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


def models_of(settings: Settings, stack: AsyncExitStack, database: Database) -> Models | None:
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
