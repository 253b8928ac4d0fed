"""Work that is done after the commit: how it is taken, leased, done or given up, and why a relay rests after a restore."""
