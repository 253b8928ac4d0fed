"""What a resolved session leaves behind: contract suites."""
