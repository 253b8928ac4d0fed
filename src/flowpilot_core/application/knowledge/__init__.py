"""Use cases of trees, walks, categories and proposals."""
