"""The line to a vendor: every call is bounded in time, size and number, and every failure is said in the port's words."""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping

import httpx
from attrs import define, field, frozen

from flowpilot_core.domain.kernel.retry_after import retry_after
from flowpilot_core.ports.kernel import Clock
from flowpilot_core.ports.psa import Access, NotDone, Posted, Trouble

DEADLINE = 30.0
"""Seconds for one call as a whole, from looking the name up to the last byte of the answer."""
MOST_BYTES = 4 * 1024 * 1024
"""Of one answer; more is not read."""
LONGEST_PAUSE = 3600.0
"""Seconds that a vendor may ask to be left alone for; it is asked again then, whatever it said."""
USUAL_PAUSE = 5.0
"""Seconds of rest where a vendor says that there were too many calls, and not until when."""
LONGEST_WORDS = 300
"""Characters of what a vendor said that are passed on."""

NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL)
"""What goes wrong before a request leaves."""

Query = Mapping[str, str | int]


@frozen(kw_only=True)
class Call:
    """One request to a vendor."""

    method: str
    url: str
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    query: Query = field(factory=dict)
    json: object = None
    form: Mapping[str, str] | None = field(default=None, repr=False)
    writes: bool = False
    """Whether it changes something there, so that a lost answer leaves it unknown whether it did."""
    lane: str = ""
    """What its vendor counts it with, where it counts calls at once by endpoint."""


@frozen(kw_only=True)
class Reply:
    """What a vendor answered."""

    status: int
    body: bytes
    said: str
    """Its first words on one line, without the secrets of whoever asked."""
    writes: bool

    @property
    def ok(self) -> bool:
        """Whether the vendor says that it did what it was asked."""
        return 200 <= self.status <= 299

    @property
    def data(self) -> object:
        """The JSON of the answer; None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def is_page(self) -> bool:
        """Whether it is a page for people, from a proxy as a rule."""
        return self.body.lstrip()[:1] == b"<"

    def refused(self, trouble: Trouble, problem: str, *, unknown: bool = False) -> NotDone:
        """The refusal that this answer is, with the vendor's words."""
        words = "a page for people" if self.is_page else self.said
        return NotDone(trouble, f"{problem} ({self.status}{': ' if words else ''}{words})", unknown=unknown)

    def required(self, vendor: str, refusal: "Refusal") -> object:
        """The JSON of an answer that must be a success; `refusal` says what it means where it is none."""
        if not self.ok:
            raise refusal(self)
        if self.data is None:
            raise self.not_the_api(vendor)
        return self.data

    def made(self, vendor_id: int | None, vendor: str, refusal: "Refusal") -> Posted:
        """What stands there now, where the answer is a success that tells its id."""
        if not self.ok:
            raise refusal(self)
        if vendor_id is None:
            raise self.not_the_api(vendor)
        return Posted(vendor_id=str(vendor_id), answer=f"{self.status} {self.said}")

    def not_the_api(self, vendor: str) -> NotDone:
        """It is no answer of the vendor's API."""
        return self.refused(Trouble.NOT_THE_API, f"something that is not {vendor} answered", unknown=self.writes)


Refusal = Callable[[Reply], NotDone]
"""What an answer that is no success means, as one vendor means it."""


@frozen(kw_only=True)
class Window:
    """How many calls a vendor takes from one customer in a while."""

    most: int
    seconds: float


@define
class Lane:
    """The calls of one connection that its vendor counts together."""

    slots: asyncio.Semaphore
    begun: deque[float] = field(factory=deque)
    rests_until: float = 0.0

    def rest(self, now: float, window: Window | None) -> float:
        """How many seconds to leave the vendor alone; 0 where it can be called."""
        if window is not None:
            while self.begun and self.begun[0] <= now - window.seconds:
                self.begun.popleft()
            if len(self.begun) >= window.most:
                self.rests_until = max(self.rests_until, self.begun[0] + window.seconds)
        return max(0.0, self.rests_until - now)


