"""The library: trees, script templates and their categories, as pages."""
