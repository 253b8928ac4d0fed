"""Connections to a server: heads, bodies and answers have bounds in size and time, and there are only so many."""

import asyncio
import gc
import resource
import socket
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from typing import Any

import pytest
from attrs import frozen

from flowpilot_http import sending, server
from flowpilot_http.connections import Connections, Limits
from flowpilot_http.metrics import Metrics
from flowpilot_http.responses import Body

pytestmark = pytest.mark.anyio

KIB = 1024
LARGE = 2 * KIB * KIB
GET = b"GET /%d HTTP/1.1\r\nHost: here\r\n\r\n"
POST = b"POST /2 HTTP/1.1\r\nHost: here\r\n%s\r\n\r\n"
OK = b"HTTP/1.1 200 OK"


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop that `serve` runs on."""
    return "asyncio", {"use_uvloop": True}


async def _answers(scope: Any, receive: Any, send: Any) -> None:
    """Reads the body, then answers as many bytes as the path says."""
    while (await receive()).get("more_body"):
        pass
    await Body(b"x" * int(scope["path"][1:]))(scope, receive, send)


async def _answers_at_once(scope: Any, receive: Any, send: Any) -> None:
    await Body(b"no")(scope, receive, send)


@frozen
class _Client:
    """The other end of a connection, which reads when it is told to."""

    sock: socket.socket

    async def sends(self, *parts: bytes) -> None:
        for part in parts:
            await asyncio.get_running_loop().sock_sendall(self.sock, part)

    async def reads(self, most: int = 64 * KIB) -> bytes:
        """Nothing once it was disconnected."""
        try:
            return await asyncio.get_running_loop().sock_recv(self.sock, most)
        except ConnectionError:
            return b""

    async def until(self, end: bytes) -> bytes:
        """What comes until that does, or until it is disconnected."""
        got = b""
        while end not in got and (more := await self.reads()):
            got += more
        return got

    async def rest(self) -> bytes:
        """What comes until it is disconnected."""
        return b"".join([more async for more in self._parts()])

    async def _parts(self) -> AsyncIterator[bytes]:
        while more := await self.reads():
            yield more


@frozen
class _Serving:
    port: int
    metrics: Metrics
    stack: ExitStack

    async def client(self) -> _Client:
        sock = self.stack.enter_context(socket.socket())
        sock.setblocking(False)
        # So that little is under way before somebody reads it.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * KIB)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.port))
        return _Client(sock)

    def ended(self, why: str) -> int:
        """How many connections the server has ended for that."""
        found = [line for line in self.metrics.text().decode().split("\n") if f'ended_total{{why="{why}"}}' in line]
        return int(float(found[0].split()[-1])) if found else 0

    async def until(self, so: Callable[[], bool]) -> None:
        """Come back once it is so; a request is the pause between looks."""
        while not so():
            with socket.socket() as sock:
                sock.setblocking(False)
                await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.port))
                client = _Client(sock)
                await client.sends(GET % 2)
                await client.until(b"xx")


@asynccontextmanager
async def _serving(app: Any = _answers, *, limits: Limits | None = None) -> AsyncIterator[_Serving]:
    stop, metrics = asyncio.Event(), Metrics()
    listener = server.listening("127.0.0.1", 0)
    with ExitStack() as stack:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.serve(app, listener, stop, limits=limits, metrics=metrics))
            try:
                yield _Serving(listener.getsockname()[1], metrics, stack)
            finally:
                stop.set()
                stack.close()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that lasts, lasts shorter."""
    for name, seconds in {"LOOK": 0.01, "HEAD_LASTS": 0.3, "BODY_LASTS": 0.3, "UNREAD_LASTS": 0.3, "LINGER": 0.1}.items():
        monkeypatch.setattr(server, name, seconds)


