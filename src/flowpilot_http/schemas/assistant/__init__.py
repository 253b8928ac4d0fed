"""Assessments, suggestions, similar sessions, redaction: requests and answers."""
