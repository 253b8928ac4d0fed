"""Who asks: from a request's credentials to a person of one account."""

from .bearer import Bearer

__all__ = ["Bearer"]
