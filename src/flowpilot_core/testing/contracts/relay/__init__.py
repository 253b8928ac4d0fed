"""Contract suites for due work, leases, marks of restored databases."""
