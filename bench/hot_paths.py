"""The four hot paths over real HTTP: ours, a peer and the limit side by side, with the ratios taken within a round."""

import argparse
import asyncio
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from urllib.parse import quote, urlsplit

import psycopg
import uvloop
from attrs import frozen
from psycopg.sql import SQL, Identifier, Literal
from rich.console import Console
from rich.table import Table

from flowpilot_adapters.embedded_postgres import Address, EmbeddedPostgres
from flowpilot_adapters.sql import Database, migrations, roles
from flowpilot_http.settings import variable

from . import least, peer
from .data import Template, a_template, copy, numbered
from .load import CONNECTIONS, rate, request

QUEUE_PAGE = 50
PAGES = 60
"""Places of the queue that pages are asked from."""
SECRET_KEY = "bench" * 8
REASON = "Out of ideas, the printer is still offline"
ESCALATION = json.dumps({"intent": "escalate", "reason": REASON}).encode()
SETTINGS = {"shared_buffers": "1GB", "max_wal_size": "8GB", "autovacuum": "off", "jit": "off"}
"""Of the server, for all sides: nothing is to begin by itself while something is measured."""
FLOWPILOT = (str(Path(sys.executable).parent / "flowpilot"),)
EXPLANATION = (
    "limit: transactions a second of pgbench with 8 clients doing the least that the job needs, row security on; "
    "ours and the peer: requests a second over HTTP from 16 connections, answers checked; "
    "ours with row security, tokens, idempotency keys, logs and metrics, its relay off; the peer with none of these."
)


@frozen(kw_only=True)
class Floor:
    """What a path is held to: a share of the limit at least, the goal, and how many times the peer."""

    share: float
    goal: float
    peers: float


FLOORS = {
    "escalate": Floor(share=0.20, goal=0.45, peers=4.0),
    "claim": Floor(share=0.20, goal=0.38, peers=4.0),
    "queue": Floor(share=0.20, goal=0.27, peers=0.0),
    "get session": Floor(share=0.20, goal=0.40, peers=0.0),
}
USED_UP = ("escalate", "claim")
"""Paths whose things can be had only once."""


@frozen(kw_only=True)
class Figure:
    """What came of one path: rates a second, round by round."""

    name: str
    limits: list[float]
    peers: list[float]
    ours: list[float]

    @property
    def shares(self) -> list[float]:
        """Of the limit, ours."""
        return [ours / limit for ours, limit in zip(self.ours, self.limits, strict=True)]

    @property
    def peers_shares(self) -> list[float]:
        """Of the limit, the peer's."""
        return [one / limit for one, limit in zip(self.peers, self.limits, strict=True)]

    @property
    def times(self) -> list[float]:
        """Ours over the peer's."""
        return [ours / one for ours, one in zip(self.ours, self.peers, strict=True)]

    @property
    def holds(self) -> bool:
        """Whether it is at its floors."""
        floor = FLOORS[self.name]
        return median(self.shares) >= floor.share and median(self.times) >= floor.peers


class Check:
    """Says of each answer whether it is right, and of all of them at the end. Raises `RuntimeError`."""

    def __init__(self, *expected: int, holding: bytes = b'"id"', times: int = 1) -> None:
        self._expected = expected
        self._holding = holding
        self._times = times
        self.answers: Counter[int] = Counter()
        self.last = b""

    def __call__(self, status: int, body: bytes) -> None:
        self.answers[status] += 1
        self.last = body
        if status not in self._expected or (status < 300 and body.count(self._holding) < self._times):
            raise RuntimeError(f"the server answered {status}: {body[:500]!r}")


