"""Routes of trees, walks, categories and proposals."""
