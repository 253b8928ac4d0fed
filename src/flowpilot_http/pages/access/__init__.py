"""Accounts, people, their ways in, secrets and the audit log: pages."""
