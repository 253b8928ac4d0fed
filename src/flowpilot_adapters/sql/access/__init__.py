"""In PostgreSQL: accounts, people, ways in, secrets, the audit log."""
