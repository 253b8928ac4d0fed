"""What was learnt and stays: trees that lead through a problem, walks through them, categories, and what is proposed from sessions."""
