"""Live push: whoever has a stream open hears what happened in their account, as far as they may know of it."""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from functools import cached_property, partial
from itertools import count, takewhile
from typing import Protocol
from uuid import UUID

from attrs import define, evolve, field, frozen

from flowpilot_core.application.kernel.counting import PlacesHere
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import FlowPilotError, StreamsOf, TooManyStreams, Unauthenticated, Unavailable
from flowpilot_core.domain.kernel.identifiers import AccountId, SessionId, UserId
from flowpilot_core.domain.notifications.pushed import BETWEEN_CHANGES, CHANGES, told_as
from flowpilot_core.ports.kernel import BeginWork, Jitter, KernelView, Places, ViewOf
from flowpilot_core.ports.notifications import EventStream, News, NotificationView, NotificationWork


class PushSees(NotificationView, KernelView, Protocol):
    """What is done here asks this of a view."""


log = logging.getLogger("flowpilot.push")

LOOK = 0.5
"""Seconds between looks at who listens: whoever may no longer is out within a second."""
POLL = 2
"""Looks since a log was read, after which it is read though nothing woke us: a wake-up that was lost makes news a second late."""
BEAT = 28
"""Looks between signs of life on a stream: proxies are promised one every 15 seconds."""
KEPT = 1_000
"""Events of an account at hand for those who come back or are slow; older ones are read from the log again."""
MOST_MISSED = 5_000
"""Events that are told to who comes back; who missed more is told to look for themselves."""
PAGE = 500
MOST_READS = 4
"""Reads of the database at once, of all accounts: listening leaves most connections to requests."""
MOST_ROUTINE = MOST_READS // 2
"""Of these, reads that nothing woke us for, and notes of who is here: news never waits for all of those."""
MOST_STREAMS = 10_000
"""Open at once in one process."""
MOST_OF_ACCOUNT = 2_000
"""Of these, of one account, so that five cannot take all."""
MOST_OF_PERSON = 20
"""Of these, of one person: a page has one."""


STAY = 30.0
"""Seconds for which somebody counts as online where their node says nothing more."""
LAST_WORDS = 2.0
"""Seconds in which a process that ends may say that nobody is here any more."""
NOTE = 20
"""Looks between notes of who is here."""
AT_ONCE = 500
"""Streams that are looked at before news has its turn."""
LOOKED_AT_ONCE = 200
"""Readers of an account that are asked about in one read."""
WOKEN_AT_ONCE = 25
"""Streams of an account that write before what else is read or asked has its turn: some half a millisecond."""


class Ended(StrEnum):
    """Why a stream came to its end."""

    LEFT = "left"
    SIGNED_OUT = "signed_out"
    CUT_OFF = "cut_off"
    STOPPING = "stopping"


class Wire(Protocol):
    """How a stream says things: bytes that are made once and sent to everybody, each edge's own way."""

    @property
    def beat(self) -> bytes:
        """A sign of life."""

    def news(self, account_id: AccountId, news: News) -> bytes:
        """That something happened."""

    def resync(self, account_id: AccountId, number: int) -> bytes:
        """That too much was missed to tell: look for yourself, and go on after event `number`."""


SendNow = Callable[[bytes], bool]
"""Sends something without waiting, where nothing waits to be sent before it; whether it did."""
SignedIn = Callable[[], Awaitable[Person]]
"""Who the one that opened a stream is by now. Raises `Unauthenticated` for who is nobody any more."""
Standing = Callable[[AccountId, Collection[bytes]], Awaitable[Mapping[bytes, Person]]]
"""Who each of these digests, of what people of an account signed in with, still stands for; whoever is nobody any more is missing."""


@frozen
class SentEvent:
    """An event as it goes out."""

    number: int
    news: News
    text: bytes

    @property
    def changes(self) -> SessionId | None:
        """The session that it is one of many changes of, if it is."""
        event = self.news.entry.logged.event
        return event.session_id if event.kind in CHANGES else None


@frozen
class Told:
    """What is at hand of what came after an event."""

    events: list[SentEvent]

    @cached_property
    def text(self) -> bytes | None:
        """All of it, where everybody may know of it."""
        return None if any(one.news.readers is not None for one in self.events) else b"".join(one.text for one in self.events)


