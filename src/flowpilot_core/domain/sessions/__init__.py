"""Sessions with their branches and steps, and what colleagues think of a step."""
