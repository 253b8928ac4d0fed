"""Contract suites for assessments, suggestions, similar sessions."""
