"""Pages of access: signing in, and accepting an invitation."""
