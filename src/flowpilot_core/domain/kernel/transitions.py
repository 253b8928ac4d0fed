"""State machines as data: one table per machine, one way to move."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from .errors import InvalidTransition

S = TypeVar("S", bound=StrEnum)
M = TypeVar("M", bound=StrEnum)


def advance(table: Mapping[tuple[S, M], S], state: S, move: M, *, thing: str) -> S:
    """The state that `move` leads to from `state`; `thing` names the machine in the refusal.

    Raises `InvalidTransition` where the table has no such move.
    """
    try:
        return table[state, move]
    except KeyError:
        raise InvalidTransition(thing, state, move) from None
