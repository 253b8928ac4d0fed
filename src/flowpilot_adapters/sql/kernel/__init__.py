"""The ground that all areas stand on, in PostgreSQL."""
