"""In PostgreSQL: figures, counted by the database from what is kept."""
