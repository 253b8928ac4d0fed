"""Ports that go wrong exactly where a test says.

Every call of a method of a port passes two fault points, one before it and one after it: `sessions.save: before`; the second
call of its name passes `sessions.save (2): before`. `Faults.seen` lists those that were passed, so that a test records them once
and then walks all of them: a call that is added later is walked too.
"""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, cast, get_type_hints

from attrs import define, field, frozen

from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.ports.kernel import BeginWork, Once
from flowpilot_core.ports.notifications import Notifier, WebhookCaller
from flowpilot_core.ports.relay import Outbox
from flowpilot_core.ports.unit_of_work import UnitOfWork

Fault = Callable[[], Awaitable[None]]
"""What happens at a fault point: it raises, waits, or ends the process."""


def raising(error: BaseException) -> Fault:
    """It raises `error`."""

    async def fault() -> None:
        raise error

    return fault


def signalling(number: int = signal.SIGKILL) -> Fault:
    """It sends this process a signal: by default it is killed on the spot, with nothing flushed and nothing closed."""

    async def fault() -> None:
        os.kill(os.getpid(), number)

    return fault


@frozen
class Pause:
    """It waits at the fault point until it is let go."""

    reached: asyncio.Event = field(factory=asyncio.Event, init=False)
    go_on: asyncio.Event = field(factory=asyncio.Event, init=False)

    async def __call__(self) -> None:
        """The fault."""
        self.reached.set()
        await self.go_on.wait()


@define
class Faults:
    """The fault points of all the ports it has wrapped, and what is to happen there."""

    seen: list[str] = field(factory=list, init=False)
    """Every point passed so far, in order."""
    _planned: dict[str, Fault] = field(factory=dict, init=False)
    _calls: Counter[str] = field(factory=Counter, init=False)

    def at(self, point: str, fault: Fault) -> None:
        """Have this happen when `point` is passed."""
        self._planned[point] = fault

    def begin(self, begin: BeginWork[UnitOfWork]) -> BeginWork[UnitOfWork]:
        """Units of work with fault points: `begin`, every call of every repository, `record`, `keep`, `commit`, and `leave`.

        A unit of work that raises passes no `leave`.
        """

        @asynccontextmanager
        async def faulty(account_id: AccountId, once: Once | None = None) -> AsyncIterator[UnitOfWork]:
            beginning, leaving = self._named("begin"), self._named("leave")
            await self._pass(f"{beginning}: before")
            async with begin(account_id, once) as work:
                await self._pass(f"{beginning}: after")
                yield cast(UnitOfWork, _FaultyPort(self, "", UnitOfWork, work))
                await self._pass(f"{leaving}: before")
            await self._pass(f"{leaving}: after")

        def opened(account_id: AccountId, once: Once | None = None) -> AbstractAsyncContextManager[UnitOfWork]:
            return faulty(account_id, once)

        return opened

    def notifier(self, notifier: Notifier) -> Notifier:
        """A notifier with the fault points of `notifier.send`."""
        return cast(Notifier, _FaultyPort(self, "notifier.", Notifier, notifier))

    def caller(self, caller: WebhookCaller) -> WebhookCaller:
        """A way to reach webhooks with the fault points of `webhook.call`."""
        return cast(WebhookCaller, _FaultyPort(self, "webhook.", WebhookCaller, caller))

    def outbox(self, outbox: Outbox) -> Outbox:
        """An outbox with the fault points of `outbox.take` and `outbox.lag`."""
        return cast(Outbox, _FaultyPort(self, "outbox.", Outbox, outbox))

    async def call(self, name: str, call: Callable[[], Awaitable[Any]]) -> Any:
        """The result of a call, between its two fault points."""
        named = self._named(name)
        await self._pass(f"{named}: before")
        result = await call()
        await self._pass(f"{named}: after")
        return result

    def _named(self, name: str) -> str:
        self._calls[name] += 1
        return name if self._calls[name] == 1 else f"{name} ({self._calls[name]})"

    async def _pass(self, point: str) -> None:
        self.seen.append(point)
        if fault := self._planned.pop(point, None):
            await fault()


class _FaultyPort:
    """A port whose methods are found in its protocol, so that nothing but the port can be reached through it."""

    def __init__(self, faults: Faults, prefix: str, protocol: type, port: object) -> None:
        self._faults = faults
        self._prefix = prefix
        self._protocol = protocol
        self._port = port

    def __getattr__(self, name: str) -> Any:
        declared = getattr(self._protocol, name)
        found = getattr(self._port, name)
        if isinstance(declared, property):
            return _FaultyPort(self._faults, f"{self._prefix}{name}.", get_type_hints(declared.fget)["return"], found)

        async def method(*args: Any, **kwargs: Any) -> Any:
            return await self._faults.call(f"{self._prefix}{name}", lambda: found(*args, **kwargs))

        return method
