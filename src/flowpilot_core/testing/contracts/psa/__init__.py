"""Contract suites for connections to PSAs, tickets, posts."""
