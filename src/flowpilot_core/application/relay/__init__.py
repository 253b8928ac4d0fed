"""Due work, leases, the relay, and restored databases: use cases."""
