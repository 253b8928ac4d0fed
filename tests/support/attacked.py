"""What attacks over the network are tried on: a served process on PostgreSQL, with neighbours on this machine and two accounts in it.

Beside it another of the same database, which may ask addresses on this machine, and does no relay's work.
"""

import asyncio
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from html import unescape
from pathlib import Path
from types import MappingProxyType

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from attrs import evolve, frozen

from flowpilot_adapters.sql import Database, SqlOutbox
from flowpilot_adapters.system import SystemClock
from flowpilot_adapters.vault import AesGcmVault
from flowpilot_core.domain.access.account import MOST_MAILS_A_MINUTE
from flowpilot_core.domain.access.identity_provider import audience
from flowpilot_core.domain.kernel.actor import System

from .http import Somebody, a_world_in
from .mail_server import Envelope, ScriptedServer
from .model_server import ModelServer
from .postgres import PostgresDatabase
from .provider import CLIENT, Provider
from .routes import things_of
from .serving import LONGEST_WAIT, SECRET_KEY, Serving, named, serving, until

SENDER = "flowpilot@acme.test"
NOT_MAILED = "adam@example.test"
"""Of A, and none of those whom the operator named."""
INVITED = "nina@example.test"
NAMED = f"olga@example.test,sam@example.test,jo@example.test,rita@example.test,rob@example.test,{INVITED}"
OPINION = {"headline": "x", "summary": [], "likely_causes": [], "ruled_out": [], "next_steps": [], "questions": [], "risk": ""}


@frozen(kw_only=True)
class Neighbours:
    """What listens on this machine beside the program."""

    provider: Provider
    """An identity provider that both accounts trust. Nobody but the process that may is to ask it."""
    mail: ScriptedServer
    model: ModelServer


@frozen(kw_only=True)
class Seeded:
    """What is in the database."""

    people: Mapping[str, Somebody]
    ids: Mapping[str, str]
    """One of each thing that a path can name, in A."""
    links: Mapping[str, str]
    """Ends of addresses that sign people in."""


@frozen(kw_only=True)
class Served:
    """A served process, an engineer and the owner of A, the owner of B, and somebody of B who is about to go."""

    server: Serving
    database: PostgresDatabase
    neighbours: Neighbours
    seeded: Seeded
    anna: httpx.Client
    owner: httpx.Client
    rival: httpx.Client
    leaver: httpx.Client
    trusting: httpx.Client
    """Nobody yet, at the other process."""

    @property
    def ids(self) -> Mapping[str, str]:
        return self.seeded.ids

    @property
    def account_id(self) -> str:
        return str(self.seeded.people["jo"].account_id)

    @property
    def audience(self) -> str:
        return audience(self.seeded.people["jo"].account_id)

    @property
    def rivals_audience(self) -> str:
        return audience(self.seeded.people["rob"].account_id)

    def metrics(self) -> str:
        """What the process says of itself."""
        return self.anna.get("/metrics").text

    def figure(self, name: str) -> float:
        """One of its metrics, 0 where it has not been counted."""
        found = [line for line in self.metrics().split("\n") if line.startswith(f"{name} ")]
        return float(found[0].split()[-1]) if found else 0

    def ended(self, why: str) -> int:
        """How many connections the process has ended for that."""
        return int(self.figure(f'flowpilot_connections_ended_total{{why="{why}"}}'))

    def memory(self) -> int:
        """Bytes that the process takes."""
        status = Path(f"/proc/{self.server.process.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) * 1024

    @contextmanager
    def connected(self, *, reads: int = 64 * 1024) -> Iterator[socket.socket]:
        """A bare connection, on which so little is under way before somebody reads it."""
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, reads)
            sock.settimeout(60)
            sock.connect((self.anna.base_url.host, self.anna.base_url.port))
            yield sock

    def stranger(self) -> httpx.Client:
        """A browser that nobody is signed in with."""
        return self.server.clients.enter_context(httpx.Client(base_url=self.anna.base_url, follow_redirects=True, timeout=LONGEST_WAIT))

    def browser(self, name: str) -> tuple[httpx.Client, httpx.Response]:
        """One that somebody of A is signed in with, once each, and the page that it shows."""
        browser = self.stranger()
        page = browser.get(f"/sign-in-link/{self.seeded.links[name]}")
        return browser, browser.post(page.url, data=hidden(page))

    def elsewhere(self, who: httpx.Client) -> Mapping[str, str]:
        """What somebody sends to be the same at the other process."""
        return {"authorization": who.headers["authorization"]}

    def escalated(self, who: httpx.Client, *, title: str = "No mail", text: str = "Nothing arrives") -> str:
        """A handoff of somebody's, all of whose texts say so."""
        session = who.post("/ai-sessions", json={"title": title, "problem": text, "client_name": title})
        handoff = {"intent": "escalate", "reason": text, "note": text}
        made = who.post(f"/ai-sessions/{session.json()['id']}/handoff", json=handoff)
        assert 201 == made.status_code, made.text
        return str(made.json()["id"])

    def mails(self, who: httpx.Client, handoff_id: str) -> Sequence[Envelope]:
        """What the mail server has of a handoff once nothing more is to come."""
        path = f"/handoffs/{handoff_id}/deliveries"
        until(lambda: {"sent", "dead"} >= {one["state"] for one in who.get(path).json()["items"] if one["channel"] == "email"})
        return [one for one in self.neighbours.mail.accepted if handoff_id.encode() in one.raw]


