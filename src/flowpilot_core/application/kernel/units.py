"""How a use case runs: one unit of work, tried again where somebody else saved first."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

from attrs import evolve, frozen

from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.errors import Stale, Unavailable
from flowpilot_core.domain.kernel.events import Event, EventKind
from flowpilot_core.domain.kernel.identifiers import AccountId, EventId
from flowpilot_core.ports.kernel import Answer, BeginWork, KernelWork, NewId, Once

T = TypeVar("T")
W = TypeVar("W")
W_co = TypeVar("W_co", bound=KernelWork, covariant=True)

MOST_TRIES = 8
"""Of one unit of work; that many losses in a row mean that something else is wrong."""


@frozen(kw_only=True)
class Request:
    """What a caller may attach to a use case that changes something."""

    id: str | None = None
    """Goes on record with what the request did."""
    if_match: int | None = None
    """The version of the session or handoff that the caller acts on; another one is refused with `VersionConflict`."""
    once: Once | None = None
    """Do it once, however often the request comes: a repeat raises `AlreadyAnswered`."""
    render: Callable[[Any], Answer] | None = None
    """Turns the use case's result into the answer that is kept for repeats; goes with `once`."""


PLAIN = Request()
"""A request with nothing attached."""


@frozen(kw_only=True)
class Cause:
    """An event of this unit of work, as far as what follows from it has to know it."""

    id: EventId
    kind: EventKind
    at: datetime


Reaction = Callable[[W, Cause], Awaitable[None]]
"""Writes down what follows from an event, to commit with it, and to be void where the event is not recorded after all.

It reads nothing: a claim, which finds out in its only trip whether it is one, carries its reactions along.
"""


@frozen(kw_only=True)
class Units(Generic[W_co]):
    """Runs units of work in the account of whoever acts."""

    begin: BeginWork[W_co]
    committed: Callable[[AccountId], None]
    """Called after each commit with its account, to wake whoever does what follows and whoever waits for news."""
    new_id: NewId
    reactions: tuple[Reaction[W_co], ...] = ()

    async def run(self, actor: Actor, unit: Callable[[W_co], Awaitable[T]], request: Request = PLAIN) -> T:
        """What `unit` returns, committed together with the answer kept for repeats.

        Raises whatever `unit` raises, with nothing changed; `AlreadyAnswered`, `KeyReused` or `KeyInProgress` for a repeat;
        `Unavailable` where others kept saving first, or where the store does not answer.
        """
        for _ in range(MOST_TRIES):
            try:
                async with self.begin(actor.account_id, request.once) as work:
                    result = await unit(work)
                    if request.once and request.render:
                        await work.keep(request.render(result))
                    await work.commit()
            except Stale:
                continue
            self.committed(actor.account_id)
            return result
        raise Unavailable("database")

    async def record(self, work: KernelWork, event: Event, request: Request = PLAIN) -> None:
        """Have an event on record, with the request it came with, and what follows from it."""
        cause = self.cause(event.kind, at=event.at)
        await self.follow(work, cause)
        await work.record(evolve(event, id=cause.id, request_id=request.id))

    def cause(self, kind: EventKind, *, at: datetime) -> Cause:
        """An event that the store itself records under the id of the cause, if it comes to that."""
        return Cause(id=EventId(self.new_id()), kind=kind, at=at)

    async def follow(self, work: KernelWork, cause: Cause) -> None:
        """Write down what follows from an event: before the commit, and be it that the same trip first says whether there is one."""
        for reaction in self.reactions:
            # Whatever is recorded in was opened by `begin`: a use case knows less of it than the reactions do.
            await reaction(cast(W_co, work), cause)

    @staticmethod
    def commits(request: Request) -> bool:
        """Whether the store may commit in the same trip as a use case's last statement: no answer is to be kept after it."""
        return request.once is None


@frozen
class Joined(Generic[W_co]):
    """Runs units of work as parts of one that is open already: whoever opened it commits them together, or tries all of it again.

    Nothing follows from what is recorded here: it is the past.
    """

    work: W_co
    new_id: NewId

    async def run(self, actor: Actor, unit: Callable[[W_co], Awaitable[T]], request: Request = PLAIN) -> T:
        """What `unit` returns, with nothing committed yet. Raises whatever `unit` raises, `Stale` too."""
        return await unit(self.work)

    async def record(self, work: KernelWork, event: Event, request: Request = PLAIN) -> None:
        """Have an event on record."""
        await work.record(evolve(event, id=EventId(self.new_id()), request_id=request.id))

    def cause(self, kind: EventKind, *, at: datetime) -> Cause:
        """An event that the store itself records."""
        return Cause(id=EventId(self.new_id()), kind=kind, at=at)

    async def follow(self, work: KernelWork, cause: Cause) -> None:
        """Nothing."""

    @staticmethod
    def commits(request: Request) -> bool:
        """Never here."""
        return False
