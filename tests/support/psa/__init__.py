"""The three vendors' PSAs, simulated on this machine: they keep tickets and notes and refuse what the vendors refuse."""

from .autotask import AutotaskSimulator
from .connectwise import ConnectWiseSimulator
from .halopsa import HaloPsaSimulator
from .server import HANG_UP, Asked, Note, Said, Simulator, Ticket, Trick

__all__ = [
    "HANG_UP",
    "Asked",
    "AutotaskSimulator",
    "ConnectWiseSimulator",
    "HaloPsaSimulator",
    "Note",
    "Said",
    "Simulator",
    "Ticket",
    "Trick",
]
