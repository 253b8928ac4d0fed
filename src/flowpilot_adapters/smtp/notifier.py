"""The conversation with a mail server."""

import asyncio
from datetime import timedelta
from typing import Final

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)
from attrs import define, field, frozen

from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.ports.kernel import Clock
from flowpilot_core.ports.notifications import Message, NotSent

from .connections import Connections
from .message import Mail, domain_of, written
from .opening import Opening
from .problems import is_permanent, reply, shortened, trouble
from .server import MailServer

_START_INPUT: Final = 354


@define
class _Said:
    """How far a mail has got."""

    all: bool = False
    """Its last byte is on the way."""


@frozen(kw_only=True)
class SmtpNotifier:
    """Hands each message to a mail server, as one mail to one address.

    A few connections are kept open for as long as mails follow one another, and used again while nothing went wrong on them.

    Certificates are checked against the system's authorities; OpenSSL's `SSL_CERT_FILE` names others. Without TLS nothing is said to
    anything but this machine, however the server's name is spelt: what counts is the address at the other end.
    """

    server: MailServer
    sender: str = field()
    """The address that mails come from; the name before it is the account's."""
    clock: Clock
    deadline: timedelta = timedelta(seconds=30)
    """For one mail as a whole, up to the answer after its last byte; and before that for its turn, and for opening a connection."""
    most: int = 10
    """Connections at once."""
    idle: timedelta = timedelta(seconds=5)
    """How long a connection is kept that nobody uses."""
    _connections: Connections = field(init=False, repr=False)

    @_connections.default
    def _none_yet(self) -> Connections:
        # Not the machine's own name: looking that up may hang, and behind NAT it means nothing to the server.
        opening = Opening(server=self.server, our_name=domain_of(self.sender))
        return Connections(
            open=opening, most=self.most, idle=self.idle / timedelta(seconds=1), patience=self.deadline / timedelta(seconds=1)
        )

    async def send(self, message: Message) -> None:
        """As `Notifier.send`: unknown is the outcome where the answer to the mail's last byte was lost; before it, nothing was sent."""
        mail = self._mail(message)
        said = _Said()
        try:
            async with self._connections.connection() as client, asyncio.timeout(self.deadline / timedelta(seconds=1)):
                await _hand_over(client, mail, said)
        except (SMTPSenderRefused, SMTPRecipientRefused, SMTPDataError) as refused:
            # Without the client's exception behind it, which carries the address to wherever a traceback goes.
            raise _refusal(refused, handed_over=said.all) from None
        except SMTPResponseException as exc:
            what = "the mail server is not ready for mail"
            raise NotSent(f"{what}: {reply(exc.code, exc.message)}", unknown=said.all, logged=f"{what}: {exc.code}") from exc
        except (SMTPException, OSError) as exc:
            raise NotSent(trouble(exc), unknown=said.all) from exc

    async def greet(self) -> None:
        """Open a connection that is ready for mail, and send none. Raises `NotSent` with what keeps mail from being sent."""
        try:
            async with self._connections.connection():
                pass
        except SMTPResponseException as exc:
            raise NotSent(f"the mail server is not ready for mail: {reply(exc.code, exc.message)}") from exc
        except (SMTPException, OSError) as exc:
            raise NotSent(trouble(exc)) from exc

    async def close(self) -> None:
        """Say goodbye to the server."""
        await self._connections.close()

    def _mail(self, message: Message) -> Mail:
        try:
            return written(message, sender=self.sender, at=self.clock.now())
        except InvalidValue as exc:
            raise NotSent(f"no mail can be made of this, {exc}", permanent=True) from None


async def _hand_over(client: SMTP, mail: Mail, said: _Said) -> None:
    await _envelope(client, mail)
    if client.protocol is None:
        raise SMTPServerDisconnected("before the mail")
    client.protocol.write(mail.content)
    said.all = True
    answer = await client.protocol.read_response()
    if not 200 <= answer.code <= 299:
        raise SMTPDataError(answer.code, answer.message)


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


def _refusal(refused: SMTPSenderRefused | SMTPRecipientRefused | SMTPDataError, *, handed_over: bool) -> NotSent:
    said = reply(refused.code, refused.message)
    if not 400 <= refused.code <= 599:
        what = "the mail server's answer is none"
        return NotSent(shortened(f"{what}: {said}"), unknown=handed_over, logged=f"{what}: {refused.code}")
    match refused:
        case SMTPSenderRefused():
            what = "the mail server refused mail from us"
        case SMTPRecipientRefused():
            what = "the mail server refused the address"
        case _:
            what = "the mail server refused the mail"
    return NotSent(shortened(f"{what}: {said}"), permanent=is_permanent(refused.code), logged=f"{what}: {refused.code}")
