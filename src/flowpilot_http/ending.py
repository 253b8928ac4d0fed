"""Ending when asked to."""

import asyncio
import contextlib
import signal
from collections.abc import Iterator


@contextlib.contextmanager
def asked_to_end() -> Iterator[asyncio.Event]:
    """An event that SIGTERM and SIGINT set, in place of what they do otherwise."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    try:
        yield asked
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
