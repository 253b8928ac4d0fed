"""In memory: imported logs."""
