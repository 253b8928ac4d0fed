"""Assessments, suggested steps and similar sessions, by rules; and taking secrets out of all that leaves."""
