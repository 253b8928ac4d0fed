"""Assessments, suggestions, similar sessions, redaction."""
