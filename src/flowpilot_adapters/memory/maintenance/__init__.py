"""In memory: maintenance schedules and their runs."""
