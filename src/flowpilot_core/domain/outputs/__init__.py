"""What a resolved session leaves behind."""
