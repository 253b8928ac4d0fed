"""Escalating while what is outside is down or slow, beside escalating while it is up: nothing that is told or asked costs an answer."""

import asyncio
import json
import random
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median

from attrs import frozen

from flowpilot_adapters.embedded_postgres import EmbeddedPostgres
from flowpilot_adapters.sql import Database, migrations, roles
from flowpilot_adapters.system import SystemClock, new_id, new_secret
from flowpilot_adapters.vault import AesGcmVault
from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_core.domain.kernel.actor import Role
from flowpilot_core.domain.kernel.events import EventKind
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.domain.notifications.webhook import WebhookFormat

from .data import a_template, copy, forget_due_work, numbered
from .hot_paths import ESCALATION, SECRET_KEY, answered, serving
from .load import rate, request

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Pointing = Callable[[str], Awaitable[object]]

UP = "all is up"
NOWHERE = "127.0.0.1:1"
OPINION: Mapping[str, object] = {
    "headline": "x",
    "summary": [],
    "likely_causes": [],
    "ruled_out": [],
    "next_steps": [],
    "questions": [],
    "risk": None,
}


@frozen(kw_only=True)
class Outside:
    """What there is beside the database."""

    settings: Mapping[str, str]
    """What the server is told of it."""
    chat: str
    """Host and port of what the account's chat webhook calls."""


async def measure(*, rounds: int, transactions: int, said: Callable[[str], None]) -> Mapping[str, list[float]]:
    """For each trouble, in every round, escalations a second over those while all is up; in shuffled order."""
    with tempfile.TemporaryDirectory(prefix="flowpilot-bench-") as folder, EmbeddedPostgres(Path(folder) / "data") as postgres:
        address = postgres.address
        roles.set_up(address.url())
        migrations.migrate(address.url(user=roles.OWNER))
        async with AsyncExitStack() as stack:
            troubles = await _troubles(stack)
            database = Database(address.url(user=roles.APP))
            template = await a_template(database, "Escalating", escalated=False)
            copy(address.url(), len(troubles) * rounds * transactions, template)
            stack.push_async_callback(database.close)
            chat_at = await _chatting(database, template.account_id)
            rates: dict[str, list[float]] = {trouble: [] for trouble in troubles}
            used = 1
            for number in range(rounds):
                said(f"what is outside up, down and slow, round {number + 1} of {rounds}")
                for trouble in random.sample(list(troubles), len(troubles)):
                    requests = [
                        request(
                            "POST",
                            f"/ai-sessions/{numbered(template.session_id, n)}/handoff",
                            template.junior_token,
                            key=f"escalate-{n}",
                            body=ESCALATION,
                        )
                        for n in range(used, used + transactions)
                    ]
                    used += transactions
                    outside = troubles[trouble]
                    forget_due_work(address.url())
                    await chat_at(outside.chat)
                    with serving(postgres, folder, relay=True, data_dir=folder, **outside.settings) as (base_url, _):
                        rates[trouble].append(await rate(base_url, requests, answered(201)))
    up = rates.pop(UP)
    return {trouble: [one / whole for one, whole in zip(each, up, strict=True)] for trouble, each in rates.items()}


def line(trouble: str, ratios: list[float]) -> str:
    """One trouble, as people read it."""
    return f"escalate while {trouble}, over while all is up: {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


async def _chatting(database: Database, account_id: AccountId) -> Pointing:
    """A chat that the account has told of escalations: what leads its webhook to a host and port."""
    flowpilot = FlowPilot.of(
        begin=database.begin,
        view=database.view,
        clock=SystemClock(),
        new_id=new_id,
        new_secret=new_secret,
        vault=AesGcmVault([SECRET_KEY.encode()]),
    )
    admin = (await flowpilot.accounts.add_user(account_id, email="admin@bench.example", name="Admin", role=Role.ADMIN)).acting(account_id)
    chat = await flowpilot.webhooks.add(
        admin, url=f"http://{NOWHERE}/", kinds=frozenset({EventKind.HANDOFF_ESCALATED}), name="Chat", format=WebhookFormat.SLACK
    )
    return lambda at: flowpilot.webhooks.change(admin, chat.webhook.id, url=f"http://{at}/", on=True)


async def _troubles(stack: AsyncExitStack) -> Mapping[str, Outside]:
    """What is outside in each."""
    mail, silence = await stack.enter_async_context(listening(_take)), await stack.enter_async_context(listening(_say_nothing))
    quick = await stack.enter_async_context(listening(_answering(0.001)))
    slow = await stack.enter_async_context(listening(_answering(60)))

    def outside(*, smtp: str = mail, model: str = quick, nats: str | None = None, chat: str = quick) -> Outside:
        told = {"smtp_url": f"smtp://{smtp}", "assistant": "openai:bench", "openai_base_url": f"http://{model}/v1"}
        told |= {"allow_private_targets": "1"} | ({"nats_url": f"nats://{nats}"} if nats else {})
        return Outside(settings=told, chat=chat)

    return {
        UP: outside(),
        "the mail server refuses connections": outside(smtp=NOWHERE),
        "the mail server never answers": outside(smtp=silence),
        "the chat refuses connections": outside(chat=NOWHERE),
        "the chat never answers": outside(chat=silence),
        "the model takes a minute": outside(model=slow),
        "the model never answers": outside(model=silence),
        "NATS refuses connections": outside(nats=NOWHERE),
        "all of it is down": outside(smtp=NOWHERE, model=NOWHERE, nats=NOWHERE, chat=NOWHERE),
    }


@asynccontextmanager
async def listening(talk: Talk) -> AsyncIterator[str]:
    """Host and port of a server that talks like that until the end of the block."""
    talking: set[asyncio.Task[None]] = set()

    async def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talking.add(task)
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the server under test was stopped in the middle, or this one is to be
        finally:
            talking.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in set(talking):
            task.cancel()


async def _say_nothing(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


def _answering(seconds: float) -> Talk:
    """A model that takes so long, and has nothing to say; a chat is content with any answer."""
    message = {"role": "assistant", "content": json.dumps(OPINION)}
    completion = {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "bench",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
    body = json.dumps(completion).encode()
    answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = next(int(one[15:]) for one in head.lower().split(b"\r\n") if one.startswith(b"content-length:"))
            await reader.readexactly(length)
            await asyncio.sleep(seconds)
            writer.write(answer)

    return talk


async def _take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 bench\r\n")
    while line := await reader.readline():
        verb = line[:4].upper()
        if verb == b"DATA":
            writer.write(b"354 go on\r\n")
            await reader.readuntil(b"\r\n.\r\n")
        writer.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
