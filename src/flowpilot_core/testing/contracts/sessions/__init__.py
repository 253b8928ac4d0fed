"""Contract suites for sessions, branches, steps, feedback."""
