"""In PostgreSQL: due work, leases, marks of restored databases."""
