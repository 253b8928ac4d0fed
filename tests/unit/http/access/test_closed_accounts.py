"""An account that is closed: nobody gets in, nobody is told anything, and all of it is there when it is opened again."""

import asyncio
from functools import partial
from uuid import UUID

import pytest

from flowpilot_core.domain.kernel.errors import Unauthenticated
from flowpilot_core.domain.kernel.identifiers import HandoffId
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.domain.psa.post import PostState
from tests.support.browser import Browser
from tests.support.escalation import an_account
from tests.support.http import World
from tests.support.postgres import PostgresDatabase
from tests.support.serving import named, said
from tests.unit.http.psa.test_psa import connected

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")
CLOSED = "the account is closed"


async def close(world: World) -> None:
    await world.flowpilot.accounts.close(world.junior.account_id)


async def test_nobody_of_it_gets_in_or_changes_anything_and_everybody_else_does(world: World) -> None:
    """F49"""
    session = await world.junior.session()
    remembered = await world.junior.get("/users/me")
    await close(world)

    # Who was let in less than a second ago may still look, and changes nothing.
    change = await world.junior.post(f"/ai-sessions/{session['id']}/steps", {"kind": "note", "content": "x"})
    refused = [await who.get("/users/me") for who in (world.owner, world.senior)]

    assert (200, 401, [401, 401]) == (remembered.status_code, change.status_code, [answer.status_code for answer in refused])
    assert 200 == (await world.rival.get("/users/me")).status_code


async def test_no_way_of_signing_in_is_left(world: World) -> None:
    signing_in, account_id = world.flowpilot.signing_in, world.junior.account_id
    before, during = [await signing_in.link(account_id, world.junior.user.id) for _ in range(2)]
    signed_in = await signing_in.by_link(before, instead_of=None)
    await close(world)

    for attempt in (signing_in.person(signed_in.text), signing_in.by_link(during, instead_of=None)):
        with pytest.raises(Unauthenticated):
            await attempt
    browser = Browser(world.app)
    await browser.open(f"/sign-in/{account_id}")
    await browser.send(email="jo@example.test")
    await world.relay_runs()
    assert [] == world.mailbox.recipients


async def test_what_was_about_to_be_told_is_not_and_says_why(world: World) -> None:
    """F49: read at the moment of sending; the messages were written down while it was open."""
    await connected(world.owner)
    handoff = await world.junior.escalation_of(ticket={"system": "memory", "id": "1001"})
    await close(world)
    await world.relay_runs()

    await world.flowpilot.accounts.reopen(world.junior.account_id)
    see = world.view(world.junior.account_id)
    _, told = await see.deliveries(HandoffId(UUID(handoff["id"])), after=None, limit=10)
    posts = (await world.owner.seen("/psa-posts"))["items"]
    assert ([], {}) == (world.mailbox.recipients, {key: ticket.notes for key, ticket in world.psa.tickets.items() if ticket.notes})
    assert {(DeliveryState.SUPPRESSED, CLOSED)} == {(one.state, one.reason) for one in told}
    assert {(PostState.SUPPRESSED, CLOSED)} == {(post["state"], post["reason"]) for post in posts}
    assert "skipped" == (await world.senior.seen(f"/handoffs/{handoff['id']}"))["assessment"]["state"]


async def test_opened_again_everybody_and_everything_is_there(world: World) -> None:
    session = await world.junior.session()
    await close(world)
    await close(world)
    await world.flowpilot.accounts.reopen(world.junior.account_id)

    assert session["id"] == (await world.senior.seen(f"/ai-sessions/{session['id']}"))["id"]
    entries = (await world.owner.seen("/audit-log"))["items"]
    assert [("account.reopened", None), ("account.closed", None), ("account.closed", None)] == [
        (entry["kind"], entry["thing_id"]) for entry in entries[:3]
    ]
    handoff = await world.junior.escalation()
    await world.relay_runs()
    assert {"sent"} == {one["state"] for one in (await world.senior.seen(f"/handoffs/{handoff['id']}/deliveries"))["items"]}


async def test_an_operator_closes_and_reopens_it(own_database: PostgresDatabase) -> None:
    account_id, _ = await an_account(own_database.app)

    closed, again, opened = [
        await asyncio.to_thread(partial(said, "account", command, "--account", account_id, **named(own_database)))
        for command in ("close", "close", "reopen")
    ]

    assert closed == again
    assert (account_id, None) == (opened["id"], opened["closed_at"])
