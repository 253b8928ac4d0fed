"""In memory: the event log, as views show it."""
