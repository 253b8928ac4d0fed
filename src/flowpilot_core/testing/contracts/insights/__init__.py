"""Contract suites for what an account can learn."""
