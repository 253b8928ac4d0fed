"""Logs of other systems, played as sessions: contract suites."""
