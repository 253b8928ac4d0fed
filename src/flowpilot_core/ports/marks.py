"""How a relay finds out that the database is an older one than it knew: a restored backup."""

from typing import Protocol


class Marks(Protocol):
    """A number in the database that only ever grows, and whether relays rest."""

    async def database(self) -> str:
        """What the database is called: a restored copy is called the same, and no other is. Raises `Unavailable`."""

    async def advance(self, known: int) -> int | None:
        """The next number; None, and nothing changes, where relays rest or the number is below `known`. Raises `Unavailable`."""

    async def pause(self, reason: str) -> None:
        """Relays rest from now on, for the first reason given, whatever process they are in. Raises `Unavailable`."""

    async def why_paused(self) -> str | None:
        """Why relays rest; None where they do not. Raises `Unavailable`."""

    async def resume(self, above: int) -> int:
        """Relays work again; returns the number, which is far above `above` and all it was before. Raises `Unavailable`."""


class Memory(Protocol):
    """The greatest number that was seen in each database, kept somewhere that restoring one does not touch."""

    def read(self, database: str) -> int:
        """It; 0 where none is kept."""

    def write(self, database: str, number: int) -> None:
        """Keep it, unless a greater one is kept."""
