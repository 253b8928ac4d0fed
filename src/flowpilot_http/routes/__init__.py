"""The routes: each translates and decides nothing."""
