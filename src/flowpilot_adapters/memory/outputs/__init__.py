"""In memory: resolution outputs."""
