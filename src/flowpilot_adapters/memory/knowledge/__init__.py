"""In memory: trees, their categories, and what is proposed."""
