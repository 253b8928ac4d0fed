"""Mail servers for tests, on this machine: a scripted one that does whatever a server should not, and a well-behaved one."""

import asyncio
import email
import email.policy
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from email.headerregistry import Address
from email.message import EmailMessage
from enum import Enum, auto
from functools import partial
from pathlib import Path
from typing import Any, Literal

from aiosmtpd.smtp import SMTP as Aiosmtpd  # noqa: N811
from aiosmtpd.smtp import Envelope as AiosmtpdEnvelope
from attrs import define, field, frozen

from flowpilot_core.ports.notifications import Message

TLS = Path(__file__).parent / "tls"
AUTHORITY = TLS / "authority.pem"
"""Whose word the certificates of `LOCALHOST` and `ELSEWHERE` are good by, until 2126; the keys with them protect nothing."""
LOCALHOST = TLS / "localhost.pem"
"""A certificate and its key for the name `localhost`."""
ELSEWHERE = TLS / "elsewhere.pem"
"""The same for `mail.example.com`."""


class Fault(Enum):
    """What a server may do in place of an answer."""

    SILENCE = auto()
    HANG_UP = auto()
    DRIP = auto()
    """An answer that goes on for ever, a few bytes at a time."""
    GARBAGE = auto()
    """Something that is no answer."""


Action = str | Fault


