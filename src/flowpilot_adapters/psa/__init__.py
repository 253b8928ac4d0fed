"""Writing notes to PSA tickets: one module per vendor, on HTTP."""

from .autotask import Autotask
from .connectwise import ConnectWise
from .halopsa import HaloPsa

__all__ = ["Autotask", "ConnectWise", "HaloPsa"]
