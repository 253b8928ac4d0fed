"""Accounts, the people in them, how they get in, what is kept secret for them, and the audit log."""
