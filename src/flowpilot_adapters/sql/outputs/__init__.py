"""In PostgreSQL: resolution outputs."""
