"""PostgreSQL: the ports' storage, each account closed to all others by row security and by keys."""

from .database import Database
from .marks import SqlMarks
from .outbox import SqlOutbox

__all__ = ["Database", "SqlMarks", "SqlOutbox"]
