"""What an account can learn from what happened in it: figures of escalations and of work, with what each of them counts."""
