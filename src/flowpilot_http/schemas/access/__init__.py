"""Requests and answers of access: accounts, people, API tokens, identity providers, the audit log."""
