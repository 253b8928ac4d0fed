"""In memory: figures, counted anew for each question."""
