"""The limit: pgbench doing the very statements and commits of one of our requests, each time for another copy."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from attrs import frozen
from psycopg.sql import Literal

from flowpilot_adapters.embedded_postgres import Address, Binaries
from flowpilot_adapters.sql.connection import Connection
from flowpilot_adapters.sql.statement import Call, Statement

from .data import is_template

CLIENTS = 8
PLACE = re.compile(r"\$(\d+)")
COPY = "lpad(to_hex(:n::bigint), 12, '0')"


@frozen
class Sent:
    """A statement that was sent, with the values it was sent with."""

    statement: Statement
    values: dict[str, Any]


@contextmanager
def recorded() -> Iterator[list[list[Sent]]]:
    """Each round trip made inside, as what was sent in it."""
    trips: list[list[Sent]] = []
    values_of: dict[int, tuple[Call, dict[str, Any]]] = {}
    bind, send = Statement.__call__, Connection.round_trip

    def binding(self: Statement, /, **values: Any) -> Call:
        call = bind(self, **values)
        values_of[id(call)] = (call, values)
        return call

    async def sending(self: Connection, calls: Any) -> Any:
        trips.append([Sent(call.statement, values_of[id(call)][1]) for call in calls])
        return await send(self, calls)

    Statement.__call__, Connection.round_trip = binding, sending  # type: ignore[method-assign]
    try:
        yield trips
    finally:
        Statement.__call__, Connection.round_trip = bind, send  # type: ignore[method-assign]


def script(trips: list[list[Sent]], varying: dict[str, str], superuser: str) -> str:
    """What pgbench is to run: the statements in their order, for copy `:n`.

    `varying` gives, by parameter, the SQL of values that must differ from copy to copy and are no ids.
    """
    sent = [one for trip in trips for one in trip]
    with psycopg.connect(superuser) as connection:
        lines = [_line(one, varying, connection) for one in sent]
    whole = any(one.statement.text.startswith(b"BEGIN") for one in sent)
    return "\n".join(
        [
            r"\set i :i + 1",
            r"\set n :first + :client_id * :each + :i",
            *([] if whole else ["BEGIN;"]),
            *lines,
            *([] if whole else ["COMMIT;"]),
        ]
    )


def _line(sent: Sent, varying: dict[str, str], connection: "psycopg.Connection[Any]") -> str:
    kinds = sent.statement.parameters
    places = [_value(name, kind, sent.values[name], varying, connection) for name, kind in kinds]
    text = sent.statement.text.decode()
    return PLACE.sub(lambda place: places[int(place[1]) - 1], text).replace("\n", " ") + ";"


def _value(name: str, kind: str, value: Any, varying: dict[str, str], connection: "psycopg.Connection[Any]") -> str:
    if name in varying and not isinstance(value, list | tuple):
        return f"({varying[name]})::{kind}"
    if is_template(value):
        return f"('{str(value)[:24]}' || {COPY})::uuid"
    if isinstance(value, tuple):
        value = list(value)
    if isinstance(value, list) and any(is_template(item) for item in value):
        return f"ARRAY[{', '.join(_value('', 'uuid', item, {}, connection) for item in value)}]::{kind}"
    literal = Literal(value).as_string(connection)
    if ":" in literal:
        # pgbench would take what follows a colon for a variable of its own.
        text = value if isinstance(value, str) else value.decode() if isinstance(value, bytes) and kind == "jsonb" else None
        if text is None:
            text = value.isoformat() if hasattr(value, "isoformat") else None
        if text is not None:
            escaped = text.replace("\\", "\\\\").replace("'", "''").replace(":", "\\x3a").replace("\n", "\\n")
            literal = f"E'{escaped}'"
    return f"({literal})::{kind}"


def pgbench(address: Address, user: str, file: Path, *, transactions: int, first: int) -> float:
    """Transactions a second of `file`, over 8 clients that do `transactions` together, from copy `first` on."""
    each = transactions // CLIENTS
    done = subprocess.run(
        [
            str(Binaries.find().folder / "pgbench"),
            *("--no-vacuum", "--protocol=prepared", f"--client={CLIENTS}", "--jobs=1", f"--transactions={each}"),
            *(f"--define=first={first}", f"--define=each={each}", "--define=i=-1", f"--file={file}"),
            address.url(user=user),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PGOPTIONS": ""},
    )
    found = re.search(r"^tps = ([0-9.]+)", done.stdout, re.MULTILINE)
    processed = re.search(r"actually processed: (\d+)/", done.stdout)
    if done.returncode or not found or not processed or int(processed[1]) != each * CLIENTS:
        raise RuntimeError(f"pgbench failed: {done.stderr[-2000:] or done.stdout[-2000:]}")
    return float(found[1])
