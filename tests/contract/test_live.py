"""The minute after an escalation, on a server of its own with its relay: who listens hears of each thing as it is there."""

import asyncio
from urllib.parse import urlsplit

import pytest

from flowpilot_adapters.sql import Database
from flowpilot_core.testing.builders import a_staff
from tests.support.escalation import a_flowpilot
from tests.support.listening import listen
from tests.support.postgres import PostgresDatabase
from tests.support.serving import Serving, named, serving

pytestmark = pytest.mark.anyio


async def test_a_waiting_senior_hears_that_the_assessment_is_there_and_finds_it_ready(own_database: PostgresDatabase) -> None:
    store = Database(own_database.app)
    staff = await a_staff().kept(store.begin)
    accounts = a_flowpilot(store.begin, store.view).accounts
    tokens = [(await accounts.add_token(staff.account_id, who.user_id))[1] for who in (staff.anna, staff.ben)]
    await store.close()

    with serving(**named(own_database)) as server:
        await _heard(server, *tokens)


async def _heard(server: Serving, junior: str, senior: str) -> None:
    by_junior = server.client(junior)
    address = urlsplit(str(by_junior.base_url))
    assert address.port is not None
    stream = await listen(address.port, senior)

    def escalate() -> str:
        session = by_junior.post("/ai-sessions", json={"title": "No mail", "problem": "Nothing arrives"}).json()
        by_junior.post(f"/ai-sessions/{session['id']}/steps", json={"kind": "action", "content": "looked", "result": "failed"})
        made = by_junior.post(f"/ai-sessions/{session['id']}/handoff", json={"intent": "escalate", "reason": "Stuck"})
        return str(made.json()["id"])

    handoff_id = await asyncio.to_thread(escalate)
    heard = await stream.some(2)
    by_senior = {"authorization": f"Bearer {senior}"}
    found = await asyncio.to_thread(lambda: by_junior.get(f"/handoffs/{handoff_id}", headers=by_senior).json()["assessment"])
    stream.hang_up()

    assert [("handoff.escalated", handoff_id), ("handoff.assessed", handoff_id)] == [(one.kind, one.data["handoff_id"]) for one in heard]
    assert "system" == heard[1].data["by"]
    assert ("ready", "rules") == (found["state"], found["provider"])
