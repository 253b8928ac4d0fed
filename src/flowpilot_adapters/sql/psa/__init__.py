"""In PostgreSQL: connections to PSAs, tickets, posts."""
