"""Contract suites for imported logs."""
