"""Due work, leases, the relay, and restored databases: contract suites."""
