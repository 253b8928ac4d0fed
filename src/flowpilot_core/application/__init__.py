"""Use cases: load, decide, save, record, commit; and the relay that does what follows."""
