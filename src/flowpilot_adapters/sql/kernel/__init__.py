"""In PostgreSQL: the event log, idempotency keys, values kept as JSON."""
