"""Routes of access: the own account, people, API tokens, identity providers, the audit log."""
