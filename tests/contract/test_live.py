"""The minute after an escalation, on a server of its own with its relay: who listens hears of each thing as it is there."""

import asyncio
from collections import Counter
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from flowpilot_adapters.push import NatsEventStream
from flowpilot_adapters.sql import Database
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.testing.builders import a_staff
from tests.support.escalation import a_flowpilot
from tests.support.listening import LONGEST_WAIT, Listening, listen
from tests.support.mail_server import AiosmtpdServer
from tests.support.nats_server import NatsServer, nats_server
from tests.support.postgres import PostgresDatabase
from tests.support.serving import Serving, named, serving
from tests.support.webhooks import Receiver

pytestmark = pytest.mark.anyio

LISTENERS = 20
"""At each of two processes; many more are elsewhere."""
TOLD = """
SELECT state, attempts FROM flowpilot.delivery WHERE channel = 'email' UNION ALL SELECT state, attempts FROM flowpilot.webhook_message
"""
AT_ONCE = "UPDATE flowpilot.due_work SET due_at = now() WHERE kind IN ('delivery', 'webhook')"
"""What is to be tried again is tried without its wait."""


async def test_a_waiting_senior_hears_that_the_assessment_is_there_and_finds_it_ready(own_database: PostgresDatabase) -> None:
    junior, senior, _ = await _tokens(own_database)

    with serving(**named(own_database)) as server:
        by_junior = server.client(junior)
        stream = await _listen(by_junior, senior)
        handoff_id = await _escalated(by_junior)
        heard = await stream.some(2, of="handoff.")
        by_senior = {"authorization": f"Bearer {senior}"}
        found = await asyncio.to_thread(lambda: by_junior.get(f"/handoffs/{handoff_id}", headers=by_senior).json()["assessment"])
        stream.hang_up()

    assert [("handoff.escalated", handoff_id), ("handoff.assessed", handoff_id)] == [(one.kind, one.data["handoff_id"]) for one in heard]
    assert "system" == heard[1].data["by"]
    assert ("ready", "rules") == (found["state"], found["provider"])


async def test_who_listens_at_a_process_that_is_killed_goes_on_at_another_and_misses_and_repeats_nothing(
    own_database: PostgresDatabase,
) -> None:
    """F38, with kill -9 and over NATS: what was committed at either is heard at both, the last of it a moment before the end."""
    junior, senior, _ = await _tokens(own_database)

    async with nats_server() as nats:
        with _node(own_database, nats) as one, _node(own_database, nats) as other:
            woken = asyncio.create_task(_woken(nats))
            at_one, at_other = one.client(junior), other.client(junior)
            left = [await _listen(at_one, senior) for _ in range(LISTENERS)]
            stayed = [await _listen(at_other, senior) for _ in range(LISTENERS)]
            made = [await _escalated(client) for client in (at_one, at_other, at_one)]
            before = [await stream.some(3, of="handoff.") for stream in left]
            made.append(await _escalated(at_one))
            one.process.kill()
            before = [[*heard, *await stream.rest(of="handoff.")] for heard, stream in zip(before, left, strict=True)]
            made.append(await _escalated(at_other))
            again = [await _listen(at_other, senior, last_event_id=stream.last or "") for stream in left]
            made.append(await _escalated(at_other))
            whole = [
                [*heard, *await stream.some(len(made) - len(heard), of="handoff.")] for heard, stream in zip(before, again, strict=True)
            ]
            whole += [await stream.some(len(made), of="handoff.") for stream in stayed]
            await woken
            for stream in (*left, *again, *stayed):
                stream.hang_up()

    assert {tuple(made)} == {tuple(event.data["handoff_id"] for event in heard) for heard in whole}


