"""In memory: handoffs with their snapshots, the queue, claims."""