def _head(size: int) -> bytes:
    """A whole head of so many bytes."""
    begin, end = b"GET /2 HTTP/1.1\r\nHost: here\r\nX: ", b"\r\n\r\n"
    return begin + b"x" * (size - len(begin) - len(end)) + end


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_head_of_64_kib_is_answered_and_one_of_a_byte_more_is_refused(at_once: bool) -> None:
    """A50"""
    async with _serving() as serving:
        said = []
        for size in (server.LARGEST_HEAD, server.LARGEST_HEAD + 1):
            client, head = await serving.client(), _head(size)
            await client.sends(*([head] if at_once else [head[:30], head[30:-1], head[-1:]]))
            said.append(await client.until(b"\r\n\r\n"))
        body = await client.rest()

    assert [OK, b"HTTP/1.1 431 The head of the request is too large"] == [one.partition(b"\r\n")[0] for one in said]
    assert b"connection: close" in said[1]
    assert b'"code":"head_too_large"' in said[1] + body


async def test_a_long_body_does_not_count_as_a_head() -> None:
    async with _serving() as serving:
        client = await serving.client()
        await client.sends(POST % b"Content-Length: 200000", b"x" * 200_000 + GET % 3)

        assert 2 == (await client.until(b"xxx")).count(OK)


async def test_requests_that_are_sent_at_once_are_answered_in_their_order() -> None:
    async with _serving() as serving:
        client = await serving.client()
        await client.sends(b"".join(GET % number for number in (1, 2, 3, 4)))
        got = await client.until(b"xxxx")

    assert [b"x", b"xx", b"xxx", b"xxxx"] == [answer.partition(b"\r\n\r\n")[2] for answer in got.split(OK)[1:]]


async def test_each_head_of_a_connection_is_counted_anew() -> None:
    async with _serving() as serving:
        client = await serving.client()
        for _ in range(3):
            await client.sends(_head(40 * KIB))
            assert (await client.until(b"xx")).startswith(OK)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("sent", [b"", b"GET /2 HTTP/1.1\r\nX:", b"\r\n", GET % 2 + b"G"])
async def test_whoever_does_not_finish_a_head_is_disconnected(sent: bytes) -> None:
    """A50, A52: nobody holds a connection by saying nothing, or by never coming to an end; also after a request that was answered."""
    async with _serving() as serving:
        client = await serving.client()
        await client.sends(sent)
        await client.rest()

        assert 1 == serving.ended("head_too_slow")


@pytest.mark.usefixtures("hasty")
async def test_a_head_that_comes_byte_by_byte_for_ever_is_not_waited_for() -> None:
    """A50"""
    async with _serving() as serving:
        client = await serving.client()
        await client.sends(b"GET /")
        with pytest.raises(ConnectionError):
            await _drip(client)

        assert 1 == serving.ended("head_too_slow")


async def _drip(client: _Client) -> None:
    while True:
        await client.sends(b"x")
        await asyncio.sleep(server.LOOK)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("sized", [b"Content-Length: 100000", b"Transfer-Encoding: chunked"])
async def test_a_body_that_comes_too_slowly_is_not_waited_for(sized: bytes) -> None:
    """A51"""
    async with _serving() as serving:
        client = await serving.client()
        await client.sends(POST % sized, b"1\r\nx\r\n")
        await client.rest()

        assert 1 == serving.ended("body_too_slow")


