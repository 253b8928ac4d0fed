"""In PostgreSQL: maintenance schedules and their runs."""
