"""Maintenance over HTTP: schedules, what they start, the calendar, and the windows that hold what is not urgent."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from flowpilot_core.testing.builders import NOON
from tests.support.http import Somebody, World, a_world_of_one_clock
from tests.support.routes import A_TREE
from tests.unit.http.knowledge.test_library_pages import Reader

pytestmark = pytest.mark.anyio

CLIENT = "Lakeside Dental"
TARGETS = [{"label": "srv-mail-01", "client_name": CLIENT, "notes": "Ask Petra first"}, {"label": "srv-file-01"}]
SOON = NOON + timedelta(minutes=30)
SCHEDULES = "/maintenance-schedules"


VALUES = {"host": "mail.example", "times": 2}
ASKING: dict[str, Any] = {
    "root": "patch",
    "nodes": [
        {"id": "patch", "kind": "action", "text": "Patch {{ host }}, {{ times }} times", "next": {"otherwise": "end"}},
        {"id": "end", "kind": "outcome", "text": "Patched", "outcome": "solved"},
    ],
    "parameters": [
        {"name": "host", "label": "Host", "type": "text", "required": True, "pattern": "[a-z.]+"},
        {"name": "times", "label": "How often", "type": "integer", "required": False, "default": 1, "min": 1},
        {"name": "hush", "label": "Password", "type": "secret", "required": True},
    ],
}
"""A tree that asks for something."""


@pytest.fixture
async def world() -> World:
    return await a_world_of_one_clock()


def local(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S")


async def scheduled(world: World, **values: Any) -> Any:
    """A schedule of the owner's, of one hour and soon, which is Jo's to do."""
    plan = {
        "name": "Patch night",
        "targets": TARGETS,
        "starts_at": local(SOON),
        "time_zone": "UTC",
        "duration_minutes": 60,
        "assignee_id": world.junior.id,
        **values,
    }
    return await world.owner.made(SCHEDULES, plan)


async def a_tree(world: World) -> str:
    """One that is published."""
    tree = await world.owner.made("/trees", {"name": "Patch a server", "kind": "troubleshooting", "content": A_TREE})
    await world.owner.made(f"/trees/{tree['id']}/publish")
    return str(tree["id"])


async def an_asking_tree(world: World) -> str:
    """One that is published, and asks for a host."""
    tree = await world.owner.made("/trees", {"name": "Patch a host", "kind": "troubleshooting", "content": ASKING})
    await world.owner.made(f"/trees/{tree['id']}/publish")
    return str(tree["id"])


async def due(world: World, at: datetime = SOON) -> None:
    """It is that time, and whatever is due is done."""
    world.clock.jump(at - world.clock.now())
    await world.relay_runs()


async def runs(world: World, schedule: Any) -> Sequence[Any]:
    found: Sequence[Any] = (await world.viewer.seen(f"{SCHEDULES}/{schedule['id']}/runs"))["items"]
    return found


def mailed(world: World, *people: Somebody) -> list[str]:
    """The subjects of what these were mailed of maintenance."""
    to = [one.user.email for one in people]
    return sorted(message.subject for message in world.mailbox.messages if message.to in to and message.subject.startswith("Maintenance"))


async def held(world: World, handoff: Any) -> set[tuple[str, str, str | None]]:
    """How the messages of an escalation stand."""
    found = (await world.owner.seen(f"/handoffs/{handoff['id']}/deliveries"))["items"]
    return {(one["channel"], one["state"], one["reason"]) for one in found}


async def suppressed(world: World, handoff: Any) -> set[tuple[str, str | None]]:
    """Until when a window holds the messages of an escalation."""
    found = (await world.owner.seen(f"/handoffs/{handoff['id']}/deliveries"))["items"]
    return {(one["channel"], one["suppressed_until"]) for one in found}


async def escalated(world: World, **values: Any) -> Any:
    """An escalation of the client whose machines are looked after."""
    session = await world.senior.session(client_name=CLIENT)
    return await world.senior.made(f"/ai-sessions/{session['id']}/handoff", {"intent": "escalate", "reason": "Stuck", **values})


async def test_a_schedule_reads_as_it_was_written_and_says_when_it_comes(world: World) -> None:
    when = {"starts_at": "2099-01-01T22:00:00", "time_zone": "Europe/Vienna", "rrule": "FREQ=MONTHLY;BYDAY=2TU"}
    schedule = await scheduled(world, **when, quiet=True)

    assert schedule == await world.viewer.seen(f"{SCHEDULES}/{schedule['id']}")
    assert [schedule] == (await world.viewer.seen(SCHEDULES))["items"]
    assert ("2099-01-13T21:00:00Z", None) == (schedule["next_run_at"], schedule["last_run_at"])
    assert [{"client_name": None, "notes": None, **one} for one in TARGETS] == schedule["targets"]


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"rrule": "FREQ=SECONDLY"}, "/rrule"),
        ({"rrule": "FREQ=HOURLY;BYMINUTE=0,1"}, "/rrule"),
        ({"rrule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}, "/rrule"),
        ({"time_zone": "Mars/Olympus"}, "/time_zone"),
        ({"starts_at": "2026-03-02T09:00:00Z"}, "/starts_at"),
        ({"starts_at": "2001-01-01T09:00:00"}, "/starts_at"),
        ({"targets": [{"label": " "}]}, "/targets/0/label"),
    ],
)
async def test_what_never_comes_or_cannot_be_is_refused(world: World, said: dict[str, Any], pointer: str) -> None:
    whole = {"name": "x", "targets": TARGETS, "starts_at": local(SOON), "time_zone": "UTC", "duration_minutes": 60}

    refused = await world.owner.post(SCHEDULES, {**whole, "assignee_id": world.junior.id, **said})

    assert (422, pointer) == (refused.status_code, refused.json()["errors"][0]["pointer"]), refused.text


async def test_each_target_gets_a_session_that_follows_the_tree_and_whoever_does_it_is_told_once(world: World) -> None:
    tree_id = await a_tree(world)
    schedule = await scheduled(world, tree_id=tree_id)

    await due(world)
    await due(world, SOON + timedelta(minutes=59))

    (run,) = await runs(world, schedule)
    sessions = [await world.viewer.seen(f"/ai-sessions/{one['session_id']}") for one in run["targets"]]
    assert ("started", None, ["active", "active"]) == (run["state"], run["problem"], [one["status"] for one in run["targets"]])
    assert ["Patch night: srv-mail-01", "Patch night: srv-file-01"] == [one["title"] for one in sessions]
    assert ["Ask Petra first", "Maintenance: Patch night"] == [one["problem"] for one in sessions]
    assert [(world.junior.id, tree_id)] * 2 == [(one["assignee_id"], one["walk"]["items"][0]["tree_id"]) for one in sessions]
    assert ["Maintenance: Patch night"] == mailed(world, world.junior, world.owner, world.admin)
    (mail,) = [message for message in world.mailbox.messages if message.subject == "Maintenance: Patch night"]
    assert [True, True] == [f"/sessions/{one['session_id']}?account={world.owner.account_id}" in mail.text for one in run["targets"]]
    after = await world.viewer.seen(f"{SCHEDULES}/{schedule['id']}")
    assert (None, run["occurrence_at"]) == (after["next_run_at"], after["last_run_at"])


async def test_a_run_whose_tree_is_gone_says_so_and_owners_and_admins_are_told(world: World) -> None:
    tree_id = await a_tree(world)
    schedule = await scheduled(world, tree_id=tree_id)
    await world.owner.made(f"/trees/{tree_id}/archive")

    await due(world)

    (run,) = await runs(world, schedule)
    assert ("blocked", "its tree is not offered any more: choose another, or restore it") == (run["state"], run["problem"])
    assert [None, None] == [one["session_id"] for one in run["targets"]]
    assert ["Maintenance did not start: Patch night"] * 2 == mailed(world, world.owner, world.admin, world.junior, world.senior)
    page = f"/maintenance/schedules/{schedule['id']}?account={world.owner.account_id}"
    assert 2 == sum(page in message.text for message in world.mailbox.messages)


async def test_sessions_follow_a_tree_with_the_values_that_the_schedule_gives_it(world: World) -> None:
    tree_id = await an_asking_tree(world)
    schedule = await scheduled(world, tree_id=tree_id, parameters=VALUES)
    assert VALUES == schedule["parameters"]

    await due(world)

    (run,) = await runs(world, schedule)
    (session, _) = [await world.viewer.seen(f"/ai-sessions/{one['session_id']}") for one in run["targets"]]
    assert "Patch mail.example, 2 times" == session["walk"]["items"][0]["node"]["text"]


@pytest.mark.parametrize(
    ("values", "pointers"),
    [
        ({}, ["/parameters/host"]),
        ({**VALUES, "times": 0}, ["/parameters/times"]),
        ({"host": "no host", "times": True}, ["/parameters/host", "/parameters/times"]),
        ({**VALUES, "word": "x"}, ["/parameters/word"]),
        ({**VALUES, "hush": "x"}, ["/parameters/hush"]),
    ],
)
async def test_values_that_nobody_could_walk_that_tree_with_are_refused_one_by_one(
    world: World, values: dict[str, Any], pointers: list[str]
) -> None:
    tree_id = await an_asking_tree(world)
    schedule = await scheduled(world, tree_id=tree_id, parameters=VALUES)
    plan = {"name": "x", "targets": TARGETS, "starts_at": local(SOON), "time_zone": "UTC", "duration_minutes": 60}

    new = await world.owner.post(SCHEDULES, {**plan, "assignee_id": world.junior.id, "tree_id": tree_id, "parameters": values})
    changed = await world.owner.patch(f"{SCHEDULES}/{schedule['id']}", {"parameters": values})
    walked = await world.owner.post("/ai-sessions", {"title": "x", "problem": "x", "tree_id": tree_id, "parameters": values})

    for refused in (new, changed, walked):
        assert (422, pointers) == (refused.status_code, [one["pointer"] for one in refused.json()["errors"]]), refused.text
    assert schedule == await world.viewer.seen(f"{SCHEDULES}/{schedule['id']}")


@pytest.mark.parametrize("times", ["9" * 400, "-" + "9" * 400])
async def test_a_number_of_any_length_that_a_form_brings_is_refused_at_its_field(world: World, times: str) -> None:
    tree_id = await an_asking_tree(world)
    admin = await Reader.of(world, world.admin)
    await admin.opens("/sessions/new?tree=" + tree_id)
    said = {"name_0": "host", "value_0": "mail.example", "name_1": "times", "value_1": times}

    data = {"csrf_token": admin.browser.csrf_token, "title": "x", "problem": "x", "tree": tree_id, **said}
    refused = await admin.browser.client.post("/sessions/new", data=data)

    assert (422, True) == (refused.status_code, "times must be" in refused.text)


async def test_values_are_of_one_tree_and_go_with_it(world: World) -> None:
    tree_id = await an_asking_tree(world)
    schedule = await scheduled(world, tree_id=tree_id, parameters=VALUES)

    without = await world.owner.patch(f"{SCHEDULES}/{schedule['id']}", {"tree_id": None})
    refused = await world.owner.patch(f"{SCHEDULES}/{schedule['id']}", {"parameters": VALUES})

    assert (200, None, {}) == (without.status_code, without.json()["tree_id"], without.json()["parameters"])
    assert (422, "/parameters") == (refused.status_code, refused.json()["errors"][0]["pointer"])


async def test_a_run_whose_tree_asks_for_more_by_now_says_so_until_the_schedule_gives_it(world: World) -> None:
    tree_id = await a_tree(world)
    schedule = await scheduled(world, tree_id=tree_id, rrule="FREQ=DAILY")
    await world.owner.client.put(f"/trees/{tree_id}/content", json={"content": ASKING})
    await world.owner.made(f"/trees/{tree_id}/publish")

    await due(world)

    (run,) = await runs(world, schedule)
    assert "what the schedule gives its tree is not what that asks for: parameters.host: is required" == run["problem"]
    off = await world.owner.patch(f"{SCHEDULES}/{schedule['id']}", {"active": False})
    on = await world.owner.patch(f"{SCHEDULES}/{schedule['id']}", {"active": True})
    assert [200, 422] == [off.status_code, on.status_code]
    assert 200 == (await world.owner.patch(f"{SCHEDULES}/{schedule['id']}", {"active": True, "parameters": VALUES})).status_code


async def test_a_run_whose_assignee_is_gone_says_so(world: World) -> None:
    schedule = await scheduled(world)
    await world.owner.made(f"/users/{world.junior.id}/deactivate")

    await due(world)

    (run,) = await runs(world, schedule)
    assert ("blocked", "Jo may start no sessions any more: give the schedule to somebody else") == (run["state"], run["problem"])


async def test_one_that_is_started_by_hand_is_started_beside_its_times(world: World) -> None:
    schedule = await scheduled(world)

    run = await world.admin.made(f"{SCHEDULES}/{schedule['id']}/run-now")
    await world.relay_runs()

    found = await world.viewer.seen(f"/maintenance-runs/{run['id']}")
    assert ("starting", "started") == (run["state"], found["state"])
    assert schedule["next_run_at"] == (await world.viewer.seen(f"{SCHEDULES}/{schedule['id']}"))["next_run_at"]
    await due(world)
    assert 2 == len(await runs(world, schedule))


async def test_one_that_is_changed_while_it_is_due_comes_when_it_says_now(world: World) -> None:
    schedule = await scheduled(world, rrule="FREQ=DAILY")
    world.clock.jump(SOON - world.clock.now())

    moved = await world.owner.patch(f"{SCHEDULES}/{schedule['id']}", {"starts_at": local(SOON + timedelta(hours=3))})
    await world.relay_runs()

    assert "2026-03-02T15:30:00Z" == moved.json()["next_run_at"]
    assert [] == await runs(world, schedule)
    await due(world, SOON + timedelta(hours=3))
    assert 1 == len(await runs(world, schedule))


async def test_one_that_is_named_anew_while_it_is_due_starts_all_the_same(world: World) -> None:
    schedule = await scheduled(world)
    world.clock.jump(SOON - world.clock.now())

    await world.owner.patch(f"{SCHEDULES}/{schedule['id']}", {"name": "Patch day"})
    await world.relay_runs()

    assert ["Patch day"] == [run["name"] for run in await runs(world, schedule)]


@pytest.mark.parametrize(("catch_up", "expected"), [("skip", []), ("latest", ["2026-03-04T12:30:00Z"])])
async def test_of_what_nobody_could_start_in_time_the_latest_alone_is_started_or_none(
    world: World, catch_up: str, expected: list[str]
) -> None:
    schedule = await scheduled(world, rrule="FREQ=DAILY", catch_up=catch_up)

    await due(world, SOON + timedelta(days=2, hours=5))

    assert expected == [run["occurrence_at"] for run in await runs(world, schedule)]
    assert "2026-03-05T12:30:00Z" == (await world.viewer.seen(f"{SCHEDULES}/{schedule['id']}"))["next_run_at"]


async def test_one_that_is_deleted_takes_its_runs_along_and_leaves_its_sessions(world: World) -> None:
    schedule = await scheduled(world)
    await due(world)
    (run,) = await runs(world, schedule)

    gone = await world.owner.client.delete(f"{SCHEDULES}/{schedule['id']}")

    assert 204 == gone.status_code
    assert 404 == (await world.owner.get(f"/maintenance-runs/{run['id']}")).status_code
    assert "active" == (await world.viewer.seen(f"/ai-sessions/{run['targets'][0]['session_id']}"))["status"]


async def test_who_acts_on_an_older_version_is_told_and_nothing_changes(world: World) -> None:
    schedule = await scheduled(world)
    await world.owner.patch(f"{SCHEDULES}/{schedule['id']}", {"name": "Patch day"})

    refused = await world.admin.patch(f"{SCHEDULES}/{schedule['id']}", {"active": False}, if_match='"1"')

    assert (412, "version_conflict") == (refused.status_code, refused.json()["code"])
    assert (await world.viewer.seen(f"{SCHEDULES}/{schedule['id']}"))["active"]


async def test_what_begins_by_itself_makes_nobodys_version_an_older_one(world: World) -> None:
    schedule = await scheduled(world, rrule="FREQ=DAILY")
    await due(world)
    begun = await world.viewer.seen(f"{SCHEDULES}/{schedule['id']}")

    renamed = await world.admin.patch(f"{SCHEDULES}/{schedule['id']}", {"name": "Patch day"}, if_match='"1"')

    assert (200, 2) == (renamed.status_code, renamed.json()["version"])
    assert begun["last_run_at"] is not None
    same = ("last_run_at", "next_run_at")
    assert [begun[name] for name in same] == [renamed.json()[name] for name in same]
    await due(world, SOON + timedelta(days=1))
    assert 2 == len(await runs(world, schedule))


async def test_while_it_lasts_sessions_and_escalations_of_the_client_carry_it(world: World) -> None:
    schedule = await scheduled(world)
    named, other = await world.senior.session(client_name=CLIENT.upper()), await world.senior.session(client_name="Other")
    handoff = await escalated(world)
    await due(world)

    carried = {"schedule_id": schedule["id"], "name": "Patch night", "until": "2026-03-02T13:30:00Z"}
    assert carried == (await world.viewer.seen(f"/ai-sessions/{named['id']}"))["maintenance"]
    assert None is (await world.viewer.seen(f"/ai-sessions/{other['id']}"))["maintenance"]
    assert carried == (await world.viewer.seen(f"/handoffs/{handoff['id']}"))["maintenance"]
    assert [carried] == [one["maintenance"] for one in (await world.viewer.seen("/handoffs/queue"))["items"]]
    listed = {one["id"]: one["maintenance"] for one in (await world.viewer.seen("/ai-sessions"))["items"]}
    assert (carried, None) == (listed[named["id"]], listed[other["id"]])

    world.clock.jump(timedelta(hours=1))
    over = [f"/ai-sessions/{named['id']}", f"/handoffs/{handoff['id']}"]
    assert [None, None] == [(await world.viewer.seen(path))["maintenance"] for path in over]
    assert [None] == [one["maintenance"] for one in (await world.viewer.seen("/handoffs/queue"))["items"]]


async def test_a_quiet_window_holds_mails_until_it_ends_and_what_is_open_is_told_then(world: World) -> None:
    await scheduled(world, quiet=True)
    await due(world)
    waits, solved = await escalated(world), await escalated(world)
    await world.relay_runs()

    assert {("email", "pending", "maintenance")} == await held(world, waits)
    assert {("email", "2026-03-02T13:30:00Z")} == await suppressed(world, waits)
    await world.admin.made(f"/handoffs/{solved['id']}/claim")
    await due(world, SOON + timedelta(hours=1))
    assert {("email", "sent", None)} == await held(world, waits)
    assert {("email", None)} == await suppressed(world, waits)
    assert {("email", "suppressed", "the handoff is claimed")} == await held(world, solved)


async def test_a_window_that_is_not_quiet_holds_nothing_and_nothing_urgent_ever_waits(world: World) -> None:
    await scheduled(world, quiet=True)
    await due(world)
    urgent = await escalated(world, priority="urgent")
    others = await world.senior.escalation()
    await world.relay_runs()

    assert {("email", "sent", None)} == await held(world, urgent) == await held(world, others)


async def test_the_calendar_shows_what_comes_and_its_address_opens_it_to_others(world: World) -> None:
    schedule = await scheduled(world, rrule="FREQ=DAILY;COUNT=3")
    await scheduled(world, name="Off", active=False)

    page = await world.viewer.seen(f"{SCHEDULES}/calendar")
    file = await world.nobody.get(page["ics_url"])

    expected = [f"2026-03-0{day}T12:30:00Z" for day in (2, 3, 4)]
    assert [(schedule["id"], at) for at in expected] == [(one["schedule_id"], one["starts_at"]) for one in page["items"]]
    assert (200, "text/calendar; charset=utf-8") == (file.status_code, file.headers["content-type"])
    assert 3 == file.text.count("BEGIN:VEVENT")


@pytest.mark.parametrize(
    ("span", "pointer"),
    [
        ("from=2026-03-03T00:00:00Z&to=2026-03-02T00:00:00Z", "/to"),
        ("from=2026-01-01T00:00:00Z&to=2028-01-01T00:00:00Z", "/to"),
        ("from=2026-01-01T00:00:00Z&to=9999-12-31T23:59:59Z", "/to"),
        ("from=9999-12-31T23:59:59Z", "/from"),
        ("from=0.5", "/from"),
        ("to=2026-03-03T00:00:00", "/to"),
        ("from=0001-01-01T00:00:00Z", "/from"),
    ],
)
async def test_a_calendar_of_no_time_or_of_too_much_is_refused(world: World, span: str, pointer: str) -> None:
    refused = await world.viewer.get(f"{SCHEDULES}/calendar?{span}")

    assert (422, pointer) == (refused.status_code, refused.json()["errors"][0]["pointer"])


async def test_an_address_of_the_calendar_that_was_renewed_guessed_or_changed_opens_nothing(world: World) -> None:
    """A65: each is as unknown as one that never was, and renewing is on record."""
    await scheduled(world)
    theirs = (await world.rival_owner.seen(f"{SCHEDULES}/calendar"))["ics_url"]
    first = (await world.viewer.seen(f"{SCHEDULES}/calendar"))["ics_url"]
    renewed = await world.admin.made(f"{SCHEDULES}/calendar/renew")
    token = urlsplit(renewed["ics_url"]).query.partition("=")[2]
    changed = [
        f"{SCHEDULES}/calendar.ics?token={one}" for one in (("B" if token[0] == "A" else "A") + token[1:], token[:-1], token + "A", "x")
    ]

    answers = [await world.nobody.get(address) for address in (first, *changed)]

    assert {(404, "not_found")} == {(one.status_code, one.json()["code"]) for one in answers}
    assert 1 == len({one.content for one in answers})
    assert 200 == (await world.nobody.get(renewed["ics_url"])).status_code
    assert "Patch night" not in (await world.nobody.get(theirs)).text
    deeds = [one["kind"] for one in (await world.owner.seen("/audit-log"))["items"]]
    assert 1 == deeds.count("maintenance_calendar.renewed")


async def test_the_address_of_the_calendar_is_written_to_no_log(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    """A65"""
    address = (await world.viewer.seen(f"{SCHEDULES}/calendar"))["ics_url"]
    token = urlsplit(address).query.partition("=")[2]

    await world.nobody.get(address)
    await world.nobody.get(f"{address}x")

    told = capfd.readouterr()
    assert token not in told.out + told.err
