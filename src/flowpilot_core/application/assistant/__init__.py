"""Use cases of assessments and suggestions, the work of making them, and redaction."""
