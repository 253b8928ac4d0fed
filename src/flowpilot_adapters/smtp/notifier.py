"""The conversation with a mail server."""

import asyncio
import ssl
from contextlib import suppress
from datetime import timedelta
from ipaddress import ip_address
from typing import Final, cast

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)
from attrs import field, frozen

from flowpilot_core.domain.errors import InvalidValue
from flowpilot_core.ports.clock import Clock
from flowpilot_core.ports.notifier import Message, NotSent

from .message import Mail, domain_of, written
from .problems import is_permanent, reply, shortened, trouble
from .server import MailServer

_START_INPUT: Final = 354
_PERMANENT: Final = 500
"""Replies from here on mean that it is no use to try the same again."""
_PATIENCE: Final = 1.0
"""Seconds for the answer to a goodbye."""


@frozen(kw_only=True)
class SmtpNotifier:
    """Hands each message to a mail server, as one mail to one address.

    Every mail goes over a connection of its own. That costs a handshake, which the few people told of a handoff do not notice, and buys
    that no mail suffers from what an earlier one left behind: a server that hung up meanwhile, an envelope half said, a reply that came
    late. How many are open at once is up to the caller.

    Certificates are checked against the system's authorities; OpenSSL's `SSL_CERT_FILE` names others. Without TLS nothing is said to
    anything but this machine, however the server's name is spelt: what counts is the address at the other end.
    """

    server: MailServer
    sender: str = field()
    """The address that mails come from; the name before it is the account's."""
    clock: Clock
    deadline: timedelta = timedelta(seconds=30)
    """For one mail as a whole, from looking the name up to the answer after its last byte."""
    _helo: str = field(init=False)
    _tls: ssl.SSLContext = field(factory=ssl.create_default_context, init=False, repr=False)

    @_helo.default
    def _our_name(self) -> str:
        # Not the machine's own name: looking that up may hang, and behind NAT it means nothing to the server.
        return domain_of(self.sender)

    async def send(self, message: Message) -> None:
        """As `Notifier.send`: unknown is the outcome where the answer to the mail's last byte was lost; before it, nothing was sent."""
        mail = self._mail(message)
        client = SMTP(
            hostname=self.server.host,
            port=self.server.port,
            use_tls=self.server.tls_at_once,
            start_tls=False,
            tls_context=self._tls,
            local_hostname=self._helo,
            timeout=None,
        )
        ends = _now() + self.deadline / timedelta(seconds=1)
        handed_over = False
        try:
            async with asyncio.timeout_at(ends):
                await self._open(client)
                await _envelope(client, mail)
                if client.protocol is None:
                    raise SMTPServerDisconnected("before the mail")
                client.protocol.write(mail.content)
                handed_over = True
                answer = await client.protocol.read_response()
            if not 200 <= answer.code <= 299:
                raise SMTPDataError(answer.code, answer.message)
            await _farewell(client, ends)
        except (SMTPSenderRefused, SMTPRecipientRefused, SMTPDataError) as refused:
            # Without the client's exception behind it, which carries the address to wherever a traceback goes.
            raise _refusal(refused, handed_over=handed_over) from None
        except SMTPResponseException as exc:
            raise NotSent(f"the mail server is not ready for mail: {reply(exc.code, exc.message)}", unknown=handed_over) from exc
        except (SMTPException, OSError) as exc:
            raise NotSent(trouble(exc), unknown=handed_over) from exc
        finally:
            _drop(client)

    def _mail(self, message: Message) -> Mail:
        try:
            return written(message, sender=self.sender, at=self.clock.now())
        except InvalidValue as exc:
            raise NotSent(f"no mail can be made of this, {exc}", permanent=True) from None

    async def _open(self, client: SMTP) -> None:
        await client.connect()
        await client.ehlo()
        if not self.server.tls_at_once:
            if client.supports_extension("starttls"):
                await client.starttls()
                await client.ehlo()
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
            mend = "it may pass" if exc.code < _PERMANENT else "its user or password must be mended"
            raise NotSent(f"the mail server refused our sign-in ({exc.code}): {mend}") from None


def is_this_machine(client: SMTP) -> bool:
    """Whether the other end of the connection is a loopback address."""
    host = client.get_transport_info("peername")[0]
    return ip_address(host.partition("%")[0]).is_loopback


async def _envelope(client: SMTP, mail: Mail) -> None:
    if mail.utf8 and not client.supports_extension("smtputf8"):
        raise NotSent("the mail server takes no addresses beyond ASCII (SMTPUTF8)", permanent=True)
    encoding = "utf-8" if mail.utf8 else "ascii"
    await client.mail(mail.sender, options=["SMTPUTF8", "BODY=8BITMIME"] if mail.utf8 else [], encoding=encoding)
    await client.rcpt(mail.recipient, encoding=encoding)
    # The client's own `data` would not tell an answer lost before the mail from one lost after it.
    answer = await client.execute_command(b"DATA")
    if answer.code != _START_INPUT:
        raise SMTPDataError(answer.code, answer.message)


async def _farewell(client: SMTP, ends: float) -> None:
    """Say goodbye as is proper; the mail is accepted, so nothing that goes wrong here matters, nor is it waited for long."""
    with suppress(SMTPException, OSError):
        async with asyncio.timeout_at(min(ends, _now() + _PATIENCE)):
            await client.quit()


def _refusal(refused: SMTPSenderRefused | SMTPRecipientRefused | SMTPDataError, *, handed_over: bool) -> NotSent:
    said = reply(refused.code, refused.message)
    if not 400 <= refused.code <= 599:
        return NotSent(shortened(f"the mail server's answer is none: {said}"), unknown=handed_over)
    match refused:
        case SMTPSenderRefused():
            what = "mail from us"
        case SMTPRecipientRefused():
            what = "the address"
        case _:
            what = "the mail"
    return NotSent(shortened(f"the mail server refused {what}: {said}"), permanent=is_permanent(refused.code))


def _now() -> float:
    return asyncio.get_running_loop().time()


def _drop(client: SMTP) -> None:
    """Let go at once: closing in an orderly manner would wait for a server that may never read on."""
    transport = cast("asyncio.WriteTransport | None", client.transport)
    client.close()
    if transport is not None:
        transport.abort()
