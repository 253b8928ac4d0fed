"""The models that are asked beside the rules."""

from contextlib import AsyncExitStack

from flowpilot_adapters.llm import ModelAssistant, Price, Speaks, speaker
from flowpilot_adapters.sql import Database
from flowpilot_adapters.system import SystemClock, jitter
from flowpilot_core.application.assistant.models import Models, Rested
from flowpilot_http.settings import Settings, variable

from .failures import CannotRun


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
