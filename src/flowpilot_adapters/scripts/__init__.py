"""Scripts, read by parsers of their languages; patterns, matched in linear time. Nothing is run."""