@define(eq=False, kw_only=True)
class Stream:
    """One open stream. It buffers nothing: it knows its place in the log, and what comes next is taken from what all of them share."""

    reader: Person
    credential: bytes
    """What its reader signed in with, in a form that says nothing; streams that share it are looked at once."""
    signed_in: SignedIn
    digest: bytes | None = None
    """Of the token or the browser that its reader signed in with, where it is one of ours."""
    ended: Ended | None = None
    _feed: "Feed"
    _place: int
    """Number of the last event it was told of, or that is not for it."""
    _turn: int
    """Which of the looks gives it a sign of life."""
    _resync: bool = field(default=False, init=False)
    _beat: bool = field(default=False, init=False)
    _waiter: "asyncio.Future[None] | None" = field(default=None, init=False)
    _send_now: SendNow | None = field(default=None, init=False)
    _unsent: bytes = field(default=b"", init=False)
    _owed: dict[SessionId, SentEvent] = field(factory=dict, init=False)

    def owe(self, session_id: SessionId, change: SentEvent) -> None:
        """Tell of a change that was held back, in place of an earlier one of the same session."""
        self._owed[session_id] = change
        self.wake()

    def begin(self, place: int, *, missed: bool) -> None:
        """Go on after event number `place`, and say so where something was missed."""
        self._place = place
        self._resync = missed

    async def next(self) -> bytes:
        """What to send next, as soon as there is something; nothing once the stream has ended."""
        while self.ended is None:
            if text := self._unsent or (await self._again() if self._is_behind else self._at_hand()):
                self._unsent = b""
                return text
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return b""

    def send_with(self, send_now: SendNow) -> None:
        """Have what comes while `next` waits sent by this, which spares a switch of tasks; what it does not send comes out of `next`."""
        self._send_now = send_now

    def end(self, why: Ended) -> None:
        """Tell nothing more."""
        self.ended = self.ended or why
        self.wake()

    def wake(self) -> None:
        """There may be something to send."""
        if self._waiter is None or self._waiter.done():
            return
        if self._send_now is not None and self.ended is None and not self._is_behind:
            text = self._at_hand()
            if not text or self._send_now(text):
                return
            self._unsent = text
        self._waiter.set_result(None)

    def look(self, turn: int) -> None:
        """Give a sign of life if it is this stream's turn."""
        if turn == self._turn:
            self._beat = True
            self.wake()

    @property
    def _is_behind(self) -> bool:
        """Whether what comes next is no longer at hand."""
        return self._place < self._feed.forgotten and not self._resync

    def _at_hand(self) -> bytes:
        feed = self._feed
        if self._resync:
            self._resync = False
            return feed.wire.resync(feed.account_id, self._place)
        if self._owed or self._place != feed.place:
            # What was held back comes first, under the number of what was told before: numbers never go back, so that whoever comes back
            # hears nothing twice.
            owed, self._owed = [feed.numbered(change, self._place) for change in self._owed.values()], {}
            told, self._place = feed.after(self._place), feed.place
            if text := self._readable(owed) + (self._readable(told.events) if told.text is None else told.text):
                return text
        if self._beat:
            self._beat = False
            return feed.wire.beat
        return b""

    async def _again(self) -> bytes:
        """What is no longer at hand, from the log; it may be nothing for this reader."""
        try:
            told, self._place, _ = await self._feed.read(self._place)
        except FlowPilotError:
            # Whoever comes back goes on where they were.
            self.end(Ended.CUT_OFF)
            return b""
        return self._readable(told) or self._feed.wire.beat

    def _readable(self, told: Iterable[SentEvent]) -> bytes:
        return b"".join([one.text for one in told if one.news.readable_by(self.reader)])


