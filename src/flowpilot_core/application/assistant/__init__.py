"""Assessments, suggestions, similar sessions, redaction: use cases."""
