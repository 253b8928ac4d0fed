"""PSA vendors over HTTP, one module each, and what they share."""

from .autotask import Autotask
from .connectwise import ConnectWise
from .halopsa import HaloPsa

__all__ = ["Autotask", "ConnectWise", "HaloPsa"]
