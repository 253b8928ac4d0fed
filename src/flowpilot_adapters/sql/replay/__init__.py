"""In PostgreSQL: imported logs."""
