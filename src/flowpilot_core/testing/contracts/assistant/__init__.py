"""Assessments, suggestions, similar sessions, redaction: contract suites."""
