"""Machines that are looked after on time: schedules, the sessions that they start, and the windows in which less is told."""
