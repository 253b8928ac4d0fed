"""Importing what a process turns out to need, once it does."""

import gc
from importlib import import_module
from typing import Any


def part(module: str, name: str, *, of: str) -> Any:
    """What a module of the package `of` calls `name`.

    Modules and what they define live as long as the process: looking for garbage among them meanwhile is a sixth of the work, for nothing.
    """
    looking = gc.isenabled()
    gc.disable()
    try:
        return getattr(import_module(module, of), name)
    finally:
        gc.freeze()
        if looking:
            gc.enable()
