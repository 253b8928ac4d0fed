"""Wake-ups over NATS JetStream: for processes that do not all share one database server, or too many for its notifications.

What NATS holds is thrown away after a minute, and one message for each account is all it ever holds: it acknowledges before it has
written to disk, so that it carries wake-ups and never the record. Losing it, with all it has, costs nobody anything but a second.
"""

import asyncio
import logging
from collections.abc import Collection
from datetime import timedelta
from typing import Final
from uuid import UUID

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error
from nats.js.api import ConsumerConfig, DeliverPolicy, DiscardPolicy, StorageType, StreamConfig

from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.ports.kernel import Jitter
from flowpilot_core.ports.notifications import Heard

from .sending import Sending

log = logging.getLogger("flowpilot.push")

STREAM: Final = "FLOWPILOT_EVENTS"
SUBJECT: Final = "flowpilot.events"
PATIENCE: Final = 5.0
"""Seconds for a connection, and for the acknowledgement of a message."""
LONGEST_PAUSE: Final = 10.0
"""Seconds between tries to connect again."""
_KEPT: Final = StreamConfig(
    name=STREAM,
    subjects=[f"{SUBJECT}.*"],
    max_msgs_per_subject=1,
    max_age=timedelta(minutes=1) / timedelta(seconds=1),
    storage=StorageType.MEMORY,
    discard=DiscardPolicy.OLD,
)


class NatsEventStream:
    """One connection for publishing, and one for each `hear`. Neither mends itself behind our back: whoever hears must know of a gap."""

    def __init__(self, url: str, *, jitter: Jitter) -> None:
        self._url = url
        self._jitter = jitter
        self._sending = Sending(self._send)
        self._client: Client | None = None

    def publish(self, account_id: AccountId) -> None:
        """As `EventStream.publish` says."""
        self._sending.add(account_id)

    async def hear(self, heard: Heard) -> None:
        """As `EventStream.hear` says: it subscribes first and then has everybody look, so that nothing falls in between."""
        failures = 0

        async def told(message: Msg) -> None:
            if account_id := _account(message.subject):
                heard(account_id)

        while True:
            closed = asyncio.Event()
            try:
                client = await self._connect(closed)
                try:
                    new = ConsumerConfig(deliver_policy=DeliverPolicy.NEW)
                    await client.jetstream().subscribe(f"{SUBJECT}.*", cb=told, ordered_consumer=True, config=new)
                    failures = 0
                    heard(None)
                    await closed.wait()
                finally:
                    await client.close()
            except (Error, OSError, TimeoutError) as exc:
                problem = type(exc).__name__
            else:
                problem = "closed"
            failures += 1
            log.warning("wake-ups not to be heard, connecting again", extra={"error": problem, "failures": failures})
            await asyncio.sleep(min(LONGEST_PAUSE, 0.1 * 2 ** min(failures, 10)) * self._jitter())

    async def close(self) -> None:
        """Publish nothing more."""
        await self._sending.close()
        if self._client is not None:
            await self._client.close()

    async def _send(self, accounts: Collection[AccountId]) -> None:
        if self._client is None or self._client.is_closed:
            self._client = await self._connect(asyncio.Event())
        stream = self._client.jetstream(timeout=PATIENCE)
        await asyncio.gather(*(stream.publish(f"{SUBJECT}.{account_id.hex}") for account_id in accounts))

    async def _connect(self, closed: asyncio.Event) -> Client:
        """A connection with the stream at its other end; `closed` is set once it is over."""

        async def over() -> None:
            closed.set()

        async def problem(exc: Exception) -> None:
            log.debug("NATS had a problem", extra={"error": type(exc).__name__})

        async with asyncio.timeout(PATIENCE):
            client = await nats.connect(
                self._url, name="flowpilot push", allow_reconnect=False, closed_cb=over, disconnected_cb=over, error_cb=problem
            )
            try:
                await client.jetstream(timeout=PATIENCE).add_stream(_KEPT)
            except BaseException:
                await client.close()
                raise
        return client


def _account(subject: str) -> AccountId | None:
    """The account that a subject names; whoever may publish there may have made it up."""
    try:
        return AccountId(UUID(hex=subject.rpartition(".")[2]))
    except ValueError:
        return None
