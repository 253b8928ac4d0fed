"""What every area asks of the world: time, ids, chance, units of work, the event log.

Units of work change things and views show them, each bound to one account: no method takes one, and what belongs to another does not
exist there. Wherever a method says it raises `NotFound`, an id of another account raises it just as an unknown one does.

Each call of a view stands alone, sees one state of what is committed, and changes nothing. Each area has protocols of its own for units
of work and views, and asks for no more than it uses: whoever keeps two areas implements those two.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol, TypeVar, TypeVarTuple
from uuid import UUID

from attrs import field, frozen
from attrs.validators import max_len

from flowpilot_core.domain.kernel.events import Event, LoggedEvent
from flowpilot_core.domain.kernel.identifiers import AccountId, UserId
from flowpilot_core.domain.kernel.image import LONGEST_SIDE, Image
from flowpilot_core.domain.kernel.rate_limit import Tally

R = TypeVar("R")
V = TypeVar("V")
W_co = TypeVar("W_co", covariant=True)
Ts = TypeVarTuple("Ts")


class Clock(Protocol):
    """What time it is."""

    def now(self) -> datetime:
        """The time in UTC, aware. It may jump back: nothing stored ever does."""


NewId = Callable[[], UUID]
"""A UUID of version 7 that was never given out before."""


NewSecret = Callable[[], bytes]
"""32 bytes that nobody can guess."""


Jitter = Callable[[], float]
"""A number from 0 to 1, evenly spread."""


class Compute(Protocol):
    """Works out what may take long: everything that grows with what people wrote."""

    def __call__(self, account_id: AccountId, work: Callable[[*Ts], R], /, *args: *Ts) -> Awaitable[R]:
        """What `work` returns for `args`; what it raises, this raises.

        `work` is a function of a module, and `args` and what it returns are plain values: they may go to another process and back.
        It neither reads nor changes anything else. The accounts take turns, so that one that asks for much delays no other for long.

        Raises `Unavailable` where it took longer or more memory than work may, and where too much of this account waits already.
        """


class Places(Protocol):
    """Places that are had by name, so many by each, among all processes that give them out together."""

    def take(self, name: str, most: int) -> bool:
        """One more for `name`, where it has fewer than `most`; says whether it was."""

    def leave(self, name: str) -> None:
        """`name` needs one of those that were taken here no more."""


class Tallies(Protocol):
    """How often something happened, by name, among all processes that count together.

    Of many thousand names, those may be forgotten that were longest not heard of.
    """

    def get(self, name: str) -> Tally | None:
        """What was counted of `name`, of which this hears."""

    def change(self, name: str, change: Callable[[Tally | None], Tally]) -> None:
        """Count `name` so; nobody else counts it meanwhile."""


@frozen(kw_only=True)
class Entry:
    """An event as a timeline shows it, with what its person is called (None: the system)."""

    logged: LoggedEvent
    name: str | None


@frozen(kw_only=True)
class Once:
    """That a request is to be done once, however often it comes."""

    user_id: UserId
    key: str
    fingerprint: bytes
    """Digest of method, path and body."""
    at: datetime
    expired: datetime
    """Keys kept before this time count as unknown."""


LARGEST_KEPT = 64 * 1024
"""Bytes of an answer that are kept for repeats; of a larger one, what it is made anew from."""


@frozen(kw_only=True)
class Answer:
    """What a request was answered with, as far as it is kept."""

    status: int
    body: bytes = field(validator=max_len(LARGEST_KEPT))


class PictureReader(Protocol):
    """Makes sense of files that somebody says are pictures, and may have made to do harm."""

    async def read(self, account_id: AccountId, content: bytes, *, longest_side: int = LONGEST_SIDE) -> Image:
        """The picture in this file, turned as the file says it is to be shown, as a new file of the same kind.

        Nothing but what it shows is in the new file: no place, no camera, no text, nothing from behind the file's end, no second
        picture, no colour that cannot be seen. What stands behind the end is no reason to refuse it.

        Raises `InvalidPicture` for a file that is cut or broken, that is none of `PictureType`, or whose picture has a side of more than
        `longest_side` pixels, before any of it is unpacked; and `Unavailable` where too much of this account waits already.
        """

    async def narrowed(self, account_id: AccountId, image: Image, width: int) -> Image:
        """What `read` gave back, `width` pixels wide; as it is, where it is no wider. Raises `Unavailable`."""


class AlreadyAnswered(Exception):
    """The request with this key was done before: here is the first answer again. Nothing was done now."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class KernelWork(Protocol):
    """All or nothing, in one account. Leaving it without `commit` discards everything."""

    async def record(self, event: Event) -> None:
        """Write an event, which has its id; at the commit it gets the next number of the account.

        Raises `Unauthenticated` (now or at the commit) where its person has been deactivated: what they do cannot happen.
        """

    async def keep(self, answer: Answer) -> None:
        """Keep the answer of the request this unit of work was begun `once` for; it commits with the effect."""

    async def commit(self) -> None:
        """Make it all happen; once, a second call does nothing.

        Raises `Stale` where somebody else saved first, `Unavailable` where nothing happened for a reason outside,
        `OutcomeUnknown` where the answer to the commit was lost.
        """


class BeginWork(Protocol[W_co]):
    """Opens units of work.

    Two of them may be open at once, also in one account and in one task: neither sees what the other has not committed. Where both want
    the same thing one waits, or is refused at the commit (`Stale`).
    """

    def __call__(self, account_id: AccountId, once: Once | None = None) -> AbstractAsyncContextManager[W_co]:
        """A unit of work in one account.

        With `once`, entering it or its first method raises `AlreadyAnswered` where the request was answered before,
        `KeyReused` where the key came with another fingerprint, `KeyInProgress` where the first request is still running
        (or waits for it to end). Where the account does not exist everything is empty.
        """


ViewOf = Callable[[AccountId], V]
"""Opens the view of one account."""


class KernelView(Protocol):
    """The event log of one account."""

    async def events(self, *, after: int, limit: int) -> Sequence[LoggedEvent]:
        """What was logged after number `after`, in order, private events too, for who reads on from where they stopped.

        Nothing that is committed later ever has a number at or below one returned.
        """

    async def last_number(self) -> int:
        """The number of the last event there is, 0 before the first."""
