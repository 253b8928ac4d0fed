"""In memory: due work, leases, marks of restored databases."""
