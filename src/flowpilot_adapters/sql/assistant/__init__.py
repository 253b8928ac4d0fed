"""Assessments, suggestions, similar sessions, redaction, in PostgreSQL."""
