"""The four hot paths over real HTTP, each beside pgbench doing the same statements and commits."""

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

from attrs import frozen

from flowpilot_adapters.embedded_postgres import EmbeddedPostgres
from flowpilot_adapters.sql import Database, migrations, roles
from flowpilot_adapters.system import SystemClock, new_id
from flowpilot_core.application.kernel.units import Request
from flowpilot_core.domain.handoffs.handoff import Intent
from flowpilot_core.ports.handoffs import QueueFilter
from flowpilot_core.ports.kernel import Answer, Once
from flowpilot_http.settings import variable

from .data import Template, a_template, copy, numbered
from .limit import pgbench, recorded, script
from .load import rate, request

OPEN_ESCALATIONS = 10_000
QUEUE_PAGE = 50
SECRET_KEY = "bench" * 8
ESCALATION = json.dumps({"intent": "escalate", "reason": "I am out of ideas"}).encode()


@frozen(kw_only=True)
class HotPath:
    """One hot path: how our server and how pgbench do it, for copies from a number on."""

    name: str
    least: float
    goal: float
    requests: Callable[[int, int], list[bytes]]
    check: Callable[[int, bytes], None]
    file: Path
    uses_up: bool
    """Whether each copy can be had only once."""


@frozen(kw_only=True)
class Figure:
    """What came of one hot path."""

    name: str
    ours: float
    limit: float
    ratios: list[float]
    least: float
    goal: float

    @property
    def ratio(self) -> float:
        """The median over the rounds."""
        return median(self.ratios)


async def measure(*, rounds: int, transactions: int, said: Callable[[str], None]) -> list[Figure]:
    """Every path in every round, in shuffled order; the ratio is taken within a round."""
    copies = 2 * rounds * transactions
    with tempfile.TemporaryDirectory(prefix="flowpilot-bench-") as folder, EmbeddedPostgres(Path(folder) / "data") as postgres:
        address = postgres.address
        roles.set_up(address.url())
        migrations.migrate(address.url(user=roles.OWNER))
        database = Database(address.url(user=roles.APP))
        said(f"making {copies} copies of a session")
        escalating = await a_template(database, "Escalating", escalated=False)
        claiming = await a_template(database, "Claiming", escalated=True)
        queueing = await a_template(database, "Queueing", escalated=True)
        copy(address.url(), escalating, copies)
        copy(address.url(), claiming, copies)
        copy(address.url(), queueing, OPEN_ESCALATIONS - 1)
        scripts = await _scripts(address.url(), Path(folder), escalating, claiming, queueing)
        await database.close()
        paths = _paths(scripts, escalating, claiming, queueing)
        with serving(postgres, folder) as (base_url, _):
            rates: dict[str, list[tuple[float, float]]] = {path.name: [] for path in paths}
            used = 1
            for number in range(rounds):
                said(f"round {number + 1} of {rounds}")
                for path in random.sample(paths, len(paths)):
                    first = used if path.uses_up else 1
                    ours = await rate(base_url, path.requests(first, transactions), path.check)
                    limit = await asyncio.to_thread(
                        pgbench, address, roles.APP, path.file, transactions=transactions, first=first + transactions
                    )
                    rates[path.name].append((ours, limit))
                used += 2 * transactions
    return [
        Figure(
            name=path.name,
            ours=median(ours for ours, _ in rates[path.name]),
            limit=median(limit for _, limit in rates[path.name]),
            ratios=[ours / limit for ours, limit in rates[path.name]],
            least=path.least,
            goal=path.goal,
        )
        for path in paths
    ]


async def _scripts(superuser: str, folder: Path, escalating: Template, claiming: Template, queueing: Template) -> dict[str, Path]:
    """One file for pgbench a path, made from what our own use cases send."""
    sent: dict[str, Any] = {}
    with recorded() as sent["get session"]:
        await escalating.flowpilot.sessions.get(escalating.senior, escalating.session_id)
    with recorded() as sent["queue"]:
        await queueing.flowpilot.handoffs.queue(queueing.senior, QueueFilter(), after=None, limit=QUEUE_PAGE + 1)
    with recorded() as sent["escalate"]:
        await escalating.flowpilot.handoffs.hand_off(
            escalating.junior, escalating.session_id, intent=Intent.ESCALATE, reason="I am out of ideas", request=_once(escalating)
        )
    assert claiming.handoff_id is not None
    with recorded() as sent["claim"]:
        await claiming.flowpilot.handoffs.claim(claiming.senior, claiming.handoff_id, request=_once(claiming))
    varying = {"key": "'bench-' || :n::bigint", "number": ":n::bigint"}
    files = {}
    for name, trips in sent.items():
        files[name] = folder / f"{name.replace(' ', '-')}.sql"
        files[name].write_text(script(trips, varying, superuser))
    return files


