"""In PostgreSQL: handoffs with their snapshots, the queue, claims."""
