"""A mail server on this machine that keeps what it is sent."""

import asyncio
import email
import email.policy
from email.message import EmailMessage
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP, Envelope


class Mailbox:
    """Listens on a free port of 127.0.0.1 for the length of a `with` block, in a thread of its own."""

    def __init__(self) -> None:
        self._mails: SimpleQueue[EmailMessage] = SimpleQueue()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="mail server", daemon=True)
        self.port = 0

    def __enter__(self) -> Self:
        self._server = self._loop.run_until_complete(
            self._loop.create_server(partial(SMTP, self, loop=self._loop, hostname="localhost", enable_SMTPUTF8=True), "127.0.0.1", 0)
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def next_mail(self, *, within: float) -> EmailMessage | None:
        """The next mail to arrive; None where none does within so many seconds."""
        try:
            return self._mails.get(timeout=within)
        except Empty:
            return None

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name for it
        """Accept a mail."""
        raw = envelope.original_content or b""
        self._mails.put(email.message_from_bytes(raw, _class=EmailMessage, policy=email.policy.SMTPUTF8))
        return "250 OK"
