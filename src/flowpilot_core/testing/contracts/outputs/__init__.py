"""Contract suites for resolution outputs."""
