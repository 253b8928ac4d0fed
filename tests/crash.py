"""`python -m tests.crash --times 100`: kill -9 of the server or of the relay at random moments, and the judge of what is left.

Both run as their users run them, on a database of their own, while somebody escalates over and over. Whoever gets no answer asks again
with the same key once the server is back. In the end every handoff that was answered must be there, every mail, every call of a webhook and
every reminder of the escalation policy must have gone out, again only where nobody could know whether it had, and nobody may have heard of
a handoff that does not exist.
"""

import argparse
import asyncio
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Set
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from attrs import define, evolve, field, frozen

from flowpilot_adapters.sql import Database
from flowpilot_adapters.vault import AesGcmVault
from flowpilot_core.domain.kernel.actor import Role
from flowpilot_core.domain.kernel.events import EventKind
from flowpilot_core.domain.notifications.escalation_policy import EscalationPolicy, PolicyStep, Target, Whom
from tests.support.escalation import an_account
from tests.support.mail_server import AiosmtpdServer
from tests.support.postgres import PostgresDatabase, running_server
from tests.support.product import a_product
from tests.support.serving import SECRET_KEY, Serving, named, running
from tests.support.webhooks import Receiver

LONGEST_MOMENT = 2.0
"""Seconds from the first request of a round until somebody is killed, at most."""
A_ROUND = 4
"""Escalations of one."""
COLLEAGUES = 2
"""Of whoever escalates."""
SERVER, RELAY = "server", "relay"
KINDS = ("escalated", "reminder")
"""Of the mails that each colleague gets of each handoff."""
TELLING = "kind IN ('delivery', 'webhooks', 'webhook', 'policy_step')"
"""The work that must be done before there is a verdict."""


@frozen
class Verdict:
    """What a run came to."""

    escalations: int
    mails: int
    repeats: int
    """Of mails."""
    calls: int
    """Of the account's webhook."""
    killed: Counter[str]
    wrong: tuple[str, ...]


@define
class Crash:
    """One run."""

    database: PostgresDatabase
    mail: AiosmtpdServer
    receiver: Receiver
    chance: random.Random
    account_id: str
    token: str
    killed: Counter[str] = field(factory=Counter, init=False)
    answered: dict[str, str] = field(factory=dict, init=False)
    """The handoff that each key was answered with."""
    _running: dict[str, tuple[ExitStack, Serving, str]] = field(factory=dict, init=False)

    @property
    def settings(self) -> dict[str, str]:
        return {**named(self.database), "base_url": "https://flowpilot.example", "smtp_url": self.mail.url, "allow_private_targets": "true"}

    async def goes(self, times: int, said: Callable[[str], None]) -> Verdict:
        """So many rounds, and the verdict."""
        try:
            for number in range(times):
                await self._round(number)
                said(f"{number + 1} of {times}: {dict(self.killed)}, {len(self.answered)} escalations, {len(self.mail.accepted)} mails")
            await self._settled()
            return await asyncio.to_thread(self._verdict)
        finally:
            for name in list(self._running):
                await self._end(name)

    async def _round(self, number: int) -> None:
        for name in (SERVER, RELAY):
            if name not in self._running:
                await self._start(name)
        keys = [f"round-{number}-case-{case}" for case in range(A_ROUND)]
        asking = asyncio.gather(*(self._escalate(key) for key in keys))
        await asyncio.sleep(self.chance.random() * LONGEST_MOMENT)
        victim = self.chance.choice((SERVER, RELAY))
        await self._kill(victim)
        await self._start(victim)
        await asking
        while missing := [key for key in keys if key not in self.answered]:
            await asyncio.gather(*(self._escalate(key) for key in missing))

    async def _escalate(self, key: str) -> None:
        """Ask for it once; no answer is no answer."""
        headers = {"authorization": f"Bearer {self.token}"}
        try:
            async with httpx.AsyncClient(base_url=self._running[SERVER][2], headers=headers, timeout=30) as client:
                start = {"title": key, "problem": "It prints nothing."}
                session = await client.post("/ai-sessions", json=start, headers={"idempotency-key": f"start-{key}"})
                _require(session)
                escalate = {"intent": "escalate", "reason": "I am stuck", "priority": "urgent"}
                path = f"/ai-sessions/{session.json()['id']}/handoff"
                answer = await client.post(path, json=escalate, headers={"idempotency-key": f"escalate-{key}"})
                _require(answer)
        except (httpx.HTTPError, _NotNow):
            return
        self.answered[key] = answer.json()["id"]

    async def _start(self, name: str) -> None:
        stack = ExitStack()
        command = ("serve", "--port", "0", "--no-relay") if name == SERVER else ("relay",)
        process = await asyncio.to_thread(stack.enter_context, running(*command, **self.settings))
        said = await asyncio.to_thread(process.says, "serving" if name == SERVER else "relaying")
        self._running[name] = (stack, process, str(said.get("address", "")))

    async def _kill(self, name: str) -> None:
        self._running[name][1].process.kill()
        self.killed[name] += 1
        await self._end(name)
        if name == RELAY:
            # Nobody else has work in hand: what it held may as well be free now as in three minutes.
            await asyncio.to_thread(self.database.do, "UPDATE flowpilot.due_work SET lease_until = lease_until - interval '1 day'")

    async def _end(self, name: str) -> None:
        stack, _, _ = self._running.pop(name)
        await asyncio.to_thread(stack.close)

    async def _settled(self) -> None:
        if RELAY not in self._running:
            await self._start(RELAY)
        async with asyncio.timeout(120):
            while await asyncio.to_thread(self.database.do, f"SELECT 1 FROM flowpilot.due_work WHERE {TELLING} LIMIT 1"):
                await asyncio.to_thread(self.database.do, f"UPDATE flowpilot.due_work SET due_at = now() WHERE {TELLING}")
                await asyncio.sleep(0.2)

    def _verdict(self) -> Verdict:
        there = {row[0] for row in self.database.do("SELECT id::text FROM flowpilot.handoff")}
        rows: list[tuple[Any, ...]] = self.database.do(
            "SELECT handoff_id::text, kind, state, message_id FROM flowpilot.delivery WHERE channel = 'email'"
        )
        told = Counter((handoff, kind) for handoff, kind, _, _ in rows)
        mails = Counter(envelope.message.message_id for envelope in self.mail.accepted)
        marked = Counter(envelope.message.message_id for envelope in self.mail.accepted if envelope.message.maybe_twice)
        of = {envelope.message.thread_id for envelope in self.mail.accepted}
        domain = "@localhost>"
        wrong = [
            *(f"{handoff} was answered and is not there" for handoff in set(self.answered.values()) - there),
            *(f"{handoff} is there, and nobody was ever answered with it" for handoff in there - set(self.answered.values())),
            *(
                f"of {handoff} {told[handoff, kind]} people are to be told ({kind})"
                for handoff in there
                for kind in KINDS
                if told[handoff, kind] != COLLEAGUES
            ),
            *(f"a message of {handoff} is {state}" for handoff, _, state, _ in rows if state != "sent"),
            *(f"{message} is said to be sent and never arrived" for _, _, _, message in rows if message not in mails),
            *(
                f"{message} came {mails[message]} times, {marked[message]} said so"
                for message in mails
                if mails[message] > marked[message] + 1
            ),
            *self._wrong_with_calls(there),
            *(f"somebody heard of {thread}, which does not exist" for thread in of if str(thread).strip("<>").split("@")[0] not in there),
        ]
        assert all(str(thread).endswith(domain) for thread in of)
        return Verdict(
            len(self.answered),
            sum(mails.values()),
            sum(mails.values()) - len(mails),
            len(self.receiver.requests),
            self.killed,
            tuple(wrong),
        )

    def _wrong_with_calls(self, there: Set[str]) -> Iterator[str]:
        made = self.database.do("SELECT id, handoff_id::text, state, attempts FROM flowpilot.webhook_message")
        calls = Counter(headers["webhook-id"] for headers, _ in self.receiver.requests)
        told = Counter(handoff for _, handoff, _, _ in made)
        yield from (f"of {handoff} {told[handoff]} calls are to be made" for handoff in there if told[handoff] != 1)
        for number, handoff, state, attempts in made:
            called = calls[f"msg_{number.hex}"]
            if state != "sent" or not 1 <= called <= attempts:
                yield f"the call of {handoff} is {state}, and came {called} times in {attempts} attempts"
        for body in self.receiver.bodies():
            if body["data"]["handoff_id"] not in there:
                yield f"the webhook heard of {body['data']['handoff_id']}, which does not exist"


