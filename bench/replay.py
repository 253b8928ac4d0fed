"""Replaying a whole log, beside a bare driver that does nothing but send the same statements and commits, and waits for each."""

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from attrs import frozen

from flowpilot_adapters.embedded_postgres import Address, EmbeddedPostgres
from flowpilot_adapters.sql import Database, migrations, roles
from flowpilot_adapters.sql.connection import Connection
from flowpilot_adapters.sql.replay.imports import WAIT_FOR_NO_DISK
from flowpilot_adapters.sql.statement import Call, Statement
from flowpilot_adapters.system import SystemClock, new_id, new_secret
from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_http.cli.mapping import read_log, read_mapping

AT_ONCE = 8
MOST = 2.0
"""Times the bare driver's time that a replay may take."""
ROLLBACK = Statement("rollback", "ROLLBACK")

Trips = list[list[Call]]


@frozen(kw_only=True)
class ReplayFigure:
    """Seconds for one log, ours and the bare driver's."""

    rows: int
    ours: float
    bare: float

    @property
    def ratio(self) -> float:
        """How many times as long ours takes."""
        return self.ours / self.bare


async def measure(log: Path, mapping: Path, *, said: Callable[[str], None]) -> ReplayFigure:
    """The log into one database through the use cases, then what they sent into another."""
    read_by = read_mapping(mapping)
    rows = read_log(log, read_by).rows
    with tempfile.TemporaryDirectory(prefix="flowpilot-bench-") as folder, EmbeddedPostgres(Path(folder) / "data") as postgres:
        ours, bare = (_made(postgres.address, name) for name in ("ours", "bare"))
        said(f"replaying {len(rows)} rows")
        database = Database(ours, pool_size=AT_ONCE)
        flowpilot = FlowPilot.of(begin=database.begin, view=database.view, clock=SystemClock(), new_id=new_id, new_secret=new_secret)
        with _recorded() as sent:
            account = await flowpilot.accounts.create("Replayed")
            begun = time.perf_counter()
            await flowpilot.replay.run(account.id, read_by.log, rows, concurrency=AT_ONCE, done=lambda _: None)
            ours_took = time.perf_counter() - begun
        await database.close()
        said("sending the same without us")
        first, *others = sent.values()
        begun = time.perf_counter()
        await _send(bare, first[: _prelude(first)])
        await asyncio.gather(*(_send(bare, trips) for trips in others))
        await _send(bare, first[_prelude(first) :])
        bare_took = time.perf_counter() - begun
    return ReplayFigure(rows=len(rows), ours=ours_took, bare=bare_took)


def _made(address: Address, name: str) -> str:
    with psycopg.connect(address.url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    roles.set_up(address.url(database=name))
    migrations.migrate(address.url(user=roles.OWNER, database=name))
    return address.url(user=roles.APP, database=name)


def _prelude(trips: Trips) -> int:
    """How many of the first task's trips come before the rows: all but settling them, and the figures, which it reads last."""
    return len(trips) - 2


@contextmanager
def _recorded() -> Iterator[dict[Any, Trips]]:
    """What each task sends, in its order; the first task is the one that starts the others."""
    sent: dict[Any, Trips] = {}
    send = Connection.round_trip

    async def sending(self: Connection, calls: Any) -> Any:
        sent.setdefault(asyncio.current_task(), []).append([call for call in calls if call.statement is not WAIT_FOR_NO_DISK])
        return await send(self, calls)

    Connection.round_trip = sending  # type: ignore[method-assign]
    try:
        yield sent
    finally:
        Connection.round_trip = send  # type: ignore[method-assign]


async def _send(url: str, trips: Trips) -> None:
    connection = await Connection.connect(url, autocommit=True)
    try:
        for calls in trips:
            try:
                await connection.round_trip(calls)
            except psycopg.Error:
                # It failed for us too, when others were first, and was done again.
                if not connection.idle:
                    await connection.round_trip([ROLLBACK()])
    finally:
        await connection.close()
