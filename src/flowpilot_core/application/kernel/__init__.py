"""How every use case runs, and the links that are handed out."""
