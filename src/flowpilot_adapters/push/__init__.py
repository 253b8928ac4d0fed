"""Waking other processes: over PostgreSQL's notifications on one database, or over NATS."""

from .postgres import PostgresEventStream

__all__ = ["PostgresEventStream"]