class Feed:
    """The news of one account, read once for all its streams."""

    def __init__(
        self, account_id: AccountId, view: ViewOf[PushSees], wire: Wire, reading: asyncio.Semaphore, begin_after: int | None
    ) -> None:
        self.account_id = account_id
        self.wire = wire
        self.streams: set[Stream] = set()
        self.place = -1
        """Number of the last event that was read; before the first read, none."""
        self.forgotten = 0
        """Number of an event after which all are at hand."""
        self.looks = 0
        """Since it was last read."""
        self._view = view(account_id)
        self._reading = reading
        self._begin_after = begin_after
        self._kept: deque[SentEvent] = deque()
        self._after = -1, Told([])
        """A place, and what is at hand of what came after it: most streams have the same."""
        self._current: asyncio.Task[bool] | None = None
        self._next: asyncio.Task[bool] | None = None
        self._failed = False
        self._changed_at: dict[SessionId, float] = {}
        """When a change of a session was last told, by the loop's clock."""
        self._held: dict[SessionId, SentEvent] = {}
        """The last change of each session that came too soon after another; it is told once there was a pause."""

    def up_to_date(self) -> "asyncio.Task[bool]":
        """Reads all that was committed before this call, together with whoever else asks; whether it could."""
        if self._next is None:
            self._next = asyncio.create_task(self._read_on(self._current))
        return self._next

    def after(self, number: int) -> Told:
        """What is at hand of what came after that event."""
        if self._after[0] != number:
            self._after = number, Told([*takewhile(lambda told: told.number > number, reversed(self._kept))][::-1])
        return self._after[1]

    async def read(self, after: int) -> tuple[list[SentEvent], int, bool]:
        """A page of the log, the number it ends with, and whether there may be more. Raises `Unavailable`."""
        async with self._reading:
            page = await self._view.news(after=after, limit=PAGE)
        told = [
            SentEvent(number, news, self.wire.news(self.account_id, news))
            for news in page
            for number in [news.entry.logged.number]
            if told_as(news.entry.logged.event.kind)
        ]
        last = {one.changes: one.number for one in told}
        told = [one for one in told if one.changes is None or one.number == last[one.changes]]
        return told, page[-1].entry.logged.number if page else after, len(page) == PAGE

    async def _read_on(self, before: "asyncio.Task[bool] | None") -> bool:
        if before is not None:
            await asyncio.wait({before})
        self._current, self._next = self._next, None
        self.looks = 0
        try:
            if self.place < 0:
                await self._begin()
            more = True
            while more:
                told, self.place, more = await self.read(self.place)
                self._keep(told)
                if told:
                    # Else nobody has anything to hear, and whoever comes or looks would have all others look.
                    await self._wake()
        except FlowPilotError as exc:
            if not self._failed:
                log.warning("news not to be had, to be read again", extra={"problem": str(exc)})
            self._failed = True
            return False
        self._failed = False
        return True

    async def _begin(self) -> None:
        """At the end of the log; or where the first who listens left off, so that the others who come back with them need not read."""
        async with self._reading:
            last = await self._view.last_number()
        wanted = self._begin_after
        self.place = self.forgotten = wanted if wanted is not None and last - MOST_MISSED <= wanted <= last else last

    def _keep(self, told: list[SentEvent]) -> None:
        self._kept.extend([one for one in told if one.changes is None or self._in_time(one.changes, one)])
        self._after = -1, Told([])
        while len(self._kept) > KEPT:
            self.forgotten = self._kept.popleft().number

    async def _wake(self) -> None:
        """Some at a time: what others read meanwhile has its turn between them, which a write to each of all would keep waiting."""
        for number, stream in enumerate([*self.streams], 1):
            stream.wake()
            if number % WOKEN_AT_ONCE == 0:
                await asyncio.sleep(0)

    def _in_time(self, session_id: SessionId, change: SentEvent) -> bool:
        """Whether a change may be told now; else it is held back, in place of one that already was."""
        loop = asyncio.get_running_loop()
        pause = self._changed_at.get(session_id, float("-inf")) + BETWEEN_CHANGES - loop.time()
        if pause <= 0:
            self._changed_at = {one: at for one, at in self._changed_at.items() if at + BETWEEN_CHANGES > loop.time()}
            self._changed_at[session_id] = loop.time()
            return True
        if session_id not in self._held:
            loop.call_later(pause, self._tell_held, session_id)
        self._held[session_id] = change
        return False

    def _tell_held(self, session_id: SessionId) -> None:
        """Each stream tells it as its next."""
        change = self.numbered(self._held.pop(session_id), self.place)
        self._changed_at[session_id] = asyncio.get_running_loop().time()
        for stream in self.streams:
            stream.owe(session_id, change)

    def numbered(self, change: SentEvent, number: int) -> SentEvent:
        """The same, to be told under another number than its own."""
        if change.number == number:
            return change
        entry = change.news.entry
        news = evolve(change.news, entry=evolve(entry, logged=evolve(entry.logged, number=number)))
        return SentEvent(number, news, self.wire.news(self.account_id, news))


_Ask = Callable[[list[Stream]], Awaitable[Sequence[Person | None]]]
"""Who has each of these streams by now; None for nobody any more."""


