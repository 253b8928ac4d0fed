"""Connections to PSAs, their tickets, and what is posted there, in memory."""
