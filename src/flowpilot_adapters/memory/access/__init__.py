"""In memory: accounts, people, ways in, secrets, the audit log."""
