"""What a resolved session leaves behind, in memory."""
