"""Asking a model: with patience that ends, once more after a stumble, and with one chance to mend an answer."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from typing import Final, Protocol

from attrs import field, frozen

from flowpilot_core.domain.assistant.assessment import Origin
from flowpilot_core.domain.assistant.diagnosis import Draft
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.ports.assistant import NotAssessed, Opinion, Question
from flowpilot_core.ports.kernel import Jitter

from .answer import Malformed, draft_of
from .prompt import VERSION, again, data, system

PATIENCE: Final = 60.0
"""Seconds for one opinion, whatever happens meanwhile."""
MOST_TRIES: Final = 3
"""Of one call."""
FIRST_PAUSE: Final = 0.5
MOST_TOKENS: Final = 4_000
"""Of one answer."""


@frozen(kw_only=True)
class Turn:
    """Something said in a conversation: by us, or by the model."""

    ours: bool
    text: str


@frozen(kw_only=True)
class Reply:
    """What a model said."""

    text: str
    tokens_in: int
    tokens_out: int


class Stumbled(Exception):
    """A call that came to nothing. `again`: it may be made again, after `retry_after` seconds where the vendor said so."""

    def __init__(self, problem: str, *, again: bool, retry_after: float | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.again = again
        self.retry_after = retry_after


class Speaks(Protocol):
    """A model of one vendor."""

    @property
    def provider(self) -> str:
        """The vendor's name, as in the settings."""

    @property
    def model(self) -> str:
        """The model's name."""

    async def say(self, turns: Sequence[Turn], *, system: str, on_behalf_of: str) -> Reply:
        """Its next turn under the orders of `system`, in the form of `prompt.SCHEMA`.

        Raises `Stumbled`; `Malformed` for what is no reply at all.
        """

    async def close(self) -> None:
        """Close its connections."""


def on_behalf_of(account_id: AccountId, version: str) -> str:
    """What a vendor may keep its caches by: an account of its own for each account, that tells nothing about it."""
    return sha256(account_id.bytes + version.encode()).hexdigest()[:32]


@frozen(kw_only=True)
class Price:
    """What a model costs, in millionths of a dollar for a million tokens."""

    tokens_in: int
    tokens_out: int

    def of(self, tokens_in: int, tokens_out: int) -> int:
        """Of so many tokens, in millionths of a dollar."""
        return (tokens_in * self.tokens_in + tokens_out * self.tokens_out) // 1_000_000


@frozen(kw_only=True)
class ModelAssistant:
    """A model as an `Assistant`."""

    speaker: Speaks
    jitter: Jitter
    price: Price | None = None
    patience: float = PATIENCE
    sleep: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)

    @property
    def name(self) -> str:
        """As `Assistant.name` says."""
        return f"{self.speaker.provider}:{self.speaker.model}"

    async def assess(self, question: Question) -> Opinion:
        """As `Assistant.assess` says."""
        spent = _Spent()
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(self.patience):
                draft = await self._draft(question, spent, until=began + self.patience)
        except TimeoutError:
            raise NotAssessed("it did not answer in time", tokens=spent.all) from None
        except Stumbled as stumbled:
            problem, permanent = stumbled.problem, not stumbled.again
            raise NotAssessed(problem, permanent=permanent, retry_after=stumbled.retry_after, tokens=spent.all) from stumbled
        except Malformed as malformed:
            raise NotAssessed(f"its answer could not be used: {malformed.problem}", tokens=spent.all) from None
        origin = Origin(
            provider=self.speaker.provider,
            model=self.speaker.model,
            prompt_version=VERSION,
            tokens_in=spent.tokens_in,
            tokens_out=spent.tokens_out,
            cost_micros=self.price.of(spent.tokens_in, spent.tokens_out) if self.price else None,
            latency_ms=int((loop.time() - began) * 1000),
        )
        return Opinion(draft=draft, origin=origin)

    async def _draft(self, question: Question, spent: "_Spent", *, until: float) -> Draft:
        turns = [Turn(ours=True, text=data(question))]
        reply = await self._reply(question, turns, spent, until=until)
        try:
            return draft_of(reply.text)
        except Malformed as malformed:
            turns += [Turn(ours=False, text=reply.text[:20_000] or "{}"), Turn(ours=True, text=again(malformed.problem))]
        return draft_of((await self._reply(question, turns, spent, until=until)).text)

    async def _reply(self, question: Question, turns: Sequence[Turn], spent: "_Spent", *, until: float) -> Reply:
        """What the model says, after as many stumbles as may be. Raises the last `Stumbled`, and at once where waiting is useless."""
        for tries in range(1, MOST_TRIES + 1):
            try:
                reply = await self.speaker.say(turns, system=system(question), on_behalf_of=on_behalf_of(question.account_id, VERSION))
            except Stumbled as stumbled:
                pause = FIRST_PAUSE * 2**tries * self.jitter() if stumbled.retry_after is None else stumbled.retry_after
                too_late = asyncio.get_running_loop().time() + pause >= until
                if not stumbled.again or tries == MOST_TRIES or too_late:
                    raise
                await self.sleep(pause)
            else:
                spent.add(reply)
                return reply
        raise AssertionError("the last try returns or raises")


class _Spent:
    """Tokens used so far, whatever comes of it."""

    def __init__(self) -> None:
        self.tokens_in = 0
        self.tokens_out = 0

    def add(self, reply: Reply) -> None:
        self.tokens_in += reply.tokens_in
        self.tokens_out += reply.tokens_out

    @property
    def all(self) -> int:
        return self.tokens_in + self.tokens_out
