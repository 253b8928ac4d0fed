"""In PostgreSQL: trees, their categories, and what is proposed."""
