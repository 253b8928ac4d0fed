"""Requests and answers of assistant: assessments and suggestions."""
