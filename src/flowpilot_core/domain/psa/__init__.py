"""The PSAs that an account has connected, their tickets, and what is put there."""
