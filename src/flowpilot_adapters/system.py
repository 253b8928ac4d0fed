"""The system's clock, ids and chance: the one place where they come from."""

import random
import secrets
from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7

_CHANCE = random.SystemRandom()


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        """The time in UTC, aware; it jumps where the machine's does."""
        return datetime.now(UTC)


def new_id() -> UUID:
    """A UUID of version 7: later ones of this process sort after earlier ones."""
    return uuid7()


def new_secret() -> bytes:
    """32 bytes that nobody can guess."""
    return secrets.token_bytes(32)


def jitter() -> float:
    """A number from 0 to 1, evenly spread, and no two processes share a seed."""
    return _CHANCE.random()
