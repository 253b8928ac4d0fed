"""What the simulators share: an HTTP server on 127.0.0.1, tickets with notes, and tricks to play on whoever calls."""

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import httpx
from attrs import define, field, frozen

from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.identifiers import AccountId, PsaConnectionId
from flowpilot_core.ports.psa import Access, Knock


@frozen(kw_only=True)
class Asked:
    """One request, names of headers in small letters."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def form(self) -> Mapping[str, str]:
        return dict(parse_qsl(self.body.decode()))


@frozen
class Said:
    """One answer: a body of bytes goes out as it is, any other as JSON."""

    status: int
    body: object = b""
    headers: Mapping[str, str] = field(factory=dict)


HANG_UP = Said(0)
"""No answer at all: the connection ends."""
PROXY_PAGE = Said(502, b"<html><body><h1>Bad Gateway</h1></body></html>", {"Content-Type": "text/html"})


@define
class Trick:
    """Something else than what the vendor would do, once, for the next request of this method whose path ends so."""

    method: str = ""
    ending: str = ""
    instead: Said | None = None
    """Said without anything being done."""
    afterwards: Said | None = None
    """Said after it was done."""
    gate: threading.Event | None = None
    """Waited for before anything is done."""
    opens: threading.Event | None = None
    """Set once it is done."""

    def applies(self, asked: Asked) -> bool:
        return self.method in ("", asked.method) and asked.path.endswith(self.ending)


@define
class Note:
    id: int
    text: str
    title: str = ""
    public: bool = False
    raw: Mapping[str, Any] = field(factory=dict)


@define
class Work:
    id: int
    member: int
    minutes: int
    text: str
    raw: Mapping[str, Any] = field(factory=dict)


@define
class Ticket:
    id: int
    title: str = "VPN down"
    closed: bool = False
    locked: bool = False
    priority: int = 1
    owner: int | None = None
    changes: int = 0
    """How often status, priority or owner was written."""
    notes: list[Note] = field(factory=list)
    work: list[Work] = field(factory=list)


class Simulator(ABC):
    """A vendor's PSA with one customer; everything that happens in it is under one lock."""

    system: str
    first_status: int
    closed_status: int

    def __init__(self) -> None:
        self.tickets: dict[int, Ticket] = {1001: Ticket(1001), 1002: Ticket(1002)}
        self.statuses: dict[int, int] = {}
        self.asked: list[Asked] = []
        self.tricks: list[Trick] = []
        self.forbidden: set[str] = set()
        """Methods and endings of paths that the user has no right to: `POST notes`."""
        self.calls_left = 10_000
        """Before the vendor takes no more."""
        self.most_at_once = 0
        self._in_flight = 0
        self._lock = threading.RLock()
        self.url = "https://psa.example"

    @abstractmethod
    def answer(self, asked: Asked) -> Said:
        """What the vendor answers."""

    @property
    @abstractmethod
    def credentials(self) -> Mapping[str, str]:
        """Those that are good."""

    @property
    @abstractmethod
    def wrong_credentials(self) -> Mapping[str, str]:
        """Of the right shape, and good for nothing."""

    @property
    @abstractmethod
    def entering(self) -> tuple[str, str]:
        """Of one that enters work."""

    @property
    @abstractmethod
    def posting(self) -> tuple[str, str]:
        """Method and ending of the path of a request that adds a note."""

    @abstractmethod
    def knock(self, ticket: int, secret: str, *, of: str | None = None) -> Knock:
        """The webhook that tells of a ticket, or of another thing of its kind with this number."""

    def another(self) -> str:
        """One more ticket, by its number."""
        with self._lock:
            number = max(self.tickets) + 1
            self.tickets[number] = Ticket(number)
            self.statuses[number] = self.first_status
        return str(number)

    def close(self, ticket: int = 1001) -> None:
        """Somebody closes a ticket there."""
        with self._lock:
            self.statuses[ticket] = self.closed_status
            self.tickets[ticket].closed = True

    def tell(self, url: str, ticket: int, secret: str) -> int:
        """Send it, and say with what status it was answered."""
        knock = self.knock(ticket, secret)
        return httpx.post(url, content=knock.body, headers=dict(knock.headers)).status_code

    def access(
        self,
        *,
        account: int = 1,
        settings: Mapping[str, Plain] | None = None,
        wrong: bool = False,
        changed: Mapping[str, str] | None = None,
    ) -> Access:
        """A connection of this account's, with credentials that are good unless they are `wrong`, or `changed` by name."""
        return Access(
            account_id=AccountId(UUID(int=account)),
            connection_id=PsaConnectionId(UUID(int=account)),
            version=1,
            base_url=self.url,
            credentials={**(self.wrong_credentials if wrong else self.credentials), **(changed or {})},
            settings=settings or {},
        )

    def notes(self, ticket: int = 1001) -> Sequence[Note]:
        with self._lock:
            return list(self.tickets[ticket].notes)

    def work(self, ticket: int = 1001) -> Sequence[Work]:
        with self._lock:
            return list(self.tickets[ticket].work)

    def play(self, *tricks: Trick) -> None:
        with self._lock:
            self.tricks.extend(tricks)

    def play_on_notes(self, *, instead: Said | None = None, afterwards: Said | None = None, gate: threading.Event | None = None) -> None:
        method, ending = self.posting
        self.play(Trick(method, ending, instead, afterwards, gate))

    def play_on_time(self, *, instead: Said | None = None, afterwards: Said | None = None) -> None:
        method, ending = self.entering
        self.play(Trick(method, ending, instead, afterwards))

    def posts(self) -> int:
        """How many requests to add a note came."""
        method, ending = self.posting
        with self._lock:
            return sum(asked.method == method and asked.path.endswith(ending) for asked in self.asked)

    def times(self, ending: str) -> int:
        """How many requests came to paths that end so."""
        with self._lock:
            return sum(asked.path.endswith(ending) for asked in self.asked)

    def may(self, asked: Asked) -> bool:
        return not any(asked.method == right.partition(" ")[0] and asked.path.endswith(right.partition(" ")[2]) for right in self.forbidden)

    def at_once(self) -> int:
        return self._in_flight

    def exchange(self, asked: Asked) -> Said:
        with self._lock:
            self.asked.append(asked)
            self._in_flight += 1
            self.most_at_once = max(self.most_at_once, self._in_flight)
            trick = next((trick for trick in self.tricks if trick.applies(asked)), None)
            if trick is not None:
                self.tricks.remove(trick)
        try:
            if trick is not None and trick.gate is not None:
                trick.gate.wait(30)
            if trick is not None and trick.instead is not None:
                return trick.instead
            with self._lock:
                said = self.answer(asked)
            if trick is not None and trick.opens is not None:
                trick.opens.set()
            return said if trick is None or trick.afterwards is None else trick.afterwards
        finally:
            with self._lock:
                self._in_flight -= 1

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Self]:
        """One that listens on a free port while the block lasts."""
        simulator = cls()
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(simulator))
        server.daemon_threads = True
        simulator.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield simulator
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def client(self) -> httpx.AsyncClient:
        """One whose every request is answered here, over no network."""

        def answered(request: httpx.Request) -> httpx.Response:
            said = self.exchange(
                Asked(
                    method=request.method,
                    path=request.url.path,
                    query=dict(request.url.params),
                    headers={name.lower(): value for name, value in request.headers.items()},
                    body=request.content,
                )
            )
            body = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
            headers = {"Content-Type": "application/json", **said.headers}
            return httpx.Response(said.status, stream=httpx.ByteStream(body), headers=headers)

        return httpx.AsyncClient(transport=httpx.MockTransport(answered))


def _handler(simulator: Simulator) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def parse_request(self) -> bool:
            understood = super().parse_request()
            if understood:
                setattr(self, f"do_{self.command}", self._exchange)
            return understood

        def _exchange(self) -> None:
            parts = urlsplit(self.path)
            asked = Asked(
                method=self.command,
                path=parts.path,
                query=dict(parse_qsl(parts.query, keep_blank_values=True)),
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(int(self.headers.get("Content-Length", 0))),
            )
            said = simulator.exchange(asked)
            self.close_connection = True
            if said is HANG_UP:
                return
            body = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
            self.send_response(said.status)
            for name, value in {"Content-Type": "application/json", **said.headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the tests look at what was asked."""

    return Handler
