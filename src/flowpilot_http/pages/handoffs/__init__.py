"""Pages of handoffs: looking at an escalation, and claiming it."""
