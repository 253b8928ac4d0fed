"""The ground that all areas stand on: use cases."""