def _once(template: Template) -> Request:
    now = SystemClock().now()
    once = Once(user_id=template.senior.user_id, key=str(new_id()), fingerprint=bytes(32), at=now, expired=now)
    return Request(id="bench", once=once, render=lambda _: Answer(status=200, body=bytes(1500)))


def _paths(scripts: dict[str, Path], escalating: Template, claiming: Template, queueing: Template) -> list[HotPath]:
    session, handoff = escalating.session_id, claiming.handoff_id or UUID(int=0)

    def escalate(first: int, many: int) -> list[bytes]:
        return [
            request("POST", f"/ai-sessions/{numbered(session, n)}/handoff", escalating.junior_token, key=f"escalate-{n}", body=ESCALATION)
            for n in range(first, first + many)
        ]

    def claim(first: int, many: int) -> list[bytes]:
        return [
            request("POST", f"/handoffs/{numbered(handoff, n)}/claim", claiming.senior_token, key=f"claim-{n}")
            for n in range(first, first + many)
        ]

    def get(first: int, many: int) -> list[bytes]:
        return [request("GET", f"/ai-sessions/{numbered(session, n)}", escalating.senior_token) for n in range(first, first + many)]

    def queue(_: int, many: int) -> list[bytes]:
        return [request("GET", f"/handoffs/queue?limit={QUEUE_PAGE}", queueing.senior_token)] * many

    return [
        HotPath(name="escalate", least=0.28, goal=0.45, requests=escalate, check=answered(201), file=scripts["escalate"], uses_up=True),
        HotPath(name="claim", least=0.20, goal=0.38, requests=claim, check=answered(200), file=scripts["claim"], uses_up=True),
        HotPath(name="queue", least=0.17, goal=0.27, requests=queue, check=_is_full_page, file=scripts["queue"], uses_up=False),
        HotPath(name="get session", least=0.20, goal=0.40, requests=get, check=answered(200), file=scripts["get session"], uses_up=False),
    ]


def answered(expected: int) -> Callable[[int, bytes], None]:
    """Checks that an answer has this status, and a body."""

    def check(status: int, body: bytes) -> None:
        if status != expected or b'"id"' not in body:
            raise RuntimeError(f"the server answered {status}: {body[:500]!r}")

    return check


def _is_full_page(status: int, body: bytes) -> None:
    if status != 200 or body.count(b'"handoff_id"') != QUEUE_PAGE:
        raise RuntimeError(f"the server answered {status}: {body[:500]!r}")


@contextmanager
def serving(postgres: EmbeddedPostgres, folder: str, *, relay: bool = False, **settings: str) -> Iterator[tuple[str, int]]:
    """Our server as an operator runs it, on a database server that is named, its address and process id; the relay is measured apart."""
    environment = {
        **os.environ,
        "FLOWPILOT_DATABASE_URL": postgres.address.url(user=roles.APP),
        "FLOWPILOT_RELAY_DATABASE_URL": postgres.address.url(user=roles.RELAY),
        "FLOWPILOT_SECRET_KEY": SECRET_KEY,
        "OPENAI_API_KEY": "bench",
        **{variable(name): value for name, value in settings.items()},
    }
    command = [str(Path(sys.executable).parent / "flowpilot"), "serve", "--relay" if relay else "--no-relay", "--port", "0"]
    log = Path(folder) / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
        try:
            yield _address(log, process), process.pid
        finally:
            # Not asked to end: it would finish first what it waits for outside.
            process.kill()
            process.wait()


def _address(log: Path, process: "subprocess.Popen[bytes]") -> str:
    while process.poll() is None:
        for line in log.read_text().splitlines():
            if line.startswith("{") and (said := json.loads(line)).get("event") == "serving":
                return str(said["address"])
        time.sleep(0.05)
    raise RuntimeError(f"the server ended: {log.read_text()[-2000:]}")
