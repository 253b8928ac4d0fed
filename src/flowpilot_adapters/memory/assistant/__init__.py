"""In memory: assessments, suggestions, similar sessions."""
