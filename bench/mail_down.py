"""Escalating while the mail server is down, beside escalating while it is up: telling people costs no answer anything."""

import asyncio
import random
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

from flowpilot_adapters.embedded_postgres import EmbeddedPostgres
from flowpilot_adapters.sql import Database, migrations, roles

from .data import a_template, copy, numbered
from .hot_paths import ESCALATION, answered, serving
from .load import rate, request

UP, REFUSES, SILENT = "up", "refuses connections", "never answers"


async def measure(*, rounds: int, transactions: int, said: Callable[[str], None]) -> Mapping[str, float]:
    """For each way of being down, the median over the rounds of escalations a second over those while it is up; all in shuffled order."""
    with tempfile.TemporaryDirectory(prefix="flowpilot-bench-") as folder, EmbeddedPostgres(Path(folder) / "data") as postgres:
        address = postgres.address
        roles.set_up(address.url())
        migrations.migrate(address.url(user=roles.OWNER))
        database = Database(address.url(user=roles.APP))
        template = await a_template(database, "Escalating", escalated=False)
        copy(address.url(), template, 3 * rounds * transactions)
        await database.close()
        rates: dict[str, list[float]] = {UP: [], REFUSES: [], SILENT: []}
        used = 1
        async with _mail_server(silent=False) as up, _mail_server(silent=True) as silent:
            ways = {UP: up, REFUSES: "smtp://127.0.0.1:1", SILENT: silent}
            for number in range(rounds):
                said(f"mail server up and down, round {number + 1} of {rounds}")
                for way in random.sample(list(ways), len(ways)):
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
                    with serving(postgres, folder, relay=True, smtp_url=ways[way], data_dir=folder) as (base_url, _):
                        rates[way].append(await rate(base_url, requests, answered(201)))
    return {way: median(one / up for one, up in zip(rates[way], rates[UP], strict=True)) for way in (REFUSES, SILENT)}


@asynccontextmanager
async def _mail_server(*, silent: bool) -> AsyncIterator[str]:
    """One that takes every mail, or one that takes connections and says nothing."""
    talking: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talking.add(task)
        try:
            await (reader.read() if silent else _take(reader, writer))
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the server under test was stopped in the middle, or this one is to be
        finally:
            talking.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in set(talking):
            task.cancel()


async def _take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 bench\r\n")
    while line := await reader.readline():
        verb = line[:4].upper()
        if verb == b"DATA":
            writer.write(b"354 go on\r\n")
            await reader.readuntil(b"\r\n.\r\n")
        writer.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
