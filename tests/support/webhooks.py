"""A receiver of webhooks, and a relay that calls it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
from attrs import define, field

from flowpilot_adapters.redaction import SecretRedactor
from flowpilot_adapters.system import SystemClock, new_id
from flowpilot_adapters.webhooks import HttpWebhooks
from flowpilot_core.application.access.secrets import Safe
from flowpilot_core.application.kernel.computing import compute_here
from flowpilot_core.application.notifications.mailing import nobody_counts
from flowpilot_core.application.notifications.webhook_messages import SendWebhook, SpreadEvent
from flowpilot_core.application.relay.relay import Handler, Relay
from flowpilot_core.domain.notifications.delivery import Delivery
from flowpilot_core.ports.access import Vault
from flowpilot_core.ports.kernel import BeginWork
from flowpilot_core.ports.relay import Outbox, WorkKind
from flowpilot_core.ports.unit_of_work import UnitOfWork
from flowpilot_core.testing.faults import Faults

KEY = b"only these tests seal with this key"


@define
class Receiver:
    """The other end: an HTTP server that keeps what it is sent, and answers as it was told to, at last with 200.

    On one port, however often it is started.
    """

    answers: list[bytes] = field(factory=list)
    answering: asyncio.Event | None = None
    """Until it is set, nothing is answered."""
    requests: list[tuple[dict[str, str], str]] = field(factory=list, init=False)
    asked: asyncio.Event = field(factory=asyncio.Event, init=False)
    url: str = field(default="", init=False)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head.splitlines()[1:] if line)}
        body = (await reader.readexactly(int(headers["content-length"]))).decode()
        self.requests.append((headers, body))
        self.asked.set()
        if self.answering:
            await self.answering.wait()
        answer = self.answers.pop(0) if self.answers else b"200 OK\r\n"
        writer.write(b"HTTP/1.1 " + answer + b"connection: close\r\ncontent-length: 4\r\n\r\nsaid")
        await writer.drain()
        writer.close()

    @asynccontextmanager
    async def running(self) -> "AsyncIterator[Receiver]":
        server = await asyncio.start_server(self._serve, "127.0.0.1", urlsplit(self.url).port or 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook?token=s3cr3t"
        async with server:
            yield self

    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, body in self.requests]


def calling(
    begin: BeginWork[UnitOfWork],
    outbox: Outbox,
    client: httpx.AsyncClient,
    vault: Vault,
    faults: Faults | None = None,
    settled: Callable[[Delivery], None] = nobody_counts,
) -> Relay:
    """Makes and sends what webhooks are told, and nothing else; with fault points where `faults` wants some."""
    faults, clock = faults or Faults(), SystemClock()
    sending = SendWebhook(
        begin=faults.begin(begin),
        caller=faults.caller(HttpWebhooks(client, clock=clock)),
        safe=Safe(vault=vault, clock=clock, new_id=new_id),
        clock=clock,
        jitter=lambda: 0.0,
        base_url="https://flowpilot.example",
        redact=SecretRedactor(KEY, compute_here),
        settled=settled,
    )
    spreading = SpreadEvent(begin=faults.begin(begin), clock=clock, new_id=new_id)
    handlers: dict[WorkKind, Handler] = {WorkKind.WEBHOOK: sending, WorkKind.WEBHOOKS: spreading}
    return Relay(outbox=faults.outbox(outbox), begin=begin, handlers=handlers, jitter=lambda: 0.0)