@frozen
class Side:
    """One server that is asked, and by whom: how its paths are requested for things from a number on."""

    base_url: str
    escalate: Callable[[int], bytes]
    claims: Callable[[int], tuple[bytes, bytes]]
    """Two colleagues, of whom one is first."""
    session: Callable[[int], bytes]
    queue: Callable[[str | None], bytes]
    cursors: list[str | None]
    connections: int = CONNECTIONS

    async def rate(self, path: str, first: int, many: int) -> float:
        """Requests a second. Raises `RuntimeError` for an answer that is wrong."""
        if path == "escalate":
            return await self._rate([self.escalate(n) for n in range(first, first + many)], Check(201))
        if path == "claim":
            claims = Check(200, 409)
            requests = [one for n in range(first, first + many // 2) for one in self.claims(n)]
            found = await self._rate(requests, claims)
            if claims.answers[200] != many // 2:
                raise RuntimeError(f"{claims.answers[200]} won {many // 2} claims")
            return found
        if path == "queue":
            full = Check(200, holding=b'"handoff_id"', times=QUEUE_PAGE)
            return await self._rate([self.queue(random.choice(self.cursors)) for _ in range(many)], full)
        whole = Check(200, holding=b'"kind"', times=least.STEPS)
        return await self._rate([self.session(random.randrange(first, first + many)) for _ in range(many)], whole)

    async def _rate(self, requests: list[bytes], check: Check) -> float:
        return await rate(self.base_url, requests, check, connections=self.connections)

    async def find_cursors(self) -> None:
        """Walk through the queue, and remember the places where a page begins that is full."""
        while len(self.cursors) < PAGES:
            page = Check(200, holding=b'"handoff_id"', times=QUEUE_PAGE)
            await rate(self.base_url, [self.queue(self.cursors[-1])], page)
            self.cursors.append(json.loads(page.last)["next_cursor"])


async def measure(*, rounds: int, transactions: int, said: Callable[[str], None]) -> list[Figure]:
    """Every path of every side in every round, in shuffled order."""
    transactions -= transactions % (2 * least.CLIENTS)
    each = rounds * transactions
    with tempfile.TemporaryDirectory(prefix="flowpilot-bench-") as folder, a_postgres(Path(folder) / "data") as postgres:
        address = postgres.address
        said(f"making {each} sessions to escalate and {each // 2} escalations to claim, for each side")
        least.fill(address, escalations=each, claims=each // 2)
        peer.fill(address.url(database=least.DATABASE))
        scripts = least.scripts(Path(folder), escalations=each)
        templates = await made_templates(address, each)
        with serving(postgres, folder) as (our_url, _), _peer(address) as peer_url:
            sides = {"ours": our_side(our_url, *templates), "peer": _the_peer(peer_url, each)}
            for name, side in sides.items():
                said(f"warming {name}")
                await side.find_cursors()
                await side.rate("get session", 0, least.CLIENTS * 20)
            snapshot = json.dumps({"steps": ["Looked at the switch and at its log once more; " * 2] * 3 * least.STEPS})
            rates: dict[str, dict[str, list[float]]] = {path: {"limit": [], "peer": [], "ours": []} for path in FLOORS}
            for number in range(rounds):
                for path in random.sample(list(rates), len(rates)):
                    first = number * (transactions // 2 if path == "claim" else transactions)
                    for name in random.sample(list(rates[path]), 3):
                        if name == "limit":
                            found = await asyncio.to_thread(
                                least.pgbench, address, scripts[path], transactions=transactions, first=first, body=snapshot
                            )
                        else:
                            found = await sides[name].rate(path, first, transactions)
                        rates[path][name].append(found)
                    limit, ours = rates[path]["limit"][-1], rates[path]["ours"][-1]
                    said(f"round {number + 1} of {rounds}, {path}: limit {limit:.0f}, peer {rates[path]['peer'][-1]:.0f}, ours {ours:.0f}")
    return [Figure(name=path, limits=found["limit"], peers=found["peer"], ours=found["ours"]) for path, found in rates.items()]


async def made_templates(address: Address, each: int) -> tuple[list[Template], list[Template], Template]:
    """What is escalated, what is claimed, and the account with the queue."""
    roles.set_up(address.url())
    migrations.migrate(address.url(user=roles.OWNER))
    database = Database(address.url(user=roles.APP))
    escalating = [await a_template(database, f"Escalating {n}", escalated=False) for n in range(least.ACCOUNTS)]
    claiming = [await a_template(database, f"Claiming {n}", escalated=True) for n in range(least.ACCOUNTS)]
    queueing = await a_template(database, "Queueing", escalated=True)
    await database.close()
    copy(address.url(), each // least.ACCOUNTS + 1, *escalating)
    copy(address.url(), each // 2 // least.ACCOUNTS + 1, *claiming)
    copy(address.url(), least.WAITING - 1, queueing)
    return escalating, claiming, queueing


def our_side(base_url: str, escalating: list[Template], claiming: list[Template], queueing: Template) -> Side:
    def of(templates: list[Template], n: int) -> tuple[Template, int]:
        return templates[n % len(templates)], n // len(templates) + 1

    def escalate(n: int) -> bytes:
        template, number = of(escalating, n)
        path = f"/ai-sessions/{numbered(template.session_id, number)}/handoff"
        return request("POST", path, template.junior_token, key=f"escalate-{n}", body=ESCALATION)

    def claims(n: int) -> tuple[bytes, bytes]:
        template, number = of(claiming, n)
        assert template.handoff_id is not None
        path = f"/handoffs/{numbered(template.handoff_id, number)}/claim"
        one, other = (request("POST", path, token, key=f"claim-{n}") for token in (template.senior_token, template.other_token))
        return one, other

    def session(n: int) -> bytes:
        template, number = of(escalating, n)
        return request("GET", f"/ai-sessions/{numbered(template.session_id, number)}", template.junior_token)

    return Side(base_url, escalate, claims, session, lambda cursor: request("GET", _page(cursor), queueing.senior_token), [None])


def _the_peer(base_url: str, each: int) -> Side:
    def person(n: int, which: int) -> str:
        return least.uuid_of(least.PERSON, (n % least.ACCOUNTS) * least.PEOPLE + which)

    def session(n: int) -> str:
        return f"/ai-sessions/{least.uuid_of(least.SESSION, n)}"

    def claims(n: int) -> tuple[bytes, bytes]:
        path = f"/handoffs/{least.uuid_of(least.HANDOFF, each + n)}/claim"
        return request("POST", path, person(each + n, 1)), request("POST", path, person(each + n, 2))

    reader = least.uuid_of(least.PERSON, least.ACCOUNTS * least.PEOPLE + 1)
    return Side(
        base_url,
        lambda n: request("POST", f"{session(n)}/handoff", person(n, 0), body=ESCALATION),
        claims,
        lambda n: request("GET", session(n), person(n, 0)),
        lambda cursor: request("GET", _page(cursor), reader),
        [None],
    )


def _page(cursor: str | None) -> str:
    return f"/handoffs/queue?limit={QUEUE_PAGE}" + (f"&cursor={quote(cursor)}" if cursor else "")


def answered(expected: int) -> Callable[[int, bytes], None]:
    """Checks that an answer has this status, and a body."""
    return Check(expected)


@contextmanager
def a_postgres(data: Path, **settings: str) -> Iterator[EmbeddedPostgres]:
    """One set as all sides have it, and as is named besides."""
    with EmbeddedPostgres(data) as postgres, psycopg.connect(postgres.address.url(), autocommit=True) as connection:
        for name, value in {**SETTINGS, **settings}.items():
            connection.execute(SQL("ALTER SYSTEM SET {} = {}").format(Identifier(name), Literal(value)))
    with EmbeddedPostgres(data) as postgres:
        yield postgres


@contextmanager
def _peer(address: Address) -> Iterator[str]:
    """The peer, as its team would run it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = address.url(database=least.DATABASE).replace("postgresql://", "postgresql+asyncpg://")
    command = [sys.executable, "-m", "uvicorn", "bench.peer:app", "--port", str(port), "--log-level", "warning", "--no-access-log"]
    process = subprocess.Popen(command, env={**os.environ, peer.URL: url})
    try:
        base_url = f"http://127.0.0.1:{port}"
        while not _listens(base_url):
            if process.poll() is not None:
                raise RuntimeError("the peer ended")
            time.sleep(0.05)
        yield base_url
    finally:
        process.kill()
        process.wait()


def _listens(base_url: str) -> bool:
    address = urlsplit(base_url)
    try:
        socket.create_connection((address.hostname or "", address.port or 0), 0.1).close()
    except OSError:
        return False
    return True


@contextmanager
def serving(
    postgres: EmbeddedPostgres, folder: str, *, relay: bool = False, program: Sequence[str] = FLOWPILOT, **settings: str
) -> Iterator[tuple[str, int]]:
    """Our server as an operator runs it, on a database server that is named, its address and process id; the relay is measured apart."""
    environment = {
        **os.environ,
        "FLOWPILOT_DATABASE_URL": postgres.address.url(user=roles.APP),
        "FLOWPILOT_RELAY_DATABASE_URL": postgres.address.url(user=roles.RELAY),
        "FLOWPILOT_SECRET_KEY": SECRET_KEY,
        "OPENAI_API_KEY": "bench",
        **{variable(name): value for name, value in settings.items()},
    }
    command = [*program, "serve", "--relay" if relay else "--no-relay", "--port", "0"]
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


def table(figures: list[Figure]) -> Table:
    """Medians over the rounds, each share with its spread."""
    drawn = Table("path", "limit / s", "peer / s", "ours / s", "peer's share", "our share", "times the peer", "at least", "goal")
    for figure in figures:
        floor = FLOORS[figure.name]
        wanted = f"{floor.share:.2f}" + (f", {floor.peers:.0f} times" if floor.peers else "")
        drawn.add_row(
            figure.name,
            *(f"{median(rates):.0f}" for rates in (figure.limits, figure.peers, figure.ours)),
            *(_spread(values, 3) for values in (figure.peers_shares, figure.shares)),
            _spread(figure.times, 1),
            wanted,
            f"{floor.goal:.2f}",
        )
    return drawn


def plain(figure: Figure) -> dict[str, object]:
    """The same for a program."""
    floor = FLOORS[figure.name]
    return {
        "limit_per_s": round(median(figure.limits)),
        "peer_per_s": round(median(figure.peers)),
        "ours_per_s": round(median(figure.ours)),
        "peer_share": round(median(figure.peers_shares), 3),
        "share": round(median(figure.shares), 3),
        "share_min": round(min(figure.shares), 3),
        "share_max": round(max(figure.shares), 3),
        "times_the_peer": round(median(figure.times), 2),
        "at_least": floor.share,
        "times_at_least": floor.peers,
        "goal": floor.goal,
    }


def _spread(values: list[float], places: int) -> str:
    return f"{median(values):.{places}f} ({min(values):.{places}f} to {max(values):.{places}f})"


def main() -> int:
    """These alone; ends with 0 only if all floors hold."""
    parser = argparse.ArgumentParser(prog="python -m bench.hot_paths", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="a ratio counts from five")
    parser.add_argument("--transactions", type=int, default=2000, help="of each path in a round, by each side")
    arguments = parser.parse_args()
    console = Console()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        figures = runner.run(measure(rounds=arguments.rounds, transactions=arguments.transactions, said=console.log))
    console.print(table(figures))
    console.print(EXPLANATION)
    return 0 if all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
