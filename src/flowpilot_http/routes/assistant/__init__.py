"""Assessments, suggestions, similar sessions, redaction: routes."""
