"""Values, rules and transitions: pure, synchronous, and the only place where a rule is decided."""
