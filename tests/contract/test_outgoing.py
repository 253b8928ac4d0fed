"""A38: an address that an account entered leads to the open internet or nowhere."""

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from attrs import define, field

from flowpilot_adapters.outgoing import AnswerTooLarge, Forbidden, Resolve, guarded_client, is_public, resolved

pytestmark = pytest.mark.anyio

TLS = Path(__file__).parents[1] / "support" / "tls"


@define
class Neighbour:
    """An HTTP server on this machine that must not be asked; it keeps what it was sent."""

    answer: bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"
    hangs: bool = False
    requests: list[bytes] = field(factory=list, init=False)
    port: int = field(default=0, init=False)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(self.answer)
        await writer.drain()
        if self.hangs:
            await reader.read()
        writer.close()

    @asynccontextmanager
    async def running(self, tls: ssl.SSLContext | None = None) -> "AsyncIterator[Neighbour]":
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self


def names(*answers: Sequence[str]) -> Resolve:
    """A resolver that gives one answer after the other, the last one for ever; each look-up counts."""
    left = list(answers)

    async def resolve(host: str, port: int) -> Sequence[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve


PRIVATE = [
    "127.0.0.1",
    "127.9.9.9",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "192.0.0.8",
    "198.18.0.1",
    "192.0.2.1",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2002:7f00:1::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "fec0::1",
]


@pytest.mark.parametrize("address", PRIVATE)
async def test_no_name_leads_to_a_private_address(address: str) -> None:
    """A38: not even where it has a public one too."""
    for addresses in ([address], ["93.184.215.14", address]):
        async with guarded_client(resolve=names(addresses)) as client:
            with pytest.raises(Forbidden, match="private network"):
                await client.get("https://hooks.example/")


CLOUDS = {
    "Azure": "168.63.129.16",
    "AWS, Google, Oracle, DigitalOcean and IBM": "169.254.169.254",
    "AWS, containers": "169.254.170.2",
    "AWS, over IPv6": "fd00:ec2::254",
    "Google, over IPv6": "fd20:ce::254",
    "Alibaba": "100.100.100.200",
    "Alibaba, names": "100.100.2.136",
    "Oracle, of old": "192.0.0.192",
    "IBM": "161.26.0.10",
    "IBM, endpoints": "166.9.12.1",
    "Linode, over IPv6": "fd00:a9fe:a9fe::1",
    "Scaleway": "fd00:42::42",
    "OpenStack, over IPv6": "fe80::a9fe:a9fe",
    "Azure, mapped": "::ffff:168.63.129.16",
    "Azure, compatible": "::168.63.129.16",
    "Azure, by NAT64": "64:ff9b::a83f:8110",
    "Azure, by NAT64 of a network": "64:ff9b:1::a83f:8110",
    "Azure, by 6to4": "2002:a83f:8110::1",
    "Azure, by Teredo": "2001:0:5db8:d70e::57c0:7eef",
}


@pytest.mark.parametrize("address", CLOUDS.values(), ids=CLOUDS)
async def test_no_name_leads_to_what_a_cloud_answers_its_own_machines_at(address: str) -> None:
    """A48: not even where private addresses may be asked, nor where the name has another address too."""
    for addresses in ([address], ["93.184.215.14", address]):
        async with guarded_client(resolve=names(addresses)) as client:
            with pytest.raises(Forbidden, match="private network"):
                await client.get("https://hooks.example/")
        async with guarded_client(resolve=names(addresses), allow_private=True) as client:
            with pytest.raises(Forbidden, match="what a cloud answers its own machines at"):
                await client.get("http://hooks.example/")


@pytest.mark.parametrize("address", ["93.184.215.14", "1.1.1.1", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e"])
async def test_an_address_of_the_open_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "localhost.",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "127.1",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[0:0:0:0:0:ffff:7f00:1]",
        "169.254.169.254",
        "127.0.0.1.",
        "\uff11\uff12\uff17.0.0.1",
    ],
)
async def test_no_way_to_write_it_leads_to_this_machine(host: str) -> None:
    """A38: every notation that the system's resolver takes for an address."""
    async with Neighbour().running() as neighbour, guarded_client() as client:
        with pytest.raises((Forbidden, httpx.ConnectError, httpx.InvalidURL)):
            await client.get(f"https://{host}:{neighbour.port}/")

    assert [] == neighbour.requests


@pytest.mark.parametrize(
    "url", ["http://hooks.example/", "ftp://hooks.example/", "file:///etc/passwd", "https://user:pw@hooks.example/", "https://"]
)
async def test_only_plain_https_addresses_are_asked(url: str) -> None:
    async with guarded_client(resolve=names(["93.184.215.14"])) as client:
        with pytest.raises((Forbidden, httpx.UnsupportedProtocol)):
            await client.get(url)


async def test_the_address_that_was_checked_is_the_one_that_is_asked() -> None:
    """A38: a name that leads elsewhere at the second look (DNS rebinding) is looked up once."""
    async with Neighbour().running() as neighbour:
        resolve = names(["203.0.114.1"], ["127.0.0.1"])
        async with guarded_client(resolve=resolve, longest=timedelta(seconds=0.2)) as client:
            with pytest.raises(httpx.TransportError):
                await client.get(f"https://rebinding.example:{neighbour.port}/")

    assert [] == neighbour.requests
    assert ["127.0.0.1"] == await resolve("rebinding.example", 443)


@pytest.mark.parametrize("follow", [False, True])
async def test_a_redirect_leads_to_no_private_address_either(follow: bool) -> None:
    """A38: it is not followed by itself, and checked where somebody follows it."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if host == "localhost" else ["10.9.9.9"]

    redirect = b"HTTP/1.1 302 Found\r\nlocation: https://inner.example/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    async with Neighbour(redirect).running() as neighbour:
        # The first hop is let through, as a public address would be; the second is judged as ever.
        async with guarded_client(allow_private=True, resolve=resolve) as client:
            first = await client.get(f"http://localhost:{neighbour.port}/")
        async with guarded_client(resolve=resolve) as client:
            assert first.next_request is not None
            with pytest.raises(Forbidden):
                await client.send(first.next_request, follow_redirects=follow)

    assert 302 == first.status_code
    assert ["localhost", "inner.example"] == asked


async def test_where_it_is_allowed_this_machine_answers_over_plain_http() -> None:
    async with Neighbour().running() as neighbour, guarded_client(allow_private=True) as client:
        answer = await client.get(f"http://localhost:{neighbour.port}/hook")

    assert (200, "ok") == (answer.status_code, answer.text)
    assert f"host: localhost:{neighbour.port}".encode() in neighbour.requests[0].lower()


async def test_the_certificate_is_checked_for_the_name_and_not_for_the_address() -> None:
    ours = ssl.create_default_context(cafile=TLS / "authority.pem")
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(TLS / "localhost.pem")
    async with (
        Neighbour().running(server) as neighbour,
        guarded_client(allow_private=True, resolve=names(["127.0.0.1"]), verify=ours) as client,
    ):
        assert 200 == (await client.get(f"https://localhost:{neighbour.port}/")).status_code
        with pytest.raises(httpx.ConnectError, match="certificate"):
            await client.get(f"https://elsewhere.example:{neighbour.port}/")


@pytest.mark.parametrize(
    "head", [b"content-length: 3000000\r\n", b"transfer-encoding: chunked\r\n", b"content-encoding: gzip\r\ncontent-length: 100000\r\n"]
)
async def test_an_answer_without_end_is_cut_off(head: bytes) -> None:
    body = gzip.compress(bytes(50_000_000)) if b"gzip" in head else b"x" * 3_000_000
    body = b"2dc6c0\r\n" + body + b"\r\n0\r\n\r\n" if b"chunked" in head else body
    async with (
        Neighbour(b"HTTP/1.1 200 OK\r\n" + head + b"connection: close\r\n\r\n" + body).running() as neighbour,
        guarded_client(allow_private=True) as client,
    ):
        with pytest.raises(AnswerTooLarge):
            await client.get(f"http://localhost:{neighbour.port}/")


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab"])
async def test_a_server_that_falls_silent_is_not_waited_for(answer: bytes) -> None:
    async with (
        Neighbour(answer, hangs=True).running() as neighbour,
        guarded_client(allow_private=True, longest=timedelta(seconds=0.2)) as client,
    ):
        with pytest.raises(httpx.TimeoutException):
            await client.get(f"http://localhost:{neighbour.port}/")


async def test_a_proxy_of_the_environment_is_not_minded(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Neighbour().running() as proxy, Neighbour().running() as neighbour:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.port}")
        async with guarded_client(allow_private=True) as client:
            await client.get(f"http://localhost:{neighbour.port}/")

    assert (0, 1) == (len(proxy.requests), len(neighbour.requests))


async def test_a_name_that_nobody_has_is_a_failure_like_any_other() -> None:
    async def unknown(host: str, port: int) -> Sequence[str]:
        raise OSError("no such name")

    async with guarded_client(resolve=unknown) as client:
        with pytest.raises(httpx.ConnectError, match="resolved"):
            await client.get("https://nobody.example/")


@pytest.mark.parametrize("written", ["straße.test", "STRAßE.test", "xn--strae-oqa.test", "xn--strae-oqa.test."])
async def test_the_name_that_is_looked_up_is_named_in_tls_and_to_the_server(written: str) -> None:
    """P2: never the name that the rules of 2003 would make of it, which is somebody else's."""
    looked_up: list[str] = []
    named: list[str | None] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        looked_up.append(host)
        return ["127.0.0.1"]

    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(TLS / "localhost.pem")
    server.sni_callback = lambda _socket, name, _context: named.append(name)
    async with (
        Neighbour().running(server) as neighbour,
        guarded_client(allow_private=True, resolve=resolve, verify=anybody) as client,
    ):
        await client.get(f"https://{written}:{neighbour.port}/")

    assert (["xn--strae-oqa.test"], ["xn--strae-oqa.test"]) == (looked_up, named)
    assert b"host: xn--strae-oqa.test" in neighbour.requests[0].lower()


NO_ADDRESS = [
    "http://[::1",
    "http://h:abc/",
    "http://h:99999/",
    "https://xn--/",
    "http://xn--i-7iq.ws",
    "https://a..b/",
    "https://h\\@elsewhere.example/",
    "https://" + "a" * 64 + ".example/",
    "https://[::1%25eth0]/",
    "https://[v1.x]/",
    "https://-.example/",
    "https:///x",
    "no address",
]


@pytest.mark.parametrize("url", NO_ADDRESS)
async def test_what_is_no_address_is_a_failure_with_words(url: str) -> None:
    """P3: whoever asks learns so as they learn of any other failure."""
    async with guarded_client(allow_private=True, resolve=names(["127.0.0.1"])) as client:
        with pytest.raises(httpx.TransportError, match="the address "):
            await client.get(url)


@pytest.mark.parametrize("url", NO_ADDRESS)
async def test_an_answer_that_redirects_to_what_is_no_address_is_a_failure_or_an_answer(url: str) -> None:
    """P3: where a third party says it."""
    redirect = f"HTTP/1.1 302 Found\r\nlocation: {url}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    async with Neighbour(redirect.encode()).running() as neighbour, guarded_client(allow_private=True) as client:
        try:
            status = (await client.get(f"http://localhost:{neighbour.port}/")).status_code
        except httpx.RemoteProtocolError:
            status = None

    assert status in (302, None)
    assert 1 == len(neighbour.requests)


async def test_the_systems_resolver_gives_addresses() -> None:
    assert "127.0.0.1" in await resolved("0x7f.1", 443)
