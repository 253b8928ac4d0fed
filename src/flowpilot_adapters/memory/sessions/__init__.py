"""Sessions, branches, steps, and what is thought of them, in memory."""
