"""What a vendor was asked once and need not be asked again for a while: tokens, zones, lists of choices."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from attrs import define, field

from .vendor_line import now

T = TypeVar("T")


@define
class Remembered(Generic[T]):
    """Answers by key. Of any number who want one at the same time one asks, and all get its answer or its failure."""

    _answers: dict[Hashable, tuple[T, float]] = field(factory=dict, init=False)
    _asking: dict[Hashable, asyncio.Task[T]] = field(factory=dict, init=False)

    async def get(self, key: Hashable, ask: Callable[[], Awaitable[T]], *, keep: Callable[[T], float]) -> T:
        """The answer for `key`, asked for unless it is known; good for `keep` seconds. Raises what asking raises; that is not kept."""
        known = self._answers.get(key)
        if known is not None and now() < known[1]:
            return known[0]
        asking = self._asking.get(key)
        if asking is None:
            asking = asyncio.create_task(self._ask(key, ask, keep))
            self._asking[key] = asking
        # Whoever is cancelled takes nobody else's answer away.
        return await asyncio.shield(asking)

    def forget(self, key: Hashable, answer: T | None = None) -> None:
        """Ask again next time; where `answer` is given, only if that is still what is known."""
        known = self._answers.get(key)
        if known is not None and (answer is None or known[0] == answer):
            del self._answers[key]

    async def _ask(self, key: Hashable, ask: Callable[[], Awaitable[T]], keep: Callable[[T], float]) -> T:
        try:
            answer = await ask()
            self._answers[key] = (answer, now() + keep(answer))
            return answer
        finally:
            del self._asking[key]
