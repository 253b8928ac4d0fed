"""What one account's worst costs another: B's queue and what B is told, lane by lane, beside the same while B is alone.

A has told its mail server, webhooks, chats, PSA and model never to answer, and has more due in each lane than the relay does at once.
Meanwhile some other accounts escalate as people do.
"""

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from statistics import median

import httpx
from attrs import define, field, frozen

from flowpilot_adapters.embedded_postgres import EmbeddedPostgres
from flowpilot_adapters.sql import Database, migrations, roles
from flowpilot_adapters.system import SystemClock, new_id, new_secret
from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_core.domain.kernel.actor import Role
from tests.support.psa import ConnectWiseSimulator

from .data import forget_due_work
from .hot_paths import serving
from .outage import OPINION, listening

OTHERS = (1, 10, 1_000)
"""Accounts beside A and B."""
A_SECOND = 4
"""Escalations of all others together."""
FLOOD = 40
"""Escalations of A, each with its mails, messages, note and assessment; more than a lane has places."""
HOOKS = 10
"""Webhooks of A, and as many chats: more than half of a lane's places hang at once."""
TIMES = 4
"""Escalations of B in each phase."""
LOOKS = 20
"""At B's queue, at each of them."""
LATEST = 60.0
"""Seconds until what has not come counts as that."""
MOST = 10.0
"""Times as long as B alone, in each lane and for B's queue. A lane that A could take would keep B waiting for a time-out: hundreds."""
QUEUE = "GET /handoffs/queue"
NOTE = "PSA note"
LANES = ("mail", "webhook", "chat", NOTE, "assessment", "suggestion")
A_HANGS_AT = ("mail", "webhook", "chat", "psa", "model")
ALONE = "B alone"


@define
class Ends:
    """The far ends of all lanes: A's never answer, and what B is told is noted."""

    told: dict[str, list[float]] = field(factory=lambda: defaultdict(list))
    """When, by lane."""
    hanging: Counter[str] = field(factory=Counter)
    """Requests of A that were never answered, by far end."""

    def note(self, lane: str) -> None:
        self.told[lane].append(time.perf_counter())

    async def hang(self, end: str) -> None:
        self.hanging[end] += 1
        await asyncio.Event().wait()

    async def mail(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A mail server."""
        writer.write(b"220 bench\r\n")
        to = b""
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"RCPT":
                to = line
                if b"@a." in line:
                    await self.hang("mail")
            if verb == b"DATA":
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                if b"@b." in to:
                    self.note("mail")
            writer.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")

    async def web(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Webhooks, chats, A's PSA and the model."""
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = next((int(one[15:]) for one in head.lower().split(b"\r\n") if one.startswith(b"content-length:")), 0)
            path, body = head.split(b" ")[1].decode(), await reader.readexactly(length)
            asked_of_model = path.startswith("/v1")
            if path.startswith("/a/"):
                await self.hang(path.split("/")[2])
            if asked_of_model and b"Acme" in body:
                await self.hang("model")
            if path.startswith("/b/"):
                self.note(path.removeprefix("/b/"))
            if asked_of_model and b"Bravo" in body:
                self.note("suggestion" if b"hint" in body else "assessment")
            answer = json.dumps(_COMPLETION if asked_of_model else {}).encode()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(answer) + answer)


