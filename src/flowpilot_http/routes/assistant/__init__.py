"""Routes of assistant: assessments and suggestions."""
