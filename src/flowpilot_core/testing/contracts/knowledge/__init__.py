"""Suites of trees, their categories, what is proposed, and scripts."""
