"""Due work, leases, the relay, and restored databases, in PostgreSQL."""
