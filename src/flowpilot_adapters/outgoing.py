"""Requests to addresses that an account entered: they go to the open internet, and nowhere else.

Whoever may name an address could otherwise make this service ask the machines around it, which trust it: a metadata service, a database's
console, a neighbour (server-side request forgery).
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from datetime import timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from socket import SOCK_STREAM
from typing import Any, Final

import httpx
from attrs import define, field

from flowpilot_core.domain.kernel.web_address import in_ascii

LARGEST_ANSWER: Final = 1024 * 1024
"""Bytes of an answer's body."""
LONGEST: Final = timedelta(seconds=10)
"""For a request as a whole, from looking the name up to the last byte of the answer."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""All addresses of a name, as text. Raises `OSError`."""

# What `ipaddress` calls global in some version of Python and is not for us to ask, by the registries of RFC 6890.
_CLOSED: Final = tuple(
    ip_network(net)
    for net in (
        "0.0.0.0/8",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "240.0.0.0/4",
        "64:ff9b:1::/48",
        "2001::/23",
        "fec0::/10",
        "3fff::/20",
    )
)
# What a cloud's machines ask of the cloud itself: who they are, their secrets, names, and the cloud's own agents. Some of it has addresses
# of the open internet, which lead there from inside alone.
_CLOUD: Final = tuple(
    ip_network(net)
    for net in (
        "169.254.0.0/16",  # AWS, Azure, Google, Oracle, DigitalOcean, IBM, Tencent, Scaleway and most others; AWS's containers
        "fe80::/10",  # OpenStack and Hetzner
        "168.63.129.16/32",  # Azure
        "100.100.0.0/16",  # Alibaba
        "192.0.0.192/32",  # Oracle
        "161.26.0.0/16",  # IBM
        "166.8.0.0/14",  # IBM
        "fd00:ec2::/32",  # AWS
        "fd20:ce::/32",  # Google
        "fd00:a9fe:a9fe::/48",  # Linode
        "fd00:42::/32",  # Scaleway
    )
)
_NAT64: Final = tuple(ip_network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48"))
_COMPATIBLE: Final = ip_network("::/96")


class Forbidden(httpx.TransportError):
    """The request goes where it must not; it was not sent. The text may be shown to whoever entered the address."""


class AnswerTooLarge(httpx.TransportError):
    """The answer is larger than anything we asked for."""


def guarded_client(
    *,
    allow_private: bool = False,
    longest: timedelta = LONGEST,
    largest: int = LARGEST_ANSWER,
    resolve: Resolve | None = None,
    verify: ssl.SSLContext | None = None,
) -> httpx.AsyncClient:
    """A client for addresses that an account entered.

    Only https, only to public addresses: the name is looked up once, all its addresses are checked, and the connection goes to one that
    was. It follows no redirect by itself, and each one that is followed is checked in the same way. It ends in time, reads no
    more than `largest` bytes, takes nothing compressed, and minds no proxy of the environment. `allow_private` lets private
    addresses and plain http through, and never those that a cloud answers its own machines at. Raises `Forbidden`,
    `AnswerTooLarge` or another `httpx.TransportError`.
    """
    # No connection is kept: one to the same address may have been opened, and its certificate checked, for another name.
    inner = httpx.AsyncHTTPTransport(
        verify=verify or ssl.create_default_context(),
        trust_env=False,
        limits=httpx.Limits(max_connections=100, max_keepalive_connections=0),
    )
    transport = GuardedTransport(
        inner, allow_private=allow_private, seconds=longest / timedelta(seconds=1), largest=largest, resolve=resolve or resolved
    )
    return _GuardedClient(
        transport=transport,
        trust_env=False,
        follow_redirects=False,
        headers={"accept-encoding": "identity", "user-agent": "FlowPilot"},
        timeout=longest / timedelta(seconds=1),
    )


class _GuardedClient(httpx.AsyncClient):
    """Raises `Forbidden` for what is no address, whoever said it, and never anything that callers of httpx do not expect."""

    def build_request(self, method: str, url: httpx.URL | str, **others: Any) -> httpx.Request:
        """As httpx does, for an address whose host is named as IDNA 2008 says."""
        try:
            return super().build_request(method, in_ascii(str(url)), **others)
        except (httpx.InvalidURL, ValueError) as exc:
            raise Forbidden(f"the address {exc}") from exc

    async def send(self, request: httpx.Request, **others: Any) -> httpx.Response:
        """As httpx does; it reads where an answer redirects to even where nobody follows."""
        try:
            return await super().send(request, **others)
        except UnicodeError as exc:
            raise httpx.RemoteProtocolError("it redirects to what is no address", request=request) from exc


@define(eq=False)
class GuardedTransport(httpx.AsyncBaseTransport):
    """Checks where a request goes, and bounds what comes back."""

    _inner: httpx.AsyncBaseTransport
    _allow_private: bool = field(kw_only=True)
    _seconds: float = field(kw_only=True)
    _largest: int = field(kw_only=True)
    _resolve: Resolve = field(kw_only=True)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request to an address that was checked."""
        ends = asyncio.get_running_loop().time() + self._seconds
        try:
            async with asyncio.timeout_at(ends):
                sent = await self._addressed(request)
                answer = await self._inner.handle_async_request(sent)
        except TimeoutError as exc:
            raise httpx.ConnectTimeout("no answer in time", request=request) from exc
        if answer.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
            await answer.aclose()
            raise AnswerTooLarge("the answer is compressed, which was not asked for", request=request)
        stream = answer.stream
        if not isinstance(stream, httpx.AsyncByteStream):
            raise TypeError("an asynchronous transport answers with an asynchronous stream")
        bounded = _Bounded(stream, request=request, ends=ends, left=self._largest)
        return httpx.Response(answer.status_code, headers=answer.headers, stream=bounded, extensions=answer.extensions)

    async def aclose(self) -> None:
        """Let go of all connections."""
        await self._inner.aclose()

    async def _addressed(self, request: httpx.Request) -> httpx.Request:
        url = request.url
        if url.scheme != "https" and not (self._allow_private and url.scheme == "http"):
            raise Forbidden("the address must begin with https://", request=request)
        if url.userinfo:
            raise Forbidden("the address must not contain a user or a password", request=request)
        # As it is sent, which is ASCII: what httpx shows, the resolver and TLS would encode again, by the rules of 2003.
        host = url.raw_host.decode("ascii").rstrip(".")
        if not host:
            raise Forbidden("the address names no host", request=request)
        try:
            addresses = await self._resolve(host, url.port or (443 if url.scheme == "https" else 80))
        except (OSError, UnicodeError) as exc:
            raise httpx.ConnectError("the name cannot be resolved", request=request) from exc
        if not addresses:
            raise httpx.ConnectError("the name cannot be resolved", request=request)
        if not self._allow_private and not all(is_public(address) for address in addresses):
            raise Forbidden("the address leads to a private network", request=request)
        if any(is_clouds_own(address) for address in addresses):
            raise Forbidden("the address leads to what a cloud answers its own machines at", request=request)
        # The name stays in the Host header, which is set already, and is what the certificate is checked for.
        return httpx.Request(
            request.method,
            url.copy_with(host=addresses[0]),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": host},
        )


@define(eq=False)
class _Bounded(httpx.AsyncByteStream):
    """A body that ends in time, or fails, and is no longer than it may be."""

    _stream: httpx.AsyncByteStream
    _request: httpx.Request = field(kw_only=True)
    _ends: float = field(kw_only=True)
    _left: int = field(kw_only=True)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = self._stream.__aiter__()
        while True:
            try:
                async with asyncio.timeout_at(self._ends):
                    chunk = await anext(chunks, None)
            except TimeoutError as exc:
                raise httpx.ReadTimeout("the answer did not end in time", request=self._request) from exc
            if chunk is None:
                return
            self._left -= len(chunk)
            if self._left < 0:
                raise AnswerTooLarge("the answer is too large", request=self._request)
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


async def resolved(host: str, port: int) -> Sequence[str]:
    """What the system's resolver says, in its order; numbers in whatever notation it takes for an address."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=SOCK_STREAM)
    return [str(address[0]).partition("%")[0] for *_, address in found]


def is_public(address: str) -> bool:
    """Whether an address is one of the open internet; those inside another, such as IPv4 in IPv6, count too."""
    ip = ip_address(address)
    if _is_in(ip, (*_CLOSED, *_CLOUD)):
        return False
    inner = _inside(ip)
    if inner is not None:
        return is_public(str(inner))
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def is_clouds_own(address: str) -> bool:
    """Whether a cloud answers its own machines there; those inside another address count too."""
    ip = ip_address(address)
    inner = _inside(ip)
    return _is_in(ip, _CLOUD) or (inner is not None and _is_in(inner, _CLOUD))


def _is_in(ip: IPv4Address | IPv6Address, nets: Iterable[IPv4Network | IPv6Network]) -> bool:
    return any(ip.version == net.version and ip in net for net in nets)


def _inside(ip: IPv4Address | IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for."""
    if isinstance(ip, IPv4Address):
        return None
    if _is_in(ip, _NAT64) or (ip in _COMPATIBLE and int(ip) > 1):
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
