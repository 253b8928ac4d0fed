"""PostgreSQL: the ports' storage, each account closed to all others by row security and by keys."""

from flowpilot_adapters.sql.relay.outbox import SqlOutbox
from flowpilot_adapters.sql.relay.restore_marks import SqlMarks

from .database import Database

__all__ = ["Database", "SqlMarks", "SqlOutbox"]
