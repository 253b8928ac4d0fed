"""Who asks: from a request's credentials to a person of one account."""

from .cookies import Cookies
from .door import Door, Visitor

__all__ = ["Cookies", "Door", "Visitor"]
