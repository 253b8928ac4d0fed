"""In memory: sessions, branches, steps, feedback."""
