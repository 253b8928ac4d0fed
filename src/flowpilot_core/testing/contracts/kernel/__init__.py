"""Contract suites for units of work and the event log."""
