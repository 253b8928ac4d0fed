"""Pages of maintenance: what comes, one schedule with its runs, and the form that writes one."""
