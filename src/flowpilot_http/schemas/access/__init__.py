"""Accounts, people, their ways in, secrets and the audit log: requests and answers."""
