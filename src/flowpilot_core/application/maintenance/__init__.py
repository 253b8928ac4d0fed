"""Use cases of maintenance, and what the relay does when it is due."""
