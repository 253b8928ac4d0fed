"""Who is told what, when, and how far that is: requests and answers."""
