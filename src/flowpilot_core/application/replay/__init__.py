"""The use case that plays the log of another ticket system."""
