"""Requests and answers of trees, walks, categories and proposals."""
