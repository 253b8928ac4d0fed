"""What all areas stand on: ids, errors, events, who may do what, and how text and JSON are written."""
