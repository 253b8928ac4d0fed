"""Postgres: statements compiled once, sent many at a time over a few connections."""
