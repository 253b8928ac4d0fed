"""The pages of maintenance, read and worked on by plain forms."""

from datetime import timedelta
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
    assert "Somebody else has changed this meanwhile, and nothing was done." in admin.words
    assert ("Patch morning" in admin.words, []) == (True, await runs(world, schedule))


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
