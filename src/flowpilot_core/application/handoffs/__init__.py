"""Use cases of handoffs, and the work of watching claims that go quiet."""
