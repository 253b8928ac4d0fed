"""Who asks: from a request's credentials to a person of one account."""

from .attempts import Attempts
from .authentication import Door, Visitor
from .cookies import Cookies

__all__ = ["Attempts", "Cookies", "Door", "Visitor"]