async def crash(database: PostgresDatabase, times: int, seed: int, said: Callable[[str], None] = lambda _: None) -> Verdict:
    """Kill so many times on this database, which nobody else uses."""
    account_id, token = await an_account(database.app)
    async with AiosmtpdServer().running() as mail, Receiver().running() as receiver:
        await _set_up(database, token, receiver.url)
        return await Crash(database, mail, receiver, random.Random(seed), account_id, token).goes(times, said)


async def _set_up(database: PostgresDatabase, token: str, url: str) -> None:
    """A webhook of the account hears of escalations, and its policy tells the engineers once more."""
    store = Database(database.app, pool_size=1)
    flowpilot = a_product(store, vault=AesGcmVault([SECRET_KEY.encode()]))
    owner = evolve(await flowpilot.accounts.authenticate(token), role=Role.OWNER)
    await flowpilot.webhooks.add(owner, url=url, kinds=frozenset({EventKind.HANDOFF_ESCALATED}), name="Chat")
    again = PolicyStep(after=timedelta(), whom=(Target(kind=Whom.ROLE, role=Role.ENGINEER),))
    await flowpilot.escalation.set_policy(owner, EscalationPolicy(steps=(again,)))
    await store.close()


class _NotNow(Exception):
    """The server could not do it; it may later."""


def _require(answer: httpx.Response) -> None:
    if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR or answer.json().get("code") == "idempotency_in_progress":
        raise _NotNow
    if answer.status_code != httpx.codes.CREATED:
        raise AssertionError(f"{answer.status_code}: {answer.text}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--times", type=int, default=100, help="how often somebody is killed")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32), help="the same moments again")
    wanted = parser.parse_args()
    _say(f"seed {wanted.seed}")
    with tempfile.TemporaryDirectory(prefix="flowpilot-crash-") as folder, running_server(Path(folder) / "data") as server:
        verdict = asyncio.run(crash(server.database(), wanted.times, wanted.seed, _say))
    sys.stdout.write(
        f"killed {dict(verdict.killed)}; {verdict.escalations} escalations, {verdict.mails} mails, of them {verdict.repeats} repeats,"
        f" {verdict.calls} calls of a webhook;"
        f" {len(verdict.wrong) or 'nothing'} wrong\n" + "".join(f"  {line}\n" for line in verdict.wrong)
    )
    return 1 if verdict.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
