"""What the core asks of the world: small async protocols, one role each, whose docstrings are the contract."""
