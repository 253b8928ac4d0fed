"""The composition root: the one place that chooses adapters and puts the program together."""

from .assembly import flowpilot_of
from .database import database_of, migrate
from .examining import examine
from .failures import CannotRun
from .keys import secret_key
from .outside import speakers
from .running import drain, pause_relays, relay, resume_relays, rotate, serve

__all__ = [
    "CannotRun",
    "database_of",
    "drain",
    "examine",
    "flowpilot_of",
    "migrate",
    "pause_relays",
    "relay",
    "resume_relays",
    "rotate",
    "secret_key",
    "serve",
    "speakers",
]
