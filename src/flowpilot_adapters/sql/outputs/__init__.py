"""What a resolved session leaves behind, in PostgreSQL."""
