"""In memory: connections to PSAs, tickets, posts."""
