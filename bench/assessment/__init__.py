"""How good assessments are: generated cases whose cause is known, in two halves, and scores for whoever assesses them."""
