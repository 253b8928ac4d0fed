"""Assistants that are models, over the vendors' own SDKs."""

from .anthropic_model import AnthropicModel
from .asking import PATIENCE, ModelAssistant, Price, Speaks
from .openai_model import OpenAIModel

__all__ = ["PATIENCE", "AnthropicModel", "ModelAssistant", "OpenAIModel", "Price", "Speaks"]
