"""Who is told what, when, and how far that is: routes."""
