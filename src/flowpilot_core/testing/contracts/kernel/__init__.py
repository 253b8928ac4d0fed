"""The ground that all areas stand on: contract suites."""