@pytest.mark.usefixtures("hasty")
async def test_a_body_that_comes_fast_enough_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A51"""
    monkeypatch.setattr(server, "BODY_RATE", 1)
    async with _serving() as serving:
        fast, slow = await serving.client(), await serving.client()
        await fast.sends(POST % b"Content-Length: 1001", b"x" * 1_000)
        await slow.sends(POST % b"Content-Length: 1001", b"x")
        await slow.rest()
        await fast.sends(b"x")

        assert (await fast.until(b"xx")).startswith(OK)
        assert 1 == serving.ended("body_too_slow")


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("end", [b"X: x", b"Connection: close"])
@pytest.mark.parametrize("size", [128 * KIB, LARGE])
async def test_an_answer_that_nobody_reads_ends(size: int, end: bytes) -> None:
    """A51: whether it fits into what the server hands on at once or not, and whether the connection is to go on."""
    async with _serving() as serving:
        clients = [await serving.client() for _ in range(2)]
        for client in clients:
            await client.sends(b"GET /%d HTTP/1.1\r\nHost: here\r\n%s\r\n\r\n" % (size, end))

        await serving.until(lambda: serving.ended("unread") == len(clients))


async def test_an_answer_that_is_read_slowly_arrives_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """A51: from a file in the end."""
    monkeypatch.setattr(sending, "SOON", 0.0)
    async with _serving() as serving:
        client = await serving.client()
        await client.sends(GET % LARGE)
        got = await client.until(b"\r\n\r\n")
        while more := await client.reads() if len(got.partition(b"\r\n\r\n")[2]) < LARGE else b"":
            got += more

        assert b"x" * LARGE == got.partition(b"\r\n\r\n")[2]


async def test_where_much_waits_in_files_whoever_does_not_read_on_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A51"""
    monkeypatch.setattr(sending, "SOON", 0.0)
    monkeypatch.setattr(sending, "MOST_ASIDE", LARGE // 2)
    async with _serving() as serving:
        client = await serving.client()
        await client.sends(GET % LARGE)

        assert LARGE > len(await client.rest())


async def test_a_client_that_sends_on_after_it_was_answered_is_not_listened_to_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A51"""
    monkeypatch.setattr(server, "MOST_IGNORED", 100 * KIB)
    async with _serving(_answers_at_once) as serving:
        client = await serving.client()
        await client.sends(POST % b"Content-Length: 100000000")
        first = await client.until(b"no")
        with pytest.raises(ConnectionError):
            await client.sends(b"x" * 100_000_000)

        assert first.startswith(OK)
        assert 1 == serving.ended("body_too_large")


class _Transport(asyncio.Transport):
    """Remembers each piece that is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def close(self) -> None:
        self.written.append(b"closed")


async def test_the_head_of_an_answer_goes_out_with_the_first_of_its_body() -> None:
    transport = _Transport()
    answer = server.HeadWithBody(transport, asyncio.get_running_loop())

    for part in (b"head ", b"body ", b"more "):
        answer.write(part)
    await asyncio.sleep(0)

    assert [b"head body ", b"more "] == transport.written


async def test_a_head_that_nothing_follows_at_once_does_not_wait_for_it() -> None:
    transport = _Transport()
    answer = server.HeadWithBody(transport, asyncio.get_running_loop())

    answer.write(b"head ")
    await asyncio.sleep(0)
    answer.write(b"body ")

    assert [b"head ", b"body "] == transport.written


async def test_a_head_without_a_body_goes_out_before_the_end() -> None:
    transport = _Transport()
    answer = server.HeadWithBody(transport, asyncio.get_running_loop())

    answer.write(b"head ")
    answer.close()
    await asyncio.sleep(0)

    assert [b"head ", b"closed"] == transport.written


def test_there_are_no_more_connections_than_files_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """A52: and as many files as the process may allow itself."""
    allowed: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1_024, 4_000))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: allowed.append(limits))

    assert 3_000 == Limits(of_process=12_000).within_files().of_process
    assert Limits(of_process=2_000) == Limits(of_process=2_000).within_files()
    assert [(4_000, 4_000), (2_667, 4_000)] == allowed


class _Line:
    """A connection that only notes that it was asked to end."""

    ended = False

    def make_room(self) -> None:
        self.ended = True


def _connections(of_process: int, of_address: int, *, believed: Callable[[str], bool] = lambda host: host == "proxy") -> Connections:
    return Connections(limits=Limits(of_process=of_process, of_address=of_address), believed=believed)


def test_whoever_has_waited_longest_makes_room() -> None:
    """A52"""
    connections, lines = _connections(3, 3), [_Line() for _ in range(5)]
    for line in lines[:3]:
        assert connections.admit(line, "a", "a")
    connections.works(lines[0])
    connections.works(lines[1])
    connections.waits(lines[0])

    assert connections.admit(lines[3], "b", "b")
    assert [False, False, True, False] == [line.ended for line in lines[:4]]
    assert connections.admit(lines[4], "b", "b")
    assert [True, False, True, False] == [line.ended for line in lines[:4]]
    assert 3 == len(connections)


