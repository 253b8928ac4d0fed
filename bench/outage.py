"""Escalating while what is outside is down or slow, beside escalating while it is up: nothing that is told or asked costs an answer."""

import asyncio
import json
import random
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median

from flowpilot_adapters.embedded_postgres import EmbeddedPostgres
from flowpilot_adapters.sql import Database, migrations, roles

from .data import a_template, copy, numbered
from .hot_paths import ESCALATION, answered, serving
from .load import rate, request

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

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
            copy(address.url(), template, len(troubles) * rounds * transactions)
            await database.close()
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
                    with serving(postgres, folder, relay=True, data_dir=folder, **troubles[trouble]) as (base_url, _):
                        rates[trouble].append(await rate(base_url, requests, answered(201)))
    up = rates.pop(UP)
    return {trouble: [one / whole for one, whole in zip(each, up, strict=True)] for trouble, each in rates.items()}


def line(trouble: str, ratios: list[float]) -> str:
    """One trouble, as people read it."""
    return f"escalate while {trouble}, over while all is up: {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


async def _troubles(stack: AsyncExitStack) -> Mapping[str, Mapping[str, str]]:
    """What the server is told in each."""
    mail, silence = await stack.enter_async_context(_listening(_take)), await stack.enter_async_context(_listening(_say_nothing))
    quick = await stack.enter_async_context(_listening(_answering(0.001)))
    slow = await stack.enter_async_context(_listening(_answering(60)))

    def told(*, smtp: str = mail, model: str = quick, nats: str | None = None) -> dict[str, str]:
        asked = {"smtp_url": f"smtp://{smtp}", "assistant": "openai:bench", "openai_base_url": f"http://{model}/v1"}
        return asked | ({"nats_url": f"nats://{nats}"} if nats else {})

    return {
        UP: told(),
        "the mail server refuses connections": told(smtp=NOWHERE),
        "the mail server never answers": told(smtp=silence),
        "the model takes a minute": told(model=slow),
        "the model never answers": told(model=silence),
        "NATS refuses connections": told(nats=NOWHERE),
        "all of it is down": told(smtp=NOWHERE, model=NOWHERE, nats=NOWHERE),
    }


@asynccontextmanager
async def _listening(talk: Talk) -> AsyncIterator[str]:
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
    """A model that takes so long, and has nothing to say."""
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