@contextmanager
def neighbours() -> Iterator[Neighbours]:
    """All of them, listening."""
    provider, mail, model = Provider(SystemClock()), ScriptedServer(), ModelServer()
    model.script.extend([OPINION] * 100)
    with start_blocking_portal() as portal, ExitStack() as stack:
        for one in (provider, mail, model):
            stack.enter_context(portal.wrap_async_context_manager(one.running()))
        yield Neighbours(provider=provider, mail=mail, model=model)


@contextmanager
def a_served(database: PostgresDatabase, around: Neighbours, folder: Path) -> Iterator[Served]:
    """Both processes, which start while the accounts are made."""
    settings = named(database) | {"smtp_url": around.mail.url, "mail_from": SENDER, "mail_only_to": NAMED, "assistant": "openai:a-model"}
    with (
        _asking(around.model),
        serving(**{**settings, "data_dir": str(folder / "one")}) as server,
        serving("--no-relay", **{**settings, "data_dir": str(folder / "other"), "allow_private_targets": "1"}) as other,
    ):
        seeded = asyncio.run(_seeded(database, around.provider))
        address = server.says("serving")["address"]
        anna, owner, rival, leaver = (
            server.clients.enter_context(
                httpx.Client(base_url=address, headers={"authorization": f"Bearer {seeded.people[name].token}"}, timeout=LONGEST_WAIT)
            )
            for name in ("jo", "olga", "rob", "rita")
        )
        owner.patch("/account", json={"mails_a_minute": MOST_MAILS_A_MINUTE}).raise_for_status()  # None waits to be joined.
        yield Served(
            server=server,
            database=database,
            neighbours=around,
            seeded=seeded,
            anna=anna,
            owner=owner,
            rival=rival,
            leaver=leaver,
            trusting=other.client(),
        )


@contextmanager
def _asking(model: ModelServer) -> Iterator[None]:
    """Whatever is started meanwhile asks this model."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_BASE_URL", model.openai)
        patch.setenv("OPENAI_API_KEY", "a key")
        yield


async def _seeded(database: PostgresDatabase, provider: Provider) -> Seeded:
    storage, outbox = Database(database.app), SqlOutbox(database.relay)
    world = await a_world_in(storage.begin, storage.view, outbox, vault=AesGcmVault([SECRET_KEY.encode()]))
    ids = await things_of(world.junior, world.senior, world.owner)
    for account_id in (world.junior.account_id, world.rival.account_id):
        by = System(account_id=account_id, cause="a test")
        await world.flowpilot.identities.add(by, name="Here", issuer=provider.issuer, client_id=CLIENT)
    signing_in = evolve(world.flowpilot.signing_in, clock=SystemClock())
    people = {
        one.user.name.lower(): one
        for one in (world.junior, world.senior, world.owner, world.admin, world.viewer, world.rival_owner, world.rival)
    }
    links = {name: await signing_in.link(one.account_id, one.user.id) for name, one in people.items()}
    await storage.close()
    await outbox.close()
    return Seeded(people=people, ids=ids, links=links)


@frozen(kw_only=True)
class Waited:
    """How somebody waited for a small answer while somebody else did their worst."""

    idle: float
    """Seconds, in the middle, before."""
    slowest: float
    """Seconds, meanwhile."""
    held: float
    """How often the loop of the server was held for more than half a second, more often than that of a process with nothing to do."""

    @property
    def fairly(self) -> bool:
        """Whether it was no more than a busy machine explains: what holds the loop makes it thousands of times as long."""
        return self.slowest < 250 * max(self.idle, 0.004) and self.held <= 0


def waiting(
    who: httpx.Client, done: Callable[[], object], *, idle: httpx.Client, headers: Mapping[str, str] = MappingProxyType({})
) -> Waited:
    """How long `who` waits for their queue while something is done; `idle` is a client of another process, which it is not done in."""

    def wait() -> float:
        began = time.perf_counter()
        who.get("/handoffs/queue", headers=dict(headers)).raise_for_status()
        return time.perf_counter() - began

    alone, before = sorted(wait() for _ in range(9))[4], _held(who) - _held(idle)
    with ThreadPoolExecutor() as pool:
        doing = pool.submit(done)
        waits = [wait()]
        while not doing.done():
            waits.append(wait())
        doing.result()
    return Waited(idle=alone, slowest=max(waits), held=_held(who) - _held(idle) - before)


def _held(who: httpx.Client) -> float:
    """Counted by the server: wake-ups of its loop that were half a second late or more."""
    lags = dict(re.findall(r'flowpilot_loop_lag_seconds_bucket{le="([^"]+)"} (\S+)', who.get("/metrics").text))
    return float(lags["+Inf"]) - float(lags["0.5"])


def hidden(page: httpx.Response) -> Mapping[str, str]:
    """The hidden fields of a page's forms."""
    return {name: unescape(value) for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text)}
