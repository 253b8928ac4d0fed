"""Assistants that are models, over the vendors' own SDKs."""

from .asking import PATIENCE, ModelAssistant, Price, Speaks
from .vendors import speaker

__all__ = ["PATIENCE", "ModelAssistant", "Price", "Speaks", "speaker"]
