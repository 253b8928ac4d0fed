"""The history of another ticket system, played as sessions and handoffs."""
