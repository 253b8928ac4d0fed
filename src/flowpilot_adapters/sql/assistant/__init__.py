"""In PostgreSQL: assessments, suggestions, similar sessions."""
