"""Use cases of resolution outputs, and the work of having a model better them."""
