"""Contract suites for handoffs with their snapshots, the queue, claims."""
