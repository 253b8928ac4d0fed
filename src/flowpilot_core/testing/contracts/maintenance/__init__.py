"""Suites of maintenance: schedules, runs, and the windows that sessions carry."""
