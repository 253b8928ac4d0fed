"""The command line: each command is a few lines here, and what it does is put together in `main`."""

from .program import main

__all__ = ["main"]
