"""Use cases of what an account can learn from what happened in it."""
