"""Connections to PSAs and posts over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flowpilot_adapters.memory import MemoryTicket
from flowpilot_adapters.system import new_id
from flowpilot_core.application.psa.tickets import RecentTickets, told
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.ports.psa import NotDone, Note, PsaTicket, TicketNote, Trouble
from flowpilot_core.testing.builders import NOON
from tests.support.http import Somebody, World

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")

NEW = {
    "system": "memory",
    "name": "Help desk",
    "base_url": "https://psa.example",
    "credentials": {"key": "good"},
}
CANARY = "canary-key-3f9a"


async def connected(who: Somebody, **values: object) -> Any:
    return await who.made("/psa-connections", {**NEW, **values})


async def test_a_connection_is_shown_without_what_opens_it(world: World) -> None:
    made = await world.owner.post("/psa-connections", {**NEW, "credentials": {"key": CANARY}, "settings": {"note": "public"}})
    connection = made.json()
    changed = await world.admin.patch(f"/psa-connections/{connection['id']}", {"name": "Desk", "settings": {"notes": {"parked": True}}})
    answers = [made, changed, *[await world.owner.get(path) for path in ("/psa-connections", f"/psa-connections/{connection['id']}")]]
    answers += [await world.owner.post(f"/psa-connections/{connection['id']}/test"), await world.owner.get("/psa-posts")]

    assert [201, 200, 200, 200, 200, 200] == [answer.status_code for answer in answers]
    assert not [answer.text for answer in answers if CANARY in answer.text]
    assert "credentials" not in connection
    usual = {"escalated": True, "claimed": True, "resolved": True, "parked": False}
    assert {"note": "public", "notes": usual, "ticket": {}, "templates": {}} == connection["settings"]
    assert (2, "Desk", {**usual, "parked": True}) == (
        changed.json()["version"],
        changed.json()["name"],
        changed.json()["settings"]["notes"],
    )
    assert ("closed", None) == (connection["circuit"], connection["last_success_at"])


async def test_there_is_one_connection_for_each_system(world: World) -> None:
    await connected(world.owner)

    again = await world.admin.post("/psa-connections", NEW)

    assert (409, "connection_exists") == (again.status_code, again.json()["code"])


async def test_who_has_a_ticket_closed_that_takes_no_notes_then_is_told_as_it_is_set(world: World) -> None:
    world.psa.notes_on_closed = False
    connection = await connected(world.owner)
    path = f"/psa-connections/{connection['id']}"
    closing = {"settings": {"ticket": {"resolved": {"status": "Closed"}}}}
    set_up = (await world.owner.patch(path, closing)).json()
    listed = (await world.owner.seen("/psa-connections"))["items"][0]
    taken_back = (await world.owner.patch(path, {"settings": {"ticket": {"resolved": None}}})).json()
    world.psa.notes_on_closed = True
    elsewhere = (await world.owner.patch(path, closing)).json()

    (notice,) = set_up["notices"]
    assert notice.startswith("PSA in memory takes no notes on a closed ticket. If “Closed” closes it, ")
    assert [notice] == listed["notices"]
    assert [[], [], []] == [connection["notices"], taken_back["notices"], elsewhere["notices"]]


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"system": "sharepoint"}, "/system"),
        ({"name": " "}, "/name"),
        ({"base_url": "psa.example"}, "/base_url"),
        ({"credentials": {}}, "/credentials/key"),
        ({"credentials": {"key": "good", "pin": "1"}}, "/credentials/pin"),
        ({"settings": {"colour": "red"}}, "/settings/colour"),
        ({"settings": {"note": "loud"}}, "/settings/note"),
        ({"settings": {"notes": {"output": True}}}, "/settings/notes/output"),
        ({"settings": {"notes": {"parked": "yes"}}}, "/settings/notes/parked"),
        ({"settings": {"notes": []}}, "/settings/notes"),
        ({"settings": {"templates": {"claimed": "{nobody}"}}}, "/settings/templates/claimed"),
    ],
)
async def test_what_cannot_be_is_refused_where_it_stands(world: World, wrong: dict[str, object], pointer: str) -> None:
    answer = await world.owner.post("/psa-connections", {**NEW, **wrong})

    assert (422, [pointer]) == (answer.status_code, [error["pointer"] for error in answer.json()["errors"]])


async def test_credentials_are_changed_whole_or_not_at_all(world: World) -> None:
    connection = await connected(world.owner, credentials={"key": CANARY})
    path = f"/psa-connections/{connection['id']}"

    half = await world.owner.patch(path, {"credentials": {}})
    name = await world.owner.patch(path, {"name": "Desk"})
    before = (await world.owner.post(f"{path}/test")).json()
    await world.owner.patch(path, {"credentials": {"key": "good"}})
    after = (await world.owner.post(f"{path}/test")).json()

    assert (422, 200) == (half.status_code, name.status_code)
    assert (False, "wrong_key") == (before["ok"], before["problem"])
    assert before["hint"].startswith("The key is another one. ")
    assert {"ok": True} == after


async def test_a_setting_is_taken_away_by_null(world: World) -> None:
    connection = await connected(world.owner, settings={"note": "public", "templates": {"claimed": "{by}"}, "notes": {"claimed": False}})

    changed = await world.owner.patch(
        f"/psa-connections/{connection['id']}", {"settings": {"note": None, "templates": {"claimed": None}, "notes": {"claimed": None}}}
    )

    assert ({"notes", "ticket", "templates"}, {}, True) == (
        changed.json()["settings"].keys(),
        changed.json()["settings"]["templates"],
        changed.json()["settings"]["notes"]["claimed"],
    )


async def test_a_stale_change_is_refused(world: World) -> None:
    connection = await connected(world.owner)
    path = f"/psa-connections/{connection['id']}"
    await world.owner.patch(path, {"name": "Desk"}, if_match='"1"')

    late = await world.owner.patch(path, {"name": "Tisch"}, if_match='"1"')

    assert (412, '"2"') == (late.status_code, (await world.owner.get(path)).headers["etag"])


async def test_a_removed_connection_is_gone(world: World) -> None:
    connection = await connected(world.owner)
    path = f"/psa-connections/{connection['id']}"

    removed = await world.owner.client.delete(path)

    assert (204, b"") == (removed.status_code, removed.content)
    assert [404, 404] == [(await world.owner.get(path)).status_code, (await world.owner.client.delete(path)).status_code]
    assert [] == (await world.owner.seen("/psa-connections"))["items"]
    await connected(world.owner)


async def test_a_note_goes_to_the_ticket_and_its_post_says_so(world: World) -> None:
    connection = await connected(world.owner, settings={"notes": {"escalated": False}})
    handoff = await world.junior.escalation_of(ticket={"system": "memory", "id": "1001"})
    await world.senior.made(f"/handoffs/{handoff['id']}/claim")
    await world.relay_runs()

    (post,) = (await world.owner.seen("/psa-posts"))["items"]

    assert (connection["id"], handoff["id"], handoff["session_id"], "1001", "claimed", "posted", 1) == tuple(
        post[name] for name in ("connection_id", "handoff_id", "session_id", "ticket_id", "kind", "state", "attempts")
    )
    assert 1 == sum(post["sent"] in note.text for note in world.psa.tickets["1001"].notes)
    assert (await world.owner.seen(f"/psa-connections/{connection['id']}"))["last_success_at"] == post["posted_at"]


async def test_posts_are_listed_by_what_they_are(world: World) -> None:
    connection = await connected(world.owner)
    first, second = [await world.junior.escalation_of(ticket={"system": "memory", "id": ticket}) for ticket in ("1001", "1002")]
    await world.senior.post(f"/handoffs/{second['id']}/claim")

    async def found(query: str) -> list[str]:
        return [f"{post['ticket_id']} {post['kind']}" for post in (await world.owner.seen(f"/psa-posts?{query}"))["items"]]

    assert ["1002 claimed", "1002 escalated", "1001 escalated"] == await found("")
    assert ["1001 escalated"] == await found(f"session_id={first['session_id']}")
    assert ["1002 claimed", "1002 escalated"] == await found(f"handoff_id={second['id']}")
    assert ["1002 claimed"] == await found("kind=claimed&state=pending")
    assert [] == await found("state=dead")
    assert 3 == len(await found(f"connection_id={connection['id']}"))
    page = await world.owner.seen("/psa-posts?limit=2")
    assert ["1001 escalated"] == await found(f"limit=2&cursor={page['next_cursor']}")


async def test_a_dead_post_is_retried_and_one_that_is_not_dead_is_not(world: World) -> None:
    await connected(world.owner, settings={"notes": {"escalated": False}})
    handoff = await world.junior.escalation_of(ticket={"system": "memory", "id": "2002"})
    await world.senior.made(f"/handoffs/{handoff['id']}/claim")
    await world.relay_runs()
    (dead,) = (await world.owner.seen("/psa-posts"))["items"]

    world.psa.tickets["2002"] = MemoryTicket()
    retried = await world.admin.post(f"/psa-posts/{dead['id']}/retry")
    again = await world.admin.post(f"/psa-posts/{dead['id']}/retry")
    await world.relay_runs()

    assert (("dead", "there is no such ticket"), ("pending", 0)) == (
        (dead["state"], dead["last_error"]),
        (retried.json()["state"], retried.json()["attempts"]),
    )
    assert (409, "invalid_transition") == (again.status_code, again.json()["code"])
    assert ["posted"] == [post["state"] for post in (await world.owner.seen("/psa-posts"))["items"]]


async def test_a_template_is_shown_before_it_is_kept(world: World) -> None:
    connection = await connected(world.owner, settings={"templates": {"claimed": "{by} hat es."}})
    path = f"/psa-connections/{connection['id']}/preview"

    kept = (await world.owner.post(path, {"kind": "claimed"})).json()
    tried = (await world.owner.post(path, {"kind": "claimed", "template": "Nun bei {by}."})).json()
    usual = (await world.owner.post(path, {})).json()
    wrong = await world.owner.post(path, {"template": "{nobody}"})

    assert ("plain", "Taken over by Jo Junior") == (kept["format"], kept["title"])
    assert [kept["parts"][0].split("\n")[0], tried["parts"][0].split("\n")[0]] == ["Jo Junior hat es.", "Nun bei Jo Junior."]
    assert "Why: Out of ideas" in usual["parts"][0]
    assert (422, "/template") == (wrong.status_code, wrong.json()["errors"][0]["pointer"])


async def test_another_accounts_posts_and_connections_are_nobodys_here(world: World) -> None:
    await connected(world.owner)
    await connected(world.rival_owner)
    await world.junior.escalation_of(ticket={"system": "memory", "id": "1001"})

    assert [] == (await world.rival_owner.seen("/psa-posts"))["items"]
    assert 1 == len((await world.rival_owner.seen("/psa-connections"))["items"])


async def test_a_ticket_is_read_from_the_psa(world: World) -> None:
    await connected(world.owner)
    world.psa.tickets["1001"].title = "Outlook asks again"

    ticket = await world.viewer.seen("/tickets/memory/1001")

    assert ("memory", "1001", "Outlook asks again", "New", False, []) == tuple(
        ticket[name] for name in ("system", "id", "title", "status", "closed", "notes")
    )


async def test_half_a_character_of_a_ticket_is_shown_as_what_stands_for_one(world: World) -> None:
    """P12: in what is read of it, and in what is kept of it with a session."""
    await connected(world.owner)
    world.psa.tickets["1001"].title = "Printer \ud83d offline\0"
    session = await world.junior.session(ticket={"system": "memory", "id": "1001"})
    await world.relay_runs()

    ticket = await world.viewer.seen("/tickets/memory/1001")
    kept = await world.junior.seen(f"/ai-sessions/{session['id']}")

    assert "Printer \ufffd offline\ufffd" == ticket["title"] == kept["ticket_facts"]["title"]


@pytest.mark.parametrize("path", ["/tickets/memory/4004", "/tickets/halopsa/1001", "/tickets/memory/..%2F1001"])
async def test_a_ticket_that_the_psa_does_not_have_is_not_found(world: World, path: str) -> None:
    await connected(world.owner)

    assert (404, "not_found") == ((await world.junior.get(path)).status_code, (await world.junior.get(path)).json()["code"])


async def test_a_refusal_says_whether_the_connection_is_missing_or_the_ticket(world: World) -> None:
    await connected(world.owner)

    missing = [(await world.junior.get(path)).json()["detail"] for path in ("/tickets/halopsa/1001", "/tickets/memory/4004")]

    assert ["We could not find that PSA connection.", "We could not find that ticket."] == missing


async def test_a_psa_that_is_down_is_said_to_be(world: World) -> None:
    await connected(world.owner)
    world.psa.fail_reading(NotDone(Trouble.TOO_MANY_CALLS, "slow down", retry_after=30))

    read = await world.junior.get("/tickets/memory/1001")

    assert (503, "unavailable", "30") == (read.status_code, read.json()["code"], read.headers["retry-after"])
    assert "PSA (memory)" in read.json()["detail"]


async def test_a_ticket_is_shown_again_for_half_a_minute_without_asking(world: World) -> None:
    await connected(world.owner)
    shown = [await world.junior.seen("/tickets/memory/1001")]
    world.psa.tickets["1001"].title = "Printer"
    for seconds in (29, 1):
        world.clock.jump(timedelta(seconds=seconds))
        shown.append(await world.junior.seen("/tickets/memory/1001"))

    assert ["VPN down", "VPN down", "Printer"] == [ticket["title"] for ticket in shown]


def test_what_is_kept_of_a_ticket_is_one_accounts() -> None:
    """A32: the same ticket of the same connection, if there were such a thing, is kept for each account by itself."""
    ours, theirs = AccountId(new_id()), AccountId(new_id())
    recent, at = RecentTickets(), datetime(2026, 11, 26, tzinfo=UTC)
    for account_id, title in ((ours, "Ours"), (theirs, "Theirs")):
        recent.put(account_id, "1001", PsaTicket(id="1001", title=title), at=at)

    assert ["Ours", "Theirs", None] == [
        ticket and ticket.title for ticket in (recent.get(one, "1001", at=at) for one in (ours, theirs, AccountId(new_id())))
    ]


async def test_a_ticket_of_another_accounts_psa_is_not_found(world: World) -> None:
    await connected(world.owner)

    assert 404 == (await world.rival.get("/tickets/memory/1001")).status_code


async def test_a_psa_that_refuses_us_keeps_nobody_from_starting_a_session(world: World) -> None:
    await connected(world.owner, credentials={"key": CANARY})

    read = await world.junior.get("/tickets/memory/1001")
    started = await world.junior.session(ticket={"system": "memory", "id": "1001"})

    assert (502, "psa_refused", "wrong_key", False) == (
        read.status_code,
        read.json()["code"],
        read.json()["trouble"],
        CANARY in read.text,
    )
    assert started["ticket"] == {"system": "memory", "id": "1001"}


async def test_the_ticket_is_read_when_a_session_begins_on_it(world: World) -> None:
    await connected(world.owner)
    world.psa.tickets["1001"] = MemoryTicket(
        title="Outlook asks again",
        client_name="Lakeside Dental",
        contact_name="Petra Lake",
        priority="Priority 2",
        notes=[Note(title="", text="Called in the morning", marker="")],
    )

    started = await world.junior.session(ticket={"system": "memory", "id": "1001"})
    await world.relay_runs()
    session = await world.viewer.seen(f"/ai-sessions/{started['id']}")
    handoff = await world.junior.made(f"/ai-sessions/{started['id']}/handoff", {"intent": "escalate", "reason": "Stuck"})
    snapshot = await world.senior.seen(f"/handoffs/{handoff['id']}/snapshot")

    assert (None, None, started["version"]) == (started["ticket_facts"], started["client_name"], session["version"])
    facts = session["ticket_facts"]
    told = ("Outlook asks again", "Lakeside Dental", "Petra Lake", "Priority 2", ["Called in the morning"])
    assert told == (
        *(facts[name] for name in ("title", "client_name", "contact_name", "priority")),
        [note["text"] for note in facts["notes"]],
    )
    assert facts == snapshot["ticket_facts"]
    assert {"Lakeside Dental"} == {session["client_name"], snapshot["client_name"]}
    timeline = (await world.viewer.seen(f"/ai-sessions/{started['id']}/timeline"))["items"]
    assert ["session.started", "ticket.read", "handoff.escalated"] == [entry["kind"] for entry in timeline][:3]
    assert ("system", "the session began on it") == (timeline[1]["by"], timeline[1]["cause"])


async def test_a_client_who_was_named_keeps_the_name(world: World) -> None:
    await connected(world.owner)
    world.psa.tickets["1001"].client_name = "Lakeside Dental"

    started = await world.junior.session(ticket={"system": "memory", "id": "1001"}, client_name="Lakeside")
    await world.relay_runs()

    assert "Lakeside" == (await world.junior.seen(f"/ai-sessions/{started['id']}"))["client_name"]


@pytest.mark.parametrize(
    ("refusals", "read"),
    [
        ([NotDone(Trouble.UNREACHABLE, "down")] * 2, True),
        ([NotDone(Trouble.TOO_MANY_CALLS, "slow down", retry_after=900)], False),
        ([NotDone(Trouble.UNREACHABLE, "down")] * 9, False),
        ([NotDone(Trouble.TICKET_GONE, "gone")], False),
    ],
    ids=["down for a while", "asked to wait", "down for long", "gone"],
)
async def test_a_ticket_that_cannot_be_read_is_tried_again_and_costs_the_session_nothing(
    world: World, refusals: list[NotDone], read: bool
) -> None:
    await connected(world.owner)
    world.psa.fail_reading(*refusals)

    started = await world.junior.session(ticket={"system": "memory", "id": "1001"})
    await world.junior.made(f"/ai-sessions/{started['id']}/steps", {"kind": "note", "content": "on with it"})
    await world.relay_runs()

    session = await world.junior.seen(f"/ai-sessions/{started['id']}")
    assert (read, "active") == (session["ticket_facts"] is not None, session["status"])


def test_what_a_ticket_says_is_kept_as_any_store_can_keep_it() -> None:
    """P12."""
    ticket = PsaTicket(id="1", title="Mail\0", notes=(TicketNote(text="no\0 mail \ud800"),))

    kept = told(ticket, at=NOON)

    assert "Mail\ufffd" == kept["title"]
    assert "'no\ufffd mail \ufffd'" in str(kept["notes"])
