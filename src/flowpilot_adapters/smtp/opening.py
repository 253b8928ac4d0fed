"""How a connection to a mail server begins and ends."""

import asyncio
import ssl
from contextlib import suppress
from ipaddress import ip_address
from typing import Final, cast

from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPException, SMTPHeloError
from attrs import field, frozen

from flowpilot_core.ports.notifications import NotSent

from .server import MailServer

_PERMANENT: Final = 500
"""Replies from here on mean that it is no use to try the same again."""
_UNKNOWN_COMMAND: Final = frozenset({500, 501, 502, 504, 550})
"""Replies to EHLO of servers that do not know it."""
_PATIENCE: Final = 1.0
"""Seconds for the answer to a goodbye."""


@frozen(kw_only=True)
class Opening:
    """Opens connections to a mail server that are ready for mail: greeted, over TLS where that must be, and signed in."""

    server: MailServer
    our_name: str
    _tls: ssl.SSLContext = field(factory=ssl.create_default_context, init=False, repr=False)

    async def __call__(self) -> SMTP:
        """A connection. Raises `NotSent`, `SMTPException` or `OSError`, with nothing left open."""
        client = SMTP(
            hostname=self.server.host,
            port=self.server.port,
            use_tls=self.server.tls_at_once,
            start_tls=False,
            tls_context=self._tls,
            local_hostname=self.our_name,
            timeout=None,
        )
        try:
            await self._prepare(client)
        except BaseException:
            drop(client)
            raise
        return client

    async def _prepare(self, client: SMTP) -> None:
        await client.connect()
        await _greet(client)
        if not self.server.tls_at_once:
            if client.supports_extension("starttls"):
                await client.starttls()
                await _greet(client)
            elif not is_this_machine(client):
                raise NotSent("the mail server offers no TLS, and without it mail goes to this machine alone")
        if self.server.user is not None:
            await self._sign_in(client, self.server.user)

    async def _sign_in(self, client: SMTP, user: str) -> None:
        """By one way only: the client's own `login` tries a wrong password in every way there is, and so gets us locked out sooner."""
        ways = {"plain": client.auth_plain, "login": client.auth_login, "cram-md5": client.auth_crammd5}
        way = next((ways[name] for name in ways if name in client.server_auth_methods), None)
        if way is None:
            raise NotSent("the mail server lets nobody sign in with a user and a password, and we are to")
        try:
            await way(user, self.server.password)
        except SMTPAuthenticationError as exc:
            # Without the server's words, which may name the user.
            mend = "it may pass" if exc.code < _PERMANENT else "its user or password must be corrected"
            raise NotSent(f"the mail server refused our sign-in ({exc.code}): {mend}") from None


async def _greet(client: SMTP) -> None:
    """As one that knows extensions, and where the server knows of none as one that does not (RFC 5321, 4.1.4)."""
    try:
        await client.ehlo()
    except SMTPHeloError as exc:
        if exc.code not in _UNKNOWN_COMMAND:
            raise
        await client.helo()


def is_this_machine(client: SMTP) -> bool:
    """Whether the other end of the connection is a loopback address."""
    host = client.get_transport_info("peername")[0]
    return ip_address(host.partition("%")[0]).is_loopback


async def farewell(client: SMTP) -> None:
    """Say goodbye as is proper, and let go. What was sent is accepted: nothing that goes wrong here matters, or is waited for long."""
    try:
        with suppress(SMTPException, OSError):
            async with asyncio.timeout(_PATIENCE):
                await client.quit()
    finally:
        drop(client)


def drop(client: SMTP) -> None:
    """Let go at once: closing in an orderly manner would wait for a server that may never read on."""
    transport = cast("asyncio.WriteTransport | None", client.transport)
    client.close()
    if transport is not None:
        transport.abort()
