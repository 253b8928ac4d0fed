"""A session with its branches and steps: pages."""
