"""Use cases of accounts, people, ways in, secrets and the audit log."""
