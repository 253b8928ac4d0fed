"""Logs of other systems, played as sessions."""