def test_where_all_work_nobody_makes_room() -> None:
    """A52"""
    connections, lines = _connections(2, 2), [_Line() for _ in range(3)]
    for line in lines[:2]:
        connections.admit(line, "a", "a")
        connections.works(line)

    assert not connections.admit(lines[2], "b", "b")
    connections.gone(lines[0])
    assert connections.admit(lines[2], "b", "b")


def test_one_address_takes_its_share_and_no_more() -> None:
    """A52"""
    connections, others = _connections(100, 2), [_Line() for _ in range(3)]
    mine = [_Line() for _ in range(2)]
    for line in mine:
        connections.admit(line, "me", "me")
        connections.works(line)
    for line in others:
        assert connections.admit(line, "they", "they")

    assert [True, False, False] == [line.ended for line in others]
    assert not connections.admit(_Line(), "me", "me")
    assert 4 == len(connections)


def test_a_proxy_that_is_believed_speaks_for_many() -> None:
    """A52"""
    connections = _connections(100, 2)

    assert [True] * 50 == [connections.admit(_Line(), "proxy", "proxy") for _ in range(50)]
    assert 50 == len(connections)


async def test_while_others_hold_as_many_connections_as_there_may_be_whoever_asks_is_answered() -> None:
    """A52"""
    async with _serving(limits=Limits(of_process=20)) as serving:
        for _ in range(100):
            await serving.client()
        client = await serving.client()
        await client.sends(GET % 2)

        assert (await client.until(b"xx")).startswith(OK)
        assert 81 == serving.ended("made_room")


async def test_where_there_is_no_room_that_is_said() -> None:
    """A52"""
    async with _serving(limits=Limits(of_process=1)) as serving:
        busy = await serving.client()
        await busy.sends(POST % b"Expect: 100-continue\r\nContent-Length: 2")
        await busy.until(b"\r\n\r\n")
        said = await (await serving.client()).rest()

    assert said.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 5" in said


@pytest.mark.parametrize("anyio_backend", [("asyncio", {"use_uvloop": True}), ("asyncio", {})], ids=["uvloop", "asyncio"])
async def test_whoever_connects_as_the_server_ends_is_not_left_open() -> None:
    with warnings.catch_warnings(record=True) as left:
        warnings.simplefilter("always")
        for turns in range(6):
            listener = server.listening("127.0.0.1", 0)
            with socket.socket() as client:
                accepting = asyncio.create_task(server._accept(listener, asyncio.Protocol))
                await asyncio.sleep(0)
                client.connect(listener.getsockname())
                for _ in range(turns):
                    await asyncio.sleep(0)
                accepting.cancel()
                await asyncio.wait([accepting])
            for _ in range(6):
                await asyncio.sleep(0)
        gc.collect()
    assert [] == [str(one.message) for one in left]


async def _sends_now(said: list[bool], scope: Any, receive: Any, send: Any) -> None:
    """Begins an answer, then sends a part at once, or says that it cannot; `/large` has so much before it that nobody has read yet."""
    if scope["path"] == "/2":
        await Body(b"xx")(scope, receive, send)
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"x" * (LARGE if scope["path"] == "/large" else 1), "more_body": True})
    said.append(sending.sending_now(scope)(b"at once"))
    await send({"type": "http.response.body", "body": b"end", "more_body": False})


@pytest.mark.parametrize(
    ("path", "after", "version", "sent"),
    [
        (b"/1", b"", b"1.1", True),
        # What came meanwhile has its cycle in the place of the one that is answered.
        (b"/1", GET % 2, b"1.1", False),
        (b"/large", b"", b"1.1", False),
        (b"/1", b"", b"1.0", False),
    ],
)
async def test_a_part_is_sent_at_once_where_nothing_is_before_it(path: bytes, after: bytes, version: bytes, sent: bool) -> None:
    said: list[bool] = []
    async with _serving(partial(_sends_now, said)) as serving:
        client = await serving.client()
        await client.sends(b"GET %b HTTP/%b\r\nHost: here\r\n\r\n" % (path, version) + after)
        got = await client.until(b"end")
        if after:
            got += await client.until(b"xx")

    assert [sent] == said
    assert sent == (b"7\r\nat once\r\n" in got)
    assert bool(after) == got.endswith(b"xx")
