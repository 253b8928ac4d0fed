"""The pages of maintenance, read and worked on by plain forms."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest

from flowpilot_core.testing.builders import NOON
from tests.support.http import World, a_world_of_one_clock
from tests.support.routes import A_PLAN, A_TREE
from tests.unit.http.knowledge.test_library_pages import Reader

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")

HERE = "/maintenance"
TARGETS = [
    {"label": "srv-mail-01", "client_name": "Lakeside Dental", "notes": "Ask Petra first"},
    {"label": "srv-file-01", "client_name": "Lakeside Dental"},
]
END = {"id": "end", "kind": "outcome", "text": "Patched", "outcome": "solved"}
TOMORROW = (NOON + timedelta(days=1)).date()
HOSTILE = '"><script>alert(1)</script>'


async def scheduled(world: World, **values: Any) -> Any:
    """A schedule of the owner's, daily from tomorrow on, which is Jo's to do."""
    plan = {
        **A_PLAN,
        "name": "Patch night",
        "targets": TARGETS,
        "starts_at": f"{TOMORROW}T22:00:00",
        "time_zone": "UTC",
        "rrule": "FREQ=DAILY;COUNT=2",
        "assignee_id": world.junior.id,
        **values,
    }
    return await world.owner.made("/maintenance-schedules", plan)


async def runs(world: World, schedule: Any) -> list[Any]:
    found: list[Any] = (await world.viewer.seen(f"/maintenance-schedules/{schedule['id']}/runs"))["items"]
    return found


async def test_who_has_no_schedule_reads_what_maintenance_is_for(world: World) -> None:
    viewer = await Reader.of(world, world.viewer)
    await viewer.opens("/work")
    assert f'href="{HERE}"' in viewer.text

    await viewer.opens(HERE)

    assert "Machines that are looked after again and again have a schedule" in viewer.words


async def test_what_comes_in_thirty_days_stands_by_day_with_its_hours_client_targets_and_whether_it_is_quiet(world: World) -> None:
    schedule = await scheduled(world, quiet=True)
    far = await scheduled(world, name="Far away", starts_at="2099-01-01T22:00:00", rrule=None)
    viewer = await Reader.of(world, world.viewer)

    await viewer.opens(HERE)

    coming, _, below = viewer.words.partition("Schedules")
    assert f"{TOMORROW:%A}, {TOMORROW} 22:00 to 23:00 Patch night Lakeside Dental srv-mail-01, srv-file-01 quiet" in coming
    assert f"{TOMORROW + timedelta(days=1)} 22:00 to 23:00 Patch night" in coming
    assert ("Far away" in coming, "Far away" in below) == (False, True)
    assert [3, 1] == [viewer.text.count(f'href="/maintenance/schedules/{one["id"]}"') for one in (schedule, far)]
    await viewer.opens(f"{HERE}?from=2098-12-20")
    assert "2099-01-01 22:00 to 23:00 Far away" in viewer.words
    assert ("?from=2098-11-20" in viewer.text, "?from=2099-01-19" in viewer.text) == (True, True)


async def test_hours_are_those_of_the_clock_of_whoever_reads(world: World) -> None:
    await scheduled(world, starts_at="2099-07-01T22:30:00", rrule=None)
    said = {**(await world.viewer.seen("/notification-preferences")), "time_zone": "Europe/Vienna"}
    await world.viewer.client.put("/notification-preferences", json=said)
    viewer = await Reader.of(world, world.viewer)

    await viewer.opens(f"{HERE}?from=2099-06-30")

    assert "2099-07-02 00:30 to 01:30 Patch night" in viewer.words
    assert "By the clock of Europe/Vienna." in viewer.words


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "1969-12-31", "yesterday"])
async def test_a_day_on_which_nothing_can_come_is_refused(world: World, day: str) -> None:
    viewer = await Reader.of(world, world.viewer)

    assert (await viewer.opens(f"{HERE}?from={day}")).status_code in (400, 422)


async def test_the_first_and_the_last_day_are_shown(world: World) -> None:
    viewer = await Reader.of(world, world.viewer)

    assert [200, 200] == [(await viewer.opens(f"{HERE}?from={day}")).status_code for day in ("1970-01-01", "2199-12-31")]


async def test_more_schedules_than_a_page_holds_stand_on_the_next(world: World) -> None:
    for number in range(51):
        await scheduled(world, name=f"Plan {number:02}.", starts_at="2099-01-01T22:00:00", rrule=None)
    viewer = await Reader.of(world, world.viewer)
    await viewer.opens(HERE)
    assert "Plan 50." not in viewer.words
    more = viewer.text.partition('">More schedules')[0].rpartition('href="')[2]

    await viewer.opens(f"{HERE}{more}")

    assert ("Plan 49." in viewer.words, "Plan 50." in viewer.words) == (False, True)


async def test_the_address_of_the_calendar_is_renewed_by_those_who_may_and_the_one_before_leads_nowhere(world: World) -> None:
    admin = await Reader.of(world, world.admin)
    await admin.opens(HERE)
    before = (await world.viewer.seen("/maintenance-schedules/calendar"))["ics_url"]
    assert before in admin.text

    await admin.does("renew")

    after = (await world.viewer.seen("/maintenance-schedules/calendar"))["ics_url"]
    assert (True, False) == (after in admin.text, before in admin.text)
    junior = await Reader.of(world, world.junior)
    await junior.opens(HERE)
    assert ("Renew the address" in junior.buttons, 403) == (False, (await junior.does("renew")).status_code)


async def test_a_schedule_says_what_it_is_when_it_comes_and_who_does_it(world: World) -> None:
    tree = await world.owner.made("/trees", {"name": "Patch a server", "kind": "troubleshooting", "content": A_TREE})
    await world.owner.made(f"/trees/{tree['id']}/publish")
    schedule = await scheduled(world, tree_id=tree["id"])
    viewer = await Reader.of(world, world.viewer)

    await viewer.opens(f"{HERE}/schedules/{schedule['id']}")

    assert f"Comes next {TOMORROW} 22:00 UTC Begins {TOMORROW} 22:00 by the clock of UTC, again by FREQ=DAILY;COUNT=2" in viewer.words
    assert "Client Lakeside Dental Done by Jo Follows Patch a server" in viewer.words
    assert "srv-mail-01 Lakeside Dental Ask Petra first" in viewer.words
    assert "It has not come yet." in viewer.words


async def test_a_manager_starts_it_now_and_its_run_says_how_far_its_sessions_are() -> None:
    world = await a_world_of_one_clock()
    schedule = await scheduled(world)
    admin = await Reader.of(world, world.admin)
    await admin.opens(f"{HERE}/schedules/{schedule['id']}")

    pressed = {"version": admin.browser.hidden["version"], "once": admin.browser.hidden["once"]}
    await admin.does("run", **pressed)
    await admin.does("run", **pressed)
    await world.relay_runs()
    (run,) = await runs(world, schedule)
    session_id = run["targets"][0]["session_id"]
    await world.junior.made(f"/ai-sessions/{session_id}/resolve", {"summary": "Patched"})
    await admin.opens(f"{HERE}/schedules/{schedule['id']}")

    assert "started 2 of 2 sessions started, 1 ended." in admin.words
    assert f'<a href="/sessions/{session_id}">srv-mail-01</a> ' in admin.text


async def test_a_run_says_of_each_session_how_many_steps_it_has_and_where_its_tree_waits() -> None:
    world = await a_world_of_one_clock()
    nodes = [{"id": "look", "kind": "action", "text": "Look at it", "next": {"otherwise": "end"}}, END]
    content = {"root": "look", "nodes": nodes, "parameters": []}
    tree = await world.owner.made("/trees", {"name": "Patch a server", "kind": "troubleshooting", "content": content})
    await world.owner.made(f"/trees/{tree['id']}/publish")
    schedule = await scheduled(world, tree_id=tree["id"])
    await world.owner.made(f"/maintenance-schedules/{schedule['id']}/run-now")
    await world.relay_runs()
    (run,) = await runs(world, schedule)
    done, waiting = [one["session_id"] for one in run["targets"]]
    await world.junior.made(f"/ai-sessions/{done}/walk/steps", {"node_id": "look", "result": "worked"})
    viewer = await Reader.of(world, world.viewer)

    await viewer.opens(f"{HERE}/schedules/{schedule['id']}")

    (run,) = await runs(world, schedule)
    assert [(1, None), (0, {"id": "look", "text": "Look at it"})] == [(one["steps"], one["node"]) for one in run["targets"]]
    assert "srv-mail-01 active 1 step srv-file-01 active 0 steps At “Look at it”" in viewer.words
    await world.junior.made(f"/ai-sessions/{waiting}/resolve", {"summary": "Patched"})
    await viewer.opens(f"{HERE}/schedules/{schedule['id']}")
    assert "At “Look" not in viewer.words


async def test_a_run_that_was_blocked_says_why(world: World) -> None:
    schedule = await scheduled(world)
    await world.owner.made(f"/users/{world.junior.id}/deactivate")
    await world.owner.made(f"/maintenance-schedules/{schedule['id']}/run-now")
    viewer = await Reader.of(world, world.viewer)

    await viewer.opens(f"{HERE}/schedules/{schedule['id']}")

    assert "blocked 0 of 2 sessions started, 0 ended." in viewer.words
    assert "Jo may start no sessions any more: give the schedule to somebody else" in viewer.words


async def test_older_runs_stand_on_the_next_page(world: World) -> None:
    schedule = await scheduled(world)
    for _ in range(11):
        await world.owner.made(f"/maintenance-schedules/{schedule['id']}/run-now")
    first = (await runs(world, schedule))[-1]
    viewer = await Reader.of(world, world.viewer)
    await viewer.opens(f"{HERE}/schedules/{schedule['id']}")
    assert first["id"] not in viewer.text
    older = viewer.text.partition('">Older ones')[0].rpartition('href="')[2]

    await viewer.opens(f"{HERE}/schedules/{schedule['id']}{older}")

    assert f'id="run-{first["id"]}"' in viewer.text


async def test_a_manager_deletes_it_in_a_dialog_and_its_sessions_stay() -> None:
    world = await a_world_of_one_clock()
    schedule = await scheduled(world)
    await world.owner.made(f"/maintenance-schedules/{schedule['id']}/run-now")
    await world.relay_runs()
    (run,) = await runs(world, schedule)
    admin = await Reader.of(world, world.admin)
    await admin.opens(f"{HERE}/schedules/{schedule['id']}?do=delete")

    await admin.does("delete", version=admin.browser.hidden["version"])

    assert ("No schedules" in admin.words, []) == (True, (await world.viewer.seen("/maintenance-schedules"))["items"])
    assert "active" == (await world.viewer.seen(f"/ai-sessions/{run['targets'][0]['session_id']}"))["status"]


@pytest.mark.parametrize("move", ["run", "delete"])
async def test_who_was_slower_than_a_colleague_reads_so_and_nothing_is_done(world: World, move: str) -> None:
    schedule = await scheduled(world)
    admin = await Reader.of(world, world.admin)
    await admin.opens(f"{HERE}/schedules/{schedule['id']}")
    version = admin.browser.hidden["version"]
    await world.owner.client.patch(f"/maintenance-schedules/{schedule['id']}", json={"name": "Patch morning"})

    refused = await admin.does(move, version=version)

    assert 412 == refused.status_code
    why = "Somebody else has changed this meanwhile, and nothing was done."
    dialog = admin.text.partition("<dialog")[2].partition("</dialog>")[0]
    assert (1, move == "delete") == (admin.words.count(why), why in dialog)
    assert ("Patch morning" in admin.words, []) == (True, await runs(world, schedule))


@pytest.mark.parametrize("move", ["run", "delete"])
async def test_what_began_by_itself_since_one_read_it_is_in_nobodys_way(move: str) -> None:
    world = await a_world_of_one_clock()
    schedule = await scheduled(world)
    admin = await Reader.of(world, world.admin)
    await admin.opens(f"{HERE}/schedules/{schedule['id']}")
    version = admin.browser.hidden["version"]
    world.clock.jump(timedelta(days=1, hours=10, minutes=30))
    await world.relay_runs()
    assert 1 == len(await runs(world, schedule))

    done = await admin.does(move, version=version)

    assert (200, "changed this meanwhile" in admin.words) == (done.status_code, False)
    assert {"run": [2], "delete": []}[move] == [
        len(await runs(world, one)) for one in (await world.viewer.seen("/maintenance-schedules"))["items"]
    ]


@pytest.mark.parametrize("role", ["junior", "senior", "viewer"])
async def test_who_may_not_manage_maintenance_reads_it_and_is_offered_nothing(world: World, role: str) -> None:
    schedule = await scheduled(world)
    reader = await Reader.of(world, getattr(world, role))
    await reader.opens(f"{HERE}/schedules/{schedule['id']}")

    assert ("Patch night" in reader.words, set()) == (True, reader.buttons)
    for move in ("run", "delete"):
        assert 403 == (await reader.does(move, version=schedule["version"])).status_code
    assert [] == await runs(world, schedule)


async def test_another_account_finds_nothing_of_it(world: World) -> None:
    schedule = await scheduled(world)
    rival = await Reader.of(world, world.rival_owner)

    await rival.opens(HERE)
    assert ("Patch night" in rival.text, "No schedules" in rival.words) == (False, True)
    assert 404 == (await rival.opens(f"{HERE}/schedules/{schedule['id']}")).status_code
    await rival.opens(HERE)
    for move in ("run", "delete"):
        data = {"csrf_token": rival.browser.csrf_token, "move": move, "version": "1"}
        assert 404 == (await rival.browser.client.post(f"{HERE}/schedules/{schedule['id']}", data=data)).status_code


async def test_hostile_names_are_text_and_nothing_else(world: World) -> None:
    schedule = await scheduled(world, name=HOSTILE, targets=[{"label": HOSTILE, "client_name": HOSTILE, "notes": HOSTILE}])
    await world.owner.made(f"/maintenance-schedules/{schedule['id']}/run-now")
    admin = await Reader.of(world, world.admin)

    for path in (HERE, f"{HERE}/schedules/{schedule['id']}", f"{HERE}/schedules/{schedule['id']}?do=delete"):
        page = await admin.opens(path)
        assert (200, False) == (page.status_code, "<script>alert" in page.text)


def form(world: World, **fields: str) -> dict[str, str]:
    """A schedule as the form sends it; what is empty is not filled in."""
    return {
        "name": "Patch night",
        "client": "Lakeside Dental",
        "targets": "srv-mail-01\nsrv-file-01 | Hillside School\n",
        "tree": "",
        "starts_at": f"{TOMORROW}T22:00",
        "time_zone": "Europe/Vienna",
        "minutes": "90",
        "repeats": "once",
        "assignee": world.junior.id,
        "catch_up": "latest",
        "active": "true",
        **fields,
    }


def filled(reader: Reader) -> dict[str, str]:
    """What stands in the form that is open, as a browser sends it."""
    page = reader.browser.page.text.partition('id="plan"')[2].partition("</form>")[0]
    boxes = re.findall(r'<input id="([a-z_]+)" [^>]*?value="([^"]*)"', page)
    areas = re.findall(r'<textarea id="([a-z_]+)"[^>]*>([^<]*)</textarea>', page)
    ticked = re.findall(r'name="([a-z_]+)" value="(true)" checked', page)
    chosen = [
        (name, (re.findall(r'value="([^"]*)" selected', options) or [""])[0])
        for name, options in re.findall(r'<select id="([a-z_]+)"[^>]*>(.*?)</select>', page, re.DOTALL)
    ]
    hidden = {name: reader.browser.hidden[name] for name in ("version", "once") if name in reader.browser.hidden}
    return {**hidden, **{name: unescape(value) for name, value in (*boxes, *areas, *ticked, *chosen)}}


async def only(world: World) -> Any:
    (found,) = (await world.viewer.seen("/maintenance-schedules"))["items"]
    return found


async def test_a_manager_writes_a_schedule_by_one_form_and_reads_it_next(world: World) -> None:
    tree = await world.owner.made("/trees", {"name": "Patch a server", "kind": "troubleshooting", "content": A_TREE})
    await world.owner.made(f"/trees/{tree['id']}/publish")
    admin = await Reader.of(world, world.admin)
    await admin.opens(HERE)
    assert "New schedule" in admin.words
    await admin.opens(f"{HERE}/new")
    assert "Patch a server</option>" in admin.text
    filled = {**form(world, tree=tree["id"], quiet="true"), "once": admin.browser.hidden["once"]}

    await admin.does("save", **filled)
    made = await only(world)
    assert (f"{HERE}/schedules/{made['id']}", True) == (admin.browser.path, "<h1>Patch night</h1>" in admin.text)
    await admin.opens(f"{HERE}/new")
    await admin.does("save", **filled)

    assert made == await only(world)
    assert {
        "name": "Patch night",
        "tree_id": tree["id"],
        "targets": [
            {"label": "srv-mail-01", "client_name": "Lakeside Dental", "notes": None},
            {"label": "srv-file-01", "client_name": "Hillside School", "notes": None},
        ],
        "starts_at": f"{TOMORROW}T22:00:00",
        "time_zone": "Europe/Vienna",
        "rrule": None,
        "duration_minutes": 90,
        "assignee_id": world.junior.id,
        "quiet": True,
        "catch_up": "latest",
        "active": True,
    }.items() <= made.items()


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ({"repeats": "daily"}, "FREQ=DAILY"),
        ({"repeats": "daily", "on_mo": "true"}, "FREQ=DAILY"),
        ({"repeats": "weekly"}, "FREQ=WEEKLY"),
        ({"repeats": "weekly", "on_fr": "true", "on_tu": "true"}, "FREQ=WEEKLY;BYDAY=TU,FR"),
        ({"repeats": "monthly"}, "FREQ=MONTHLY"),
        ({"repeats": "rule", "rrule": "FREQ=MONTHLY;BYDAY=2TU"}, "FREQ=MONTHLY;BYDAY=2TU"),
    ],
)
async def test_it_comes_back_by_everyday_words_or_by_a_rule_and_reads_so_again(world: World, said: dict[str, str], rule: str) -> None:
    admin = await Reader.of(world, world.admin)
    await admin.opens(f"{HERE}/new")

    await admin.does("save", **form(world, **said))

    made = await only(world)
    assert rule == made["rrule"]
    await admin.opens(f"{HERE}/schedules/{made['id']}/edit")
    assert f'<option value="{said["repeats"]}" selected>' in admin.text
    days = {field for field in said if field.startswith("on_")} if said["repeats"] == "weekly" else set()
    assert days == set(re.findall(r'name="(on_[a-z]+)" value="true" checked', admin.text))


@pytest.mark.parametrize(
    ("said", "field", "says"),
    [
        ({"name": ""}, "name", "Must not be blank."),
        ({"client": "a\u202eb"}, "client", "Must be one line of printable text, without U+202E."),
        ({"targets": ""}, "targets", "Must be 1 to 200."),
        ({"targets": "> Ask Petra\nsrv-01"}, "targets", "Must begin with one: what stands after > is noted of the one above."),
        ({"targets": "srv-01\n\n" + "x" * 301}, "targets", "Target 2 "),
        ({"starts_at": "tomorrow"}, "starts_at", "Must be a local time such as 2027-03-01T22:00:00, without an offset."),
        ({"starts_at": "2001-01-01T10:00"}, "starts_at", "Never comes from now on."),
        ({"time_zone": "Mars/Olympus"}, "time_zone", "Must be a time zone of the IANA database, such as Europe/Vienna."),
        ({"minutes": "a while"}, "minutes", "Must be a whole number of minutes."),
        ({"minutes": "9" * 30}, "minutes", "Must be a whole number of minutes."),
        ({"minutes": "0"}, "minutes", "Must be from 1 to 10080."),
        ({"repeats": "rule"}, "rrule", "Must be given, such as FREQ=MONTHLY;BYDAY=2TU."),
        ({"repeats": "rule", "rrule": "FREQ=SECONDLY"}, "rrule", "FREQ must be"),
        ({"rrule": "FREQ=DAILY"}, "rrule", "Is for “By a rule”: choose that, or leave it empty."),
        ({"assignee": ""}, "assignee", "Must be chosen."),
    ],
)
async def test_what_is_refused_is_said_at_its_field_and_nothing_typed_is_lost(
    world: World, said: dict[str, str], field: str, says: str
) -> None:
    admin = await Reader.of(world, world.admin)
    await admin.opens(f"{HERE}/new")
    typed = form(world, **{"name": "Patch <b>night</b>", "on_we": "true", "quiet": "true", **said})

    refused = await admin.does("save", **typed)

    assert 422 == refused.status_code
    (at,) = re.findall(r'<p class="wrong" id="([a-z_]+)-wrong">([^<]*)</p>', admin.text)
    assert (field, True) == (at[0], at[1].startswith(says)), at
    assert {**typed, "rrule": typed.get("rrule", "")} == {name: value for name, value in filled(admin).items() if name != "once"}
    assert [] == (await world.viewer.seen("/maintenance-schedules"))["items"]


async def test_what_a_tree_asks_for_is_asked_in_the_form_once_it_is_chosen(world: World) -> None:
    tree = await a_tree_that_asks(world)
    admin = await Reader.of(world, world.admin)
    await admin.opens(f"{HERE}/new")

    await admin.does("save", **form(world, tree=tree["id"]))
    assert '<p class="wrong" id="tree-wrong">Asks for what stands below it: fill that in, and save.</p>' in admin.text
    assert [] == (await world.viewer.seen("/maintenance-schedules"))["items"]
    said = {**filled(admin), "name_0": "host", "value_0": "", "name_1": "sure", "value_1": "true", "asked_by": tree["id"]}
    await admin.does("save", **said)
    assert '<p class="wrong" id="value-0-wrong">Is required.</p>' in admin.text
    await admin.does("save", **{**said, "value_0": "srv-01"})

    made = await only(world)
    assert ({"host": "srv-01", "sure": True}, tree["id"]) == (made["parameters"], made["tree_id"])
    assert "Follows Patch a host Host srv-01 Sure Yes" in admin.words
    await admin.opens(f"{HERE}/schedules/{made['id']}/edit")
    assert 'value="srv-01"' in admin.text


async def test_what_was_said_to_one_tree_is_not_said_to_another(world: World) -> None:
    first, second = await a_tree_that_asks(world), await a_tree_that_asks(world)
    schedule = await scheduled(world, tree_id=first["id"], parameters={"host": "srv-01"})
    admin = await Reader.of(world, world.admin)
    await admin.opens(f"{HERE}/schedules/{schedule['id']}/edit")
    said = {**filled(admin), "name_0": "host", "value_0": "srv-01", "asked_by": first["id"]}

    await admin.does("save", **{**said, "tree": second["id"]})

    assert ("fill that in, and save" in admin.words, 'value="srv-01"' in admin.text) == (True, False)
    assert schedule == await only(world)
    await admin.does("save", **{**said, "tree": ""})
    assert (None, {}) == ((await only(world))["tree_id"], (await only(world))["parameters"])


async def a_tree_that_asks(world: World) -> Any:
    host = {"name": "host", "label": "Host", "type": "text", "required": True}
    sure = {"name": "sure", "label": "Sure", "type": "yes_no", "required": False}
    text = "Patched {{ host }}, {{ sure }}"
    content = {"root": "end", "nodes": [{**END, "text": text}], "parameters": [host, sure]}
    tree = await world.owner.made("/trees", {"name": "Patch a host", "kind": "troubleshooting", "content": content})
    return await world.owner.made(f"/trees/{tree['id']}/publish")


async def test_a_schedule_that_is_saved_as_it_stands_in_the_form_is_the_same(world: World) -> None:
    """Notes of several lines, clients of one target alone, and names with the sign between the two."""
    targets = [
        {"label": "a | b", "client_name": None, "notes": "First\nthen second"},
        {"label": "a", "client_name": "b", "notes": None},
        {"label": "c", "client_name": "d", "notes": "Two"},
        {"label": "> e", "client_name": "d", "notes": "> Three\n\n  four"},
        {"label": "\\f | g", "client_name": None, "notes": "\\five | six"},
    ]
    schedule = await scheduled(world, targets=targets, quiet=True, catch_up="latest", starts_at=f"{TOMORROW}T22:00:07")
    admin = await Reader.of(world, world.admin)
    await admin.opens(f"{HERE}/schedules/{schedule['id']}/edit")

    await admin.does("save", **filled(admin))

    assert {**schedule, "version": schedule["version"] + 1} == await only(world)


async def test_another_client_is_that_of_all_targets_which_name_none_of_their_own_and_notes_stay(world: World) -> None:
    schedule = await scheduled(world)
    admin = await Reader.of(world, world.admin)
    await admin.opens(f"{HERE}/schedules/{schedule['id']}/edit")
    assert ">srv-mail-01\n> Ask Petra first\nsrv-file-01</textarea>" in admin.text

    said = "srv-new-01\r\n>Has no screen\r\nsrv-mail-01\r\n> Ask Petra first"
    await admin.does("save", **{**filled(admin), "client": "Hillside School", "targets": said})

    assert [
        {"label": "srv-new-01", "client_name": "Hillside School", "notes": "Has no screen"},
        {"label": "srv-mail-01", "client_name": "Hillside School", "notes": "Ask Petra first"},
    ] == (await only(world))["targets"]


async def test_who_was_slower_to_change_it_reads_so_and_what_they_typed_is_saved_once_they_mean_it(world: World) -> None:
    schedule = await scheduled(world)
    admin = await Reader.of(world, world.admin)
    await admin.opens(f"{HERE}/schedules/{schedule['id']}/edit")
    await world.owner.client.patch(f"/maintenance-schedules/{schedule['id']}", json={"name": "Patch morning"})

    refused = await admin.does("save", **{**filled(admin), "name": "Patch noon"})

    assert 412 == refused.status_code
    assert "Somebody else has changed this meanwhile" in admin.words
    assert ('value="Patch noon"' in admin.text, "Patch morning") == (True, (await only(world))["name"])
    await admin.does("save", **filled(admin))
    assert "Patch noon" == (await only(world))["name"]


async def test_who_left_and_a_tree_that_was_archived_stay_chosen_until_somebody_chooses_others(world: World) -> None:
    tree = await world.owner.made("/trees", {"name": "Patch a server", "kind": "troubleshooting", "content": A_TREE})
    await world.owner.made(f"/trees/{tree['id']}/publish")
    schedule = await scheduled(world, tree_id=tree["id"])
    await world.owner.made(f"/trees/{tree['id']}/archive")
    await world.owner.made(f"/users/{world.junior.id}/deactivate")
    admin = await Reader.of(world, world.admin)

    await admin.opens(f"{HERE}/schedules/{schedule['id']}/edit")
    assert f'<option value="{world.junior.id}" selected>Jo, who left</option>' in admin.text
    await admin.does("save", **{**filled(admin), "name": "Patch morning"})

    after = await only(world)
    assert ("Patch morning", tree["id"], world.junior.id) == (after["name"], after["tree_id"], after["assignee_id"])


@pytest.mark.parametrize("role", ["junior", "viewer"])
async def test_who_may_not_write_schedules_reads_why(world: World, role: str) -> None:
    schedule = await scheduled(world)
    reader = await Reader.of(world, getattr(world, role))
    await reader.opens(HERE)
    assert "New schedule" not in reader.words

    for path in (f"{HERE}/new", f"{HERE}/schedules/{schedule['id']}/edit"):
        assert 403 == (await reader.opens(path)).status_code
        await reader.opens("/settings/profile")
        data = {**form(world), "csrf_token": reader.browser.csrf_token, "move": "save", "version": str(schedule["version"])}
        assert 403 == (await reader.browser.client.post(path, data=data)).status_code
    assert schedule == await only(world)


async def test_another_account_can_neither_change_it_nor_have_its_people_do_something(world: World) -> None:
    schedule = await scheduled(world)
    rival = await Reader.of(world, world.rival_owner)
    assert 404 == (await rival.opens(f"{HERE}/schedules/{schedule['id']}/edit")).status_code

    await rival.opens(f"{HERE}/new")
    refused = await rival.does("save", **form(world))
    data = {**form(world), "csrf_token": rival.browser.csrf_token, "move": "save"}
    changed = await rival.browser.client.post(f"{HERE}/schedules/{schedule['id']}/edit", data=data)

    assert [404, 404] == [refused.status_code, changed.status_code]
    assert ([], schedule) == ((await world.rival_owner.seen("/maintenance-schedules"))["items"], await only(world))
