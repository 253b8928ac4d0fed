"""What a resolved session leaves behind: texts for the ticket, for colleagues and for the client."""
