"""Waking other processes: over PostgreSQL's notifications on one database, or over NATS."""

from .nats import NatsEventStream
from .postgres import PostgresEventStream

__all__ = ["NatsEventStream", "PostgresEventStream"]