@define(eq=False, kw_only=True)
class Push:
    """All open streams of this process.

    One reader for each account that somebody listens to, whatever the number of streams: what it reads is encoded once and kept in
    a bounded list that all of them take from. Somebody slow falls behind in that list and, behind its end, is given what is in the log.
    """

    view: ViewOf[PushSees]
    wire: Wire
    jitter: Jitter
    """Spreads those who come back."""
    begin: BeginWork[NotificationWork]
    node_id: UUID
    """Another one for each process, each time it starts."""
    most_of_account: int = MOST_OF_ACCOUNT
    most_of_person: int = MOST_OF_PERSON
    accounts: Places = field(factory=PlacesHere)
    """Of `most_of_account`."""
    people: Places = field(factory=PlacesHere)
    """Of `most_of_person`."""
    standing: Standing | None = None
    """Asked about many readers at once; without it each is asked for by itself."""
    _feeds: dict[AccountId, Feed] = field(factory=dict, init=False)
    _of_one: Counter[UserId] = field(factory=Counter, init=False)
    _reading: asyncio.Semaphore = field(factory=lambda: asyncio.Semaphore(MOST_READS), init=False)
    _routine: asyncio.Semaphore = field(factory=lambda: asyncio.Semaphore(MOST_ROUTINE), init=False)
    _turns: "count[int]" = field(factory=count, init=False)
    _changed: set[AccountId] = field(factory=set, init=False)
    """Where somebody came or went since that was last noted."""
    _noting: "asyncio.Task[None] | None" = field(default=None, init=False)
    _polling: "asyncio.Task[None] | None" = field(default=None, init=False)
    _open: int = field(default=0, init=False)
    _running: bool = field(default=False, init=False)

    @property
    def streams(self) -> list[Stream]:
        """Those that are open."""
        return [stream for feed in self._feeds.values() for stream in feed.streams]

    async def run(self, events: EventStream, stop: asyncio.Event) -> None:
        """Serve streams until `stop` is set; then they all end, and whoever had one is to come back elsewhere."""
        stopping, hearing = asyncio.create_task(stop.wait()), asyncio.create_task(events.hear(self.heard))
        looking: asyncio.Task[None] | None = None
        self._running = True
        try:
            for number in count(1):
                await asyncio.wait({stopping}, timeout=LOOK)
                if stop.is_set():
                    return
                for feed in self._feeds.values():
                    feed.looks += 1
                self._poll()
                if number % NOTE == 0:
                    self._changed.update(self._feeds)
                self._note()
                for seen, stream in enumerate(self.streams):
                    stream.look(number % BEAT)
                    if seen % AT_ONCE == 0:
                        await asyncio.sleep(0)
                if looking is None or looking.done():
                    looking = asyncio.create_task(self._look_at_readers())
        finally:
            self._running = False
            for stream in self.streams:
                stream.end(Ended.STOPPING)
            begun = [task for task in (stopping, hearing, looking, self._polling, self._noting) if task is not None]
            for task in begun:
                task.cancel()
            await asyncio.gather(*begun, return_exceptions=True)
            self._changed.update(self._feeds)
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORDS):
                    await self._note_changes()

    def heard(self, account_id: AccountId | None) -> None:
        """Something was committed in that account; None: perhaps in any."""
        if account_id is None:
            for feed in self._feeds.values():
                feed.looks = POLL
            self._poll()
        elif account_id in self._feeds:
            self._feeds[account_id].up_to_date()

    async def open(
        self,
        reader: Person,
        *,
        credential: bytes,
        signed_in: SignedIn,
        digest: bytes | None = None,
        after: int | None = None,
        lost: bool = False,
    ) -> Stream:
        """A stream of what happens from now on, or of all that came after event number `after`. Give it back to `close`.

        `digest`: of the token or the browser that its reader signed in with, where it is one of ours. `lost`: its reader comes back from a
        place that nobody knows, and is told to look for themselves.

        Raises `TooManyStreams`, or `Unavailable` where nothing is pushed here, or the log cannot be read.
        """
        if not self._running:
            raise Unavailable("push")
        self._take_places(reader)
        feed = self._feeds.get(reader.account_id)
        if feed is None:
            feed = self._feeds[reader.account_id] = Feed(reader.account_id, self.view, self.wire, self._reading, after)
        stream = Stream(
            reader=reader,
            credential=credential,
            signed_in=signed_in,
            digest=digest,
            feed=feed,
            place=after or 0,
            turn=next(self._turns) % BEAT,
        )
        feed.streams.add(stream)
        self._of_one[reader.user_id] += 1
        self._open += 1
        try:
            if not await asyncio.shield(feed.up_to_date()):
                raise Unavailable("database")
        except BaseException:
            self.close(stream)
            raise
        if self._of_one[reader.user_id] == 1:
            self._changed.add(reader.account_id)
            self._note()
        if after is None or not feed.place - MOST_MISSED <= after <= feed.place:
            stream.begin(feed.place, missed=lost or after is not None)
        return stream

    def close(self, stream: Stream) -> None:
        """It is over, however it ended."""
        stream.end(Ended.LEFT)
        feed = self._feeds[stream.reader.account_id]
        feed.streams.discard(stream)
        if not feed.streams:
            del self._feeds[stream.reader.account_id]
        self._open -= 1
        self.people.leave(str(stream.reader.user_id))
        self.accounts.leave(str(stream.reader.account_id))
        self._of_one[stream.reader.user_id] -= 1
        if not self._of_one[stream.reader.user_id]:
            del self._of_one[stream.reader.user_id]
            self._changed.add(stream.reader.account_id)

    def _take_places(self, reader: Person) -> None:
        """Raises `TooManyStreams`; then none was taken."""
        if self._open >= MOST_STREAMS:
            raise TooManyStreams(StreamsOf.PROCESS, MOST_STREAMS)
        if not self.people.take(str(reader.user_id), self.most_of_person):
            raise TooManyStreams(StreamsOf.PERSON, self.most_of_person)
        if not self.accounts.take(str(reader.account_id), self.most_of_account):
            self.people.leave(str(reader.user_id))
            raise TooManyStreams(StreamsOf.ACCOUNT, self.most_of_account)

    def _poll(self) -> None:
        """Have all logs read that were not for a while; what falls due meanwhile is read at the next look."""
        if self._polling is None or self._polling.done():
            self._polling = asyncio.create_task(self._read_what_is_due([feed for feed in self._feeds.values() if feed.looks >= POLL]))

    async def _read_what_is_due(self, feeds: list[Feed]) -> None:
        left = iter(feeds)

        async def read() -> None:
            for feed in left:
                async with self._routine:
                    # By now it may have been read for news, or have nobody left.
                    if feed.looks >= POLL and feed.streams:
                        await asyncio.wait({feed.up_to_date()})

        await asyncio.gather(*(read() for _ in range(MOST_ROUTINE)))

    def _note(self) -> None:
        """Write down who is here, where that has changed; whoever leaves is noted at the next look, since many come back at once."""
        if self._changed and (self._noting is None or self._noting.done()):
            self._noting = asyncio.create_task(self._note_changes())

    async def _note_changes(self) -> None:
        while self._changed:
            account_id = self._changed.pop()
            feed = self._feeds.get(account_id) if self._running else None
            here = frozenset(stream.reader.user_id for stream in feed.streams) if feed else frozenset[UserId]()
            try:
                async with self._routine, self._reading, self.begin(account_id) as work:
                    await work.presence.here(self.node_id, here, seconds=STAY)
                    await work.commit()
            except FlowPilotError as exc:
                # It is noted again soon, for those who are still here; who has left ceases to count by and by.
                log.debug("presence not to be noted", extra={"problem": str(exc)})

    async def _look_at_readers(self) -> None:
        """End the streams of whoever is not signed in any more; their role may have changed, too."""
        ask_many = self.standing and partial(_readers_of, self.standing)
        sharing: dict[bytes, list[Stream]] = {}
        of_account: dict[AccountId, list[Stream]] = {}
        for stream in self.streams:
            if ask_many is None or stream.digest is None:
                sharing.setdefault(stream.credential, []).append(stream)
            else:
                of_account.setdefault(stream.reader.account_id, []).append(stream)
        looks: list[tuple[_Ask, list[Stream]]] = [(_reader_of, streams) for streams in sharing.values()]
        if ask_many is not None:
            for streams in of_account.values():
                looks += [(ask_many, streams[begin : begin + LOOKED_AT_ONCE]) for begin in range(0, len(streams), LOOKED_AT_ONCE)]
        left = iter(looks)

        async def look() -> None:
            for ask, streams in left:
                await self._look_at(streams, ask)

        # As many as may read at a time: a task for each would take the loop for long.
        await asyncio.gather(*(look() for _ in range(MOST_ROUTINE)))

    async def _look_at(self, streams: list[Stream], ask: _Ask) -> None:
        try:
            async with self._routine, self._reading:
                readers = await ask(streams)
        except FlowPilotError as exc:
            # Nothing can be read just now, so that nothing is told either.
            log.debug("readers not to be looked at", extra={"problem": str(exc)})
            return
        for stream, reader in zip(streams, readers, strict=True):
            if reader is None:
                stream.end(Ended.SIGNED_OUT)
            else:
                stream.reader = reader


async def _readers_of(standing: Standing, streams: list[Stream]) -> Sequence[Person | None]:
    """Of an account."""
    digests = [stream.digest or b"" for stream in streams]
    found = await standing(streams[0].reader.account_id, set(digests))
    return [found.get(digest) for digest in digests]


async def _reader_of(streams: list[Stream]) -> Sequence[Person | None]:
    """Who share what they signed in with."""
    try:
        return [await streams[0].signed_in()] * len(streams)
    except Unauthenticated:
        return [None] * len(streams)
