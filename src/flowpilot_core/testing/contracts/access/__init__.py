"""Contract suites for accounts, people, ways in, secrets, the audit log."""