@frozen(kw_only=True)
class Envelope:
    """One mail that a server accepted."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    """All that came after DATA, the closing dot included."""

    @property
    def mail(self) -> EmailMessage:
        """The mail in it."""
        lines = self.raw.removesuffix(b".\r\n").split(b"\r\n")
        text = b"\r\n".join(line.removeprefix(b".") for line in lines)
        return email.message_from_bytes(text, _class=EmailMessage, policy=email.policy.SMTPUTF8)

    @property
    def message(self) -> Message:
        """The message that the mail says."""
        sender, to = _only(self.mail["From"]), _only(self.mail["To"])
        return Message(
            message_id=self.mail["Message-ID"],
            to=self.recipients[0],
            to_name=to.display_name,
            account_name=sender.display_name,
            subject=self.mail["Subject"],
            text=_said(self.mail, "plain") or "",
            html=_said(self.mail, "html"),
            thread_id=self.mail["In-Reply-To"],
            unsubscribe_url=self.mail["List-Unsubscribe"] and str(self.mail["List-Unsubscribe"]).strip("<>"),
            maybe_twice="X-FlowPilot-Repeat" in self.mail,
        )


def _said(mail: EmailMessage, subtype: Literal["plain", "html"]) -> str | None:
    part = mail.get_body((subtype,))
    content = part.get_content() if part else None
    return None if content is None else str(content).replace("\r\n", "\n")


def _only(header: Any) -> Address:
    (address,) = header.addresses
    assert isinstance(address, Address)
    return address


@define
class _Line:
    verb: str
    action: Action
    to: str | None
    times: int


@define(kw_only=True)
class ScriptedServer:
    """A mail server that follows a script, and otherwise accepts everything; it keeps what it heard, byte by byte."""

    tls: ssl.SSLContext | None = None
    """Offered by STARTTLS, or spoken at once."""
    tls_at_once: bool = False
    extensions: Sequence[str] = ("8BITMIME", "SMTPUTF8")
    port: int = field(default=0, init=False)
    accepted: list[Envelope] = field(factory=list, init=False)
    commands: list[str] = field(factory=list, init=False)
    """Every line heard outside of a mail, over all connections."""
    left: asyncio.Event = field(factory=asyncio.Event, init=False)
    """Somebody has said goodbye."""
    _script: list[_Line] = field(factory=list, init=False)

    @property
    def url(self) -> str:
        """Where it listens, by name, as its certificate has it."""
        return f"smtp{'s' if self.tls_at_once else ''}://localhost:{self.port}"

    def on(self, verb: str, action: Action, *, to: str | None = None, times: int = 1) -> None:
        """Next time, or the next few, do this at `verb`: `CONNECT`, an SMTP verb, or `.`, the end of a mail."""
        self._script.append(_Line(verb, action, to, times))

    @asynccontextmanager
    async def running(self) -> AsyncIterator["ScriptedServer"]:
        """Listens until the block ends; whoever is connected then is cut off."""
        talking: set[asyncio.Task[None]] = set()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            talking.add(task)
            try:
                await _Conversation(self, reader, writer).go()
            except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, asyncio.CancelledError):
                pass  # the client went away, or the server is to
            finally:
                talking.discard(task)
                writer.transport.abort()

        server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=self.tls if self.tls_at_once else None, backlog=512)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in set(talking):
                task.cancel()
            await asyncio.gather(*talking, return_exceptions=True)

    def _next(self, verb: str, addresses: Sequence[str]) -> Action | None:
        for line in self._script:
            if line.verb == verb and line.times and (line.to is None or line.to in addresses):
                line.times -= 1
                return line.action
        return None


class _Conversation:
    def __init__(self, server: ScriptedServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._secure = server.tls_at_once
        self._sender = ""
        self._recipients: list[str] = []

    async def go(self) -> None:
        await self._answer("CONNECT", "220 scripted ESMTP")
        while line := (await self._reader.readline()).decode():
            self._server.commands.append(line.rstrip("\r\n"))
            verb = line.split()[0].upper()
            match verb:
                case "EHLO":
                    offers = [*self._server.extensions, *(["STARTTLS"] if self._server.tls and not self._secure else [])]
                    await self._answer(verb, "\r\n".join([*(f"250-{offer}" for offer in ["scripted", *offers]), "250 HELP"]))
                case "HELO":
                    await self._answer(verb, "250 scripted")
                case "STARTTLS":
                    if await self._answer(verb, "220 go ahead") and self._server.tls:
                        await self._writer.start_tls(self._server.tls)
                        self._secure = True
                case "MAIL":
                    self._sender, self._recipients = _path(line), []
                    await self._answer(verb, "250 ok")
                case "RCPT":
                    if await self._answer(verb, "250 ok", _path(line)):
                        self._recipients.append(_path(line))
                case "AUTH":
                    await self._answer(verb, "235 welcome")
                case "DATA":
                    if await self._answer(verb, "354 go ahead", *self._recipients):
                        await self._take()
                case "RSET":
                    await self._answer(verb, "250 as if nothing had been said")
                case "QUIT":
                    self._server.left.set()
                    await self._answer(verb, "221 bye")
                    return
                case _:
                    await self._answer(verb, "500 what?")

    async def _take(self) -> None:
        raw = b""
        while not raw.endswith(b"\r\n.\r\n"):
            raw += await self._reader.readuntil(b"\n")
        envelope = Envelope(sender=self._sender, recipients=tuple(self._recipients), raw=raw)
        action = self._server._next(".", self._recipients)
        if not isinstance(action, str) or action.startswith("2"):
            self._server.accepted.append(envelope)
        await self._do(action or "250 accepted")

    async def _answer(self, verb: str, usual: str, *addresses: str) -> bool:
        """Whether the answer was the usual one."""
        action = self._server._next(verb, addresses)
        await self._do(usual if action is None else action)
        return action is None

    async def _do(self, action: Action) -> None:
        match action:
            case Fault.SILENCE:
                await self._reader.read()
                raise ConnectionResetError
            case Fault.HANG_UP:
                raise ConnectionResetError
            case Fault.DRIP:
                while True:
                    self._writer.write(b"250-")
                    await self._writer.drain()
                    await asyncio.sleep(0.01)
            case Fault.GARBAGE:
                self._writer.write(b"\xff\x00 what a day\r\n")
            case str():
                self._writer.write(action.encode() + b"\r\n")
        await self._writer.drain()


def _path(line: str) -> str:
    return line.partition("<")[2].partition(">")[0]


@define
class AiosmtpdServer:
    """aiosmtpd, somebody else's reading of the standard, in this event loop; on one port, however often it is started."""

    port: int = field(default=0, init=False)
    accepted: list[Envelope] = field(factory=list, init=False)
    refusals: dict[str, str] = field(factory=dict, init=False)
    """What to answer, once, to a recipient."""
    hung_up_on: set[str] = field(factory=set, init=False)
    """Recipients whose mail is accepted without saying so."""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"smtp://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator["AiosmtpdServer"]:
        """Listens until the block ends."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            partial(Aiosmtpd, self, enable_SMTPUTF8=True, loop=loop, hostname="localhost"), "127.0.0.1", self.port, backlog=512
        )
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def handle_RCPT(  # noqa: N802
        self, server: Aiosmtpd, session: Any, envelope: AiosmtpdEnvelope, address: str, options: list[str]
    ) -> str:
        """As aiosmtpd's handlers go."""
        if address in self.refusals:
            return self.refusals.pop(address)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Aiosmtpd, session: Any, envelope: AiosmtpdEnvelope) -> str:  # noqa: N802
        """As aiosmtpd's handlers go."""
        assert isinstance(envelope.original_content, bytes)
        stuffed = b"\r\n".join(b"." + line if line.startswith(b".") else line for line in envelope.original_content.split(b"\r\n"))
        self.accepted.append(Envelope(sender=envelope.mail_from or "", recipients=tuple(envelope.rcpt_tos), raw=stuffed + b".\r\n"))
        if self.hung_up_on & set(envelope.rcpt_tos):
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
        return "250 OK"
