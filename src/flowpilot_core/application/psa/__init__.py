"""Use cases of connections and tickets, and the work of posting and of looking at tickets."""
