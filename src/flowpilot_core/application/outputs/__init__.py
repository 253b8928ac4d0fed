"""What a resolved session leaves behind: use cases."""
