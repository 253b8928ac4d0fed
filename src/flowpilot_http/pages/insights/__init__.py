"""Pages of what an account can learn: what is found in it."""
