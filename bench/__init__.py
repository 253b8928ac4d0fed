"""Speed as a ratio: what FlowPilot does in a second beside what the database itself can do, in one run on one machine."""
