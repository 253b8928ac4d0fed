"""Assessments, suggestions, similar sessions, redaction, in memory."""