@define(kw_only=True)
class Line:
    """Calls one vendor, for all connections; each has lanes of its own, so that none waits for another's."""

    vendor: str
    client: httpx.AsyncClient
    clock: Clock
    at_once: int = 2
    """Calls in flight on one lane."""
    window: Window | None = None
    deadline: float = DEADLINE
    _lanes: dict[tuple[object, ...], Lane] = field(factory=dict, init=False)

    async def call(self, access: Access, call: Call) -> Reply:
        """The vendor's answer, whatever its status, unless it is none of the vendor's or asks us to wait.

        Raises `NotDone` with `UNREACHABLE`, `NOT_THE_API` or `TOO_MANY_CALLS`; the outcome is unknown where the call writes and left us.
        """
        lane = self._lane(access, call.lane)
        left = False
        try:
            async with asyncio.timeout(self.deadline), lane.slots:
                if rest := lane.rest(now(), self.window):
                    raise NotDone(Trouble.TOO_MANY_CALLS, f"{self.vendor} asked to be left alone for a while", retry_after=rest)
                lane.begun.append(now())
                left = call.writes
                return self._judged(lane, await self._exchange(access, call))
        except TimeoutError:
            raise NotDone(Trouble.UNREACHABLE, f"{self.vendor} did not answer in time", unknown=left) from None

    def _lane(self, access: Access, name: str) -> Lane:
        key = (access.account_id, access.connection_id, name)
        return self._lanes.setdefault(key, Lane(asyncio.Semaphore(self.at_once), deque(maxlen=self.window.most if self.window else 1)))

    async def _exchange(self, access: Access, call: Call) -> tuple[Reply, float | None]:
        request = None
        try:
            request = self.client.build_request(
                call.method,
                call.url,
                headers={"Accept-Encoding": "identity", **call.headers},
                params=dict(call.query) or None,
                json=call.json,
                data=dict(call.form) if call.form is not None else None,
                timeout=self.deadline,
            )
            response = await self.client.send(request, stream=True, follow_redirects=False)
            try:
                body = await _read(response)
            finally:
                await response.aclose()
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as exc:
            # Without the exception behind it: its request carries the credentials to wherever a traceback goes.
            why = _hidden(str(exc), access, call) or type(exc).__name__
            unknown = call.writes and request is not None and not isinstance(exc, NOT_SENT)
            raise NotDone(Trouble.UNREACHABLE, f"{self.vendor} cannot be reached: {why}", unknown=unknown) from None
        if body is None:
            raise NotDone(Trouble.NOT_THE_API, f"{self.vendor} answered more than can be read", unknown=call.writes)
        said = _hidden(body[: LONGEST_WORDS * 8].decode("utf-8", "replace"), access, call)
        reply = Reply(status=response.status_code, body=body, said=said, writes=call.writes)
        return reply, self._pause(response.headers.get("Retry-After"))

    def _judged(self, lane: Lane, answered: tuple[Reply, float | None]) -> Reply:
        reply, pause = answered
        match reply.status:
            case 429:
                rest = USUAL_PAUSE if pause is None else pause
                lane.rests_until = now() + rest
                raise NotDone(Trouble.TOO_MANY_CALLS, f"{self.vendor} takes no more calls for now ({reply.said})", retry_after=rest)
            case 502 | 503 | 504:
                refused = reply.refused(Trouble.UNREACHABLE, f"{self.vendor} is not available", unknown=reply.writes)
                raise NotDone(refused.trouble, refused.problem, unknown=refused.unknown, retry_after=pause)
            case status if 300 <= status <= 399:
                raise reply.not_the_api(self.vendor)
            case _:
                return reply

    def _pause(self, header: str | None) -> float | None:
        """Seconds that `Retry-After` asks for, in either of its two forms, as far as that makes sense."""
        seconds = retry_after(header, now=self.clock.now())
        return None if seconds is None else min(seconds, LONGEST_PAUSE)


def now() -> float:
    """Seconds by a clock that never jumps."""
    return asyncio.get_running_loop().time()


async def _read(response: httpx.Response) -> bytes | None:
    """The body as it came over the wire, or None where it is too long; one that is compressed all the same reads as garbage."""
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MOST_BYTES:
            return None
    return bytes(body)


def _hidden(words: str, access: Access, call: Call) -> str:
    """`words` on one line, shortened, without anything secret that we sent: some errors repeat what they were asked."""
    sent = [value.rpartition(" ")[2] for name, value in call.headers.items() if name not in PUBLIC_HEADERS]
    for secret in sorted({*access.credentials.values(), *sent}, key=len, reverse=True):
        if len(secret) >= SHORTEST_SECRET:
            words = words.replace(secret, "[hidden]")
    line = " ".join("".join(char if char.isprintable() else " " for char in words).split())
    return line if len(line) <= LONGEST_WORDS else line[: LONGEST_WORDS - 1] + "…"


PUBLIC_HEADERS = frozenset({"Accept", "Content-Type"})
SHORTEST_SECRET = 4
"""Characters of what counts as one: hiding a single letter would hide the message."""