_COMPLETION = {
    "id": "1",
    "object": "chat.completion",
    "created": 0,
    "model": "bench",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": json.dumps(OPINION)}}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}


@frozen(kw_only=True)
class Account:
    """Somebody who asks, with the tokens of an engineer and an account owner."""

    name: str
    engineer: str
    owner: str


@frozen
class Client:
    """HTTP as an account's people."""

    http: httpx.AsyncClient

    async def ask(self, token: str, method: str, path: str, body: object = None) -> dict[str, object]:
        """The answer. Raises `RuntimeError` for a refusal."""
        headers = {"authorization": f"Bearer {token}"} | ({"idempotency-key": str(new_id())} if method == "POST" else {})
        answer = await self.http.request(method, path, json=body, headers=headers)
        if answer.is_error:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        found: dict[str, object] = answer.json()
        return found

    async def session(self, account: Account, title: str, *, ticket: str | None = None) -> str:
        """A session that has begun."""
        on = {"ticket": {"system": "connectwise", "id": ticket}} if ticket else {}
        begun = await self.ask(account.engineer, "POST", "/ai-sessions", {"title": title, "problem": "Nobody gets mail.", **on})
        return str(begun["id"])

    async def escalate(self, account: Account, session_id: str) -> None:
        body = {"intent": "escalate", "reason": "I am out of ideas", "priority": "urgent"}
        await self.ask(account.engineer, "POST", f"/ai-sessions/{session_id}/handoff", body)


async def measure(*, rounds: int, said: Callable[[str], None]) -> Mapping[str, Mapping[str, list[float]]]:
    """For each phase but the first and each lane, in every round: how many times as long B waited as alone."""
    with tempfile.TemporaryDirectory(prefix="flowpilot-bench-") as folder, EmbeddedPostgres(Path(folder) / "data") as postgres:
        superuser = postgres.address.url()
        roles.set_up(superuser)
        migrations.migrate(postgres.address.url(user=roles.OWNER))
        async with AsyncExitStack() as stack:
            database = Database(postgres.address.url(user=roles.APP))
            stack.push_async_callback(database.close)
            ends = Ends()
            mail, web = await stack.enter_async_context(listening(ends.mail)), await stack.enter_async_context(listening(ends.web))
            psa = stack.enter_context(ConnectWiseSimulator.running())
            b, *others = [await _account(database, name) for name in ("b", *(f"c{number}" for number in range(max(OTHERS))))]
            settings = {"smtp_url": f"smtp://{mail}", "assistant": "openai:bench", "openai_base_url": f"http://{web}/v1"}
            settings["assistant_tokens"] = "1000000000"
            serve = partial(serving, postgres, folder, relay=True, data_dir=folder, allow_private_targets="1", **settings)
            with serve() as (url, _):
                async with _client(url) as client:
                    await _told(client, b, 1, web, psa.url)
            phases = {ALONE: 0, **{f"A at its worst, and {number:,} more": number for number in OTHERS}}
            waits: dict[str, dict[str, list[float]]] = {phase: defaultdict(list) for phase in phases}
            for number in range(rounds):
                for phase, more in phases.items():
                    said(f"{phase}, round {number + 1} of {rounds}")
                    forget_due_work(superuser)
                    with serve() as (url, _):
                        async with _client(url) as client, AsyncExitStack() as meanwhile:
                            if more:
                                # Somebody new each time: a PSA that failed often is left alone for a while.
                                await _told(client, a := await _account(database, "a"), HOOKS, web, f"http://{web}/a/psa")
                                await _at_its_worst(client, ends, a)
                                await meanwhile.enter_async_context(_going_on(client, others[:more]))
                            for lane, wait in (await _waits(client, ends, b, psa)).items():
                                waits[phase][lane].append(wait)
    alone = waits.pop(ALONE)
    for lane, each in alone.items():
        said(f"{lane}, {ALONE}: {median(each) * 1000:.0f} ms")
    return {
        phase: {lane: [one / whole for one, whole in zip(each, alone[lane], strict=True)] for lane, each in lanes.items()}
        for phase, lanes in waits.items()
    }


async def _account(database: Database, name: str) -> Account:
    flowpilot = FlowPilot.of(begin=database.begin, view=database.view, clock=SystemClock(), new_id=new_id, new_secret=new_secret)
    account = await flowpilot.accounts.create(name)
    tokens = []
    for who, role in (("engineer", Role.ENGINEER), ("owner", Role.OWNER)):
        user = await flowpilot.accounts.add_user(account.id, email=f"{who}@{name}.example", name=who, role=role)
        tokens.append((await flowpilot.accounts.add_token(account.id, user.id))[1])
    return Account(name=name, engineer=tokens[0], owner=tokens[1])


async def _told(client: Client, account: Account, hooks: int, web: str, psa: str) -> None:
    """What an account is told over, besides mail."""
    for number, (lane, format) in ((n, each) for n in range(hooks) for each in (("webhook", "standard"), ("chat", "slack"))):
        hook = {"url": f"http://{web}/{account.name}/{lane}", "kinds": ["handoff.escalated"], "name": f"{lane} {number}", "format": format}
        await client.ask(account.owner, "POST", "/webhooks", hook)
    desk = {"system": "connectwise", "name": "Desk", "base_url": psa, "credentials": dict(ConnectWiseSimulator().credentials)}
    await client.ask(account.owner, "POST", "/psa-connections", desk)


@asynccontextmanager
async def _client(url: str) -> AsyncIterator[Client]:
    async with httpx.AsyncClient(base_url=url, timeout=LATEST) as http:
        yield Client(http)


async def _at_its_worst(client: Client, ends: Ends, worst: Account) -> None:
    """All that the account has done hangs, in each lane."""
    before = ends.hanging.copy()
    await asyncio.gather(*(_flood(client, worst) for _ in range(FLOOD)))
    await _until(lambda: all((ends.hanging - before)[end] for end in A_HANGS_AT), "all of what A is to be kept waiting by")


@asynccontextmanager
async def _going_on(client: Client, others: list[Account]) -> AsyncIterator[None]:
    """They escalate until the end of the block."""

    async def go_on() -> None:
        async with asyncio.TaskGroup() as tasks:
            while True:
                tasks.create_task(_once(client, random.choice(others)))
                await asyncio.sleep(1 / A_SECOND)

    going = asyncio.create_task(go_on())
    try:
        yield
    finally:
        going.cancel()
        await asyncio.gather(going, return_exceptions=True)


async def _flood(client: Client, worst: Account) -> None:
    session_id = await client.session(worst, "Acme has no mail", ticket="1001")
    await client.ask(worst.engineer, "POST", f"/ai-sessions/{session_id}/suggestions")
    await client.escalate(worst, session_id)


async def _once(client: Client, other: Account) -> None:
    await client.escalate(other, await client.session(other, "No mail"))


async def _waits(client: Client, ends: Ends, b: Account, psa: ConnectWiseSimulator) -> Mapping[str, float]:
    """Seconds until B has its answer, and until each of its far ends is told; the middle of some."""
    waits: dict[str, list[float]] = defaultdict(list)
    for _ in range(TIMES):
        ticket = psa.another()
        escalated = await client.session(b, "Bravo has no mail", ticket=ticket)
        asked = await client.session(b, "Bravo wants a hint")
        before = {lane: len(ends.told[lane]) for lane in LANES}
        begun = time.perf_counter()
        await client.escalate(b, escalated)
        await client.ask(b.engineer, "POST", f"/ai-sessions/{asked}/suggestions")
        for _ in range(LOOKS):
            looked = time.perf_counter()
            await client.ask(b.engineer, "GET", "/handoffs/queue")
            waits[QUEUE].append(time.perf_counter() - looked)
        await asyncio.gather(
            _noted(ends, psa, int(ticket)), *(_until(partial(_is_told, ends, lane, before[lane]), lane) for lane in LANES if lane != NOTE)
        )
        for lane in LANES:
            waits[lane].append(ends.told[lane][before[lane]] - begun)
    return {lane: median(each) for lane, each in waits.items()}


async def _noted(ends: Ends, psa: ConnectWiseSimulator, ticket: int) -> None:
    await _until(lambda: bool(psa.notes(ticket)), NOTE)
    ends.note(NOTE)


def _is_told(ends: Ends, lane: str, before: int) -> bool:
    return len(ends.told[lane]) > before


async def _until(done: Callable[[], bool], what: str) -> None:
    """Raises `RuntimeError`."""
    ends = time.perf_counter() + LATEST
    while time.perf_counter() < ends:
        if done():
            return
        await asyncio.sleep(0.002)
    raise RuntimeError(f"not within {LATEST:.0f} seconds: {what}")


def lines(ratios: Mapping[str, Mapping[str, list[float]]]) -> Iterator[str]:
    """As a table of Markdown."""
    yield f"| how long B waits for | {' | '.join(ratios)} |"
    yield f"| --- |{' --- |' * len(ratios)}"
    for lane in (QUEUE, *LANES):
        each = [lanes[lane] for lanes in ratios.values()]
        yield f"| {lane} | {' | '.join(f'{median(one):.1f} ({min(one):.1f} to {max(one):.1f})' for one in each)} |"


def main() -> None:
    """Measure, and print the table; ends with 1 where a floor does not hold."""
    parser = argparse.ArgumentParser(prog="python -m bench.fairness", description="What one account's worst costs another.")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    ratios = asyncio.run(measure(rounds=arguments.rounds, said=print))
    print(*lines(ratios), sep="\n")
    worst = max(median(each) for lanes in ratios.values() for each in lanes.values())
    raise SystemExit(f"{worst:.1f} times as long, {MOST:.0f} at most" if worst > MOST else 0)


if __name__ == "__main__":
    main()
