"""A mailbox in memory."""

import asyncio
from collections import defaultdict, deque

from flowpilot_core.ports.notifications import Message, NotSent


class MemoryNotifier:
    """Keeps what it accepts in `messages`, and fails where it was told to."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        """What arrived, in order; twice where it was sent twice."""
        self._outcomes: defaultdict[str, deque[BaseException | None]] = defaultdict(deque)

    @property
    def recipients(self) -> list[str]:
        """Whom the messages are to, in order."""
        return [message.to for message in self.messages]

    def script(self, to: str, *outcomes: BaseException | None) -> None:
        """What the next sends to an address come to, one each: raising that, or None for success. After them all succeed."""
        self._outcomes[to].extend(outcomes)

    async def send(self, message: Message) -> None:
        """As `Notifier.send` says. A message whose outcome is `unknown` has arrived."""
        await asyncio.sleep(0)
        outcomes = self._outcomes[message.to]
        outcome = outcomes.popleft() if outcomes else None
        if outcome is None or (isinstance(outcome, NotSent) and outcome.unknown):
            self.messages.append(message)
        if outcome is not None:
            raise outcome
