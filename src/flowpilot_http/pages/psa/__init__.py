"""Pages of psa: connections."""
