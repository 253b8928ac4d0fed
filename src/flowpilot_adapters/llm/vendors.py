"""Which vendors there are. An SDK is imported once somebody wants it: either takes as long to import as all the rest of the program."""

from collections.abc import Mapping
from importlib import import_module
from typing import Final

from flowpilot_core.ports.kernel import Clock

from .asking import Speaks

_CLASSES: Final[Mapping[str, tuple[str, str]]] = {
    "anthropic": (".anthropic_model", "AnthropicModel"),
    "openai": (".openai_model", "OpenAIModel"),
}


def speaker(provider: str, model: str, *, api_key: str, clock: Clock, base_url: str | None = None) -> Speaks:
    """A model of a vendor. Raises `KeyError` for a vendor that nobody here knows."""
    module, name = _CLASSES[provider]
    made: Speaks = getattr(import_module(module, __package__), name)(model, api_key=api_key, clock=clock, base_url=base_url)
    return made