async def test_while_mail_chat_and_nats_are_down_escalations_are_answered_and_once_they_are_back_all_is_told_once(
    own_database: PostgresDatabase, tmp_path: Path
) -> None:
    """F22, F43, and a chat that refuses connections; streams hear of it meanwhile."""
    junior, senior, owner = await _tokens(own_database)
    nats, mail, chat = NatsServer(tmp_path), AiosmtpdServer(), Receiver()
    async with mail.running(), chat.running():
        outside = {"nats_url": nats.url, "smtp_url": mail.url, "allow_private_targets": "true"}

    with serving(**outside, **named(own_database)) as server:
        by_junior = server.client(junior)
        hook = {"name": "Chat", "url": chat.url, "kinds": ["handoff.escalated"]}
        assert by_junior.post("/webhooks", json=hook, headers={"authorization": f"Bearer {owner}"}).is_success
        stream = await _listen(by_junior, senior)
        made = [await _escalated(by_junior) for _ in range(3)]
        heard: list[str] = []
        while len(heard) < len(made):
            heard += [one.data["handoff_id"] for one in await stream.some(1) if one.kind == "handoff.escalated"]
        async with asyncio.timeout(LONGEST_WAIT):
            while not await _all(own_database, "attempts > 0"):
                pass
            async with mail.running(), chat.running():
                await nats.start()
                while not await _all(own_database, "state = 'sent'"):
                    await asyncio.to_thread(own_database.do, AT_ONCE)
        stream.hang_up()
    await nats.kill()

    assert made == heard
    assert dict.fromkeys(made, 3) == Counter(str(one.message.thread_id).strip("<>").partition("@")[0] for one in mail.accepted)
    assert dict.fromkeys(made, 1) == Counter(body["data"]["handoff_id"] for body in chat.bodies())


async def _all(database: PostgresDatabase, so: str) -> bool:
    """Whether it is so of every mail and of every call of the chat."""
    found = await asyncio.to_thread(database.do, f"SELECT every({so}) FROM ({TOLD}) AS told")
    return found == [(True,)]


async def _tokens(database: PostgresDatabase) -> tuple[str, str, str]:
    """A junior's, a senior's, and their account owner's."""
    store = Database(database.app)
    staff = await a_staff().kept(store.begin)
    accounts = a_flowpilot(store.begin, store.view).accounts
    junior, senior, owner = [(await accounts.add_token(staff.account_id, who.user_id))[1] for who in (staff.anna, staff.ben, staff.olga)]
    await store.close()
    return junior, senior, owner


def _node(database: PostgresDatabase, nats: NatsServer) -> AbstractContextManager[Serving]:
    """One of several processes that wake each other, with room for who listened at another; nothing but escalations happens in them."""
    return serving("--no-relay", nats_url=nats.url, streams_per_person=str(2 * LISTENERS), **named(database))


async def _woken(nats: NatsServer) -> None:
    """Come back once an account was named over NATS."""
    woken = asyncio.Event()

    def heard(account_id: AccountId | None) -> None:
        if account_id:
            woken.set()

    async with asyncio.timeout(LONGEST_WAIT), asyncio.TaskGroup() as tasks:
        hearing = tasks.create_task(NatsEventStream(nats.url, jitter=lambda: 0.0).hear(heard))
        await woken.wait()
        hearing.cancel()


async def _listen(at: httpx.Client, token: str, **headers: str) -> Listening:
    port = urlsplit(str(at.base_url)).port
    assert port is not None
    return await listen(port, token, **headers)


async def _escalated(by: httpx.Client) -> str:
    """The id of a handoff that is answered."""

    def escalate() -> str:
        session = by.post("/ai-sessions", json={"title": "No mail", "problem": "Nothing arrives"}).json()
        by.post(f"/ai-sessions/{session['id']}/steps", json={"kind": "action", "content": "looked", "result": "failed"})
        made = by.post(f"/ai-sessions/{session['id']}/handoff", json={"intent": "escalate", "reason": "Stuck"})
        return str(made.json()["id"])

    return await asyncio.to_thread(escalate)
