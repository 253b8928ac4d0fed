"""In PostgreSQL: sessions, branches, steps, feedback."""
