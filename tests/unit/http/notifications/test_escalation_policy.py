"""The escalation policy, preferences and previews over HTTP."""

from typing import Any

import pytest

from tests.support.http import World

pytestmark = pytest.mark.anyio

POLICY: dict[str, Any] = {
    "steps": [
        {"after_seconds": 600, "whom": [{"kind": "on_duty"}]},
        {"after_seconds": 1800, "whom": [{"kind": "role", "role": "owner"}], "repeats": 2, "every_seconds": 900},
    ],
    "due_seconds": {"urgent": 900, "normal": 14400},
    "claim_quiet_minutes": 30,
}
PREFERENCES: dict[str, Any] = {
    "time_zone": "Europe/Vienna",
    "working_hours": [{"day": "monday", "start": "08:00", "end": "16:30"}],
    "other_days": [{"date": "2026-12-24", "hours": [{"start": "08:00", "end": "12:00"}]}],
    "quiet_hours": {"start": "22:00", "end": "07:00"},
    "channels": {"escalated": None, "reminder": [], "lapse_warning": None, "wake_up": None, "debrief": None},
    "mail_after_seconds": 120,
}


async def test_a_policy_is_shown_as_it_was_set_with_what_was_left_out(world: World) -> None:
    nothing = await world.admin.seen("/escalation-policy")

    kept = await world.owner.client.put("/escalation-policy", json=POLICY)

    assert ([], None, 200) == (nothing["steps"], nothing["claim_quiet_minutes"], kept.status_code)
    assert kept.json() == await world.admin.seen("/escalation-policy")
    first, second = kept.json()["steps"]
    assert (["email"], 0, None) == (first["channels"], first["repeats"], first["every_seconds"])
    assert ("owner", 2, 900) == (second["whom"][0]["role"], second["repeats"], second["every_seconds"])


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/escalation-policy"), ("PUT", "/escalation-policy"), ("POST", "/escalation-policy/preview")]
)
async def test_the_policy_is_the_account_owners_and_admins(world: World, method: str, path: str) -> None:
    for who in (world.junior, world.viewer):
        answer = await who.send(method, path, b"" if method == "GET" else b"{}")
        assert (403, "role_forbidden") == (answer.status_code, answer.json()["code"])


@pytest.mark.parametrize(
    ("policy", "pointer"),
    [
        ({"steps": [POLICY["steps"][0], {"after_seconds": -1, "whom": [{"kind": "everybody"}]}]}, "/steps/1/after_seconds"),
        ({"steps": [{"after_seconds": 60, "whom": []}]}, "/steps/0/whom"),
        ({"steps": [{"after_seconds": 60, "whom": [{"kind": "everybody"}, {"kind": "team"}]}]}, "/steps/0/whom/1/kind"),
        ({"steps": [{"after_seconds": 60, "whom": [{"kind": "everybody"}], "repeats": 3}]}, "/steps/0/every_seconds"),
        ({"steps": [{"after_seconds": 60, "whom": [{"kind": "everybody"}], "channels": []}]}, "/steps/0/channels"),
        ({"due_seconds": {"urgent": 0}}, "/due_seconds"),
        ({"claim_quiet_minutes": 1}, "/claim_quiet_minutes"),
        ({"steps": [{"after_seconds": 10**20, "whom": [{"kind": "everybody"}]}]}, "/steps/0/after_seconds"),
    ],
)
async def test_what_is_wrong_with_a_policy_is_pointed_at(world: World, policy: dict[str, Any], pointer: str) -> None:
    answer = await world.owner.client.put("/escalation-policy", json=policy)

    assert pointer == answer.json()["errors"][0]["pointer"]
    assert answer.status_code in (400, 422)


async def test_a_policy_names_nobody_of_another_account(world: World) -> None:
    """A28: not even to a preview."""
    theirs = {"steps": [{"after_seconds": 60, "whom": [{"kind": "person", "user_id": world.rival.id}]}]}

    for answer in (
        await world.owner.client.put("/escalation-policy", json=theirs),
        await world.owner.post("/escalation-policy/preview", theirs),
        await world.owner.client.put("/escalation-policy", json={"teams": [{"team_id": world.rival.id, "steps": []}]}),
    ):
        assert (404, "not_found") == (answer.status_code, answer.json()["code"])


async def test_when_it_is_due_is_shown_in_the_queue_and_in_the_handoff(world: World) -> None:
    await world.owner.client.put("/escalation-policy", json=POLICY)
    handoff = await world.junior.escalation(priority="urgent")
    without = await world.junior.escalation(priority="low")

    queue = (await world.senior.seen("/handoffs/queue"))["items"]

    assert [("2026-03-02T12:15:00Z", handoff["id"]), (None, without["id"])] == [(one["due_at"], one["handoff_id"]) for one in queue]
    assert (queue[0]["due_at"], None) == (handoff["due_at"], without["due_at"])


async def test_everybody_says_how_they_want_to_be_told_a_viewer_too(world: World) -> None:
    for who in (world.viewer, world.senior):
        start = await who.seen("/notification-preferences")
        kept = await who.client.put("/notification-preferences", json=PREFERENCES)
        assert ("UTC", None, 200) == (start["time_zone"], start["working_hours"], kept.status_code)
        assert PREFERENCES == kept.json() == await who.seen("/notification-preferences")
    assert start == await world.junior.seen("/notification-preferences")


@pytest.mark.parametrize(
    ("preferences", "pointer"),
    [
        ({"time_zone": "Vienna"}, "/time_zone"),
        ({"working_hours": [{"day": "monday", "start": "8", "end": "16:30"}]}, "/working_hours/0/start"),
        ({"working_hours": [{"day": "someday", "start": "08:00", "end": "16:30"}]}, "/working_hours/0/day"),
        ({"working_hours": [{"day": "monday", "start": "24:00", "end": "16:30"}]}, "/working_hours/0/hours"),
        ({"quiet_hours": {"start": "25:00", "end": "06:00"}}, "/quiet_hours/start"),
        ({"mail_after_seconds": -5}, "/mail_after_seconds"),
        ({"channels": {"escalated": ["carrier pigeon"]}}, "/channels/escalated/0"),
    ],
)
async def test_what_is_wrong_with_preferences_is_pointed_at(world: World, preferences: dict[str, Any], pointer: str) -> None:
    answer = await world.senior.client.put("/notification-preferences", json=preferences)

    assert answer.status_code in (400, 422)
    assert pointer == answer.json()["errors"][0]["pointer"]


async def test_before_escalating_it_says_who_would_be_told_and_what_a_senior_will_ask(world: World) -> None:
    await world.owner.client.put("/escalation-policy", json=POLICY)
    session = await world.junior.session()
    await world.junior.made(
        f"/ai-sessions/{session['id']}/steps", {"kind": "action", "content": "restarted Outlook", "evidence": "0x8004010F"}
    )

    seen = await world.junior.seen(f"/handoffs/preview?session_id={session['id']}")

    assert [None, False, "2026-03-02T16:00:00Z"] == [seen["warning"], seen["nobody_on_duty"], seen["due_at"]]
    assert {"Olga", "Adam", "Sam"} == {one["user"]["name"] for one in seen["now"]["told"] if one["now"]}
    assert {"Jo": "it is theirs", "Vera": "a viewer takes no escalations"} == {
        one["user"]["name"]: one["reason"] for one in seen["now"]["not_told"]
    }
    assert ["2026-03-02T12:10:00Z", "2026-03-02T12:30:00Z", "2026-03-02T12:45:00Z", "2026-03-02T13:00:00Z"] == [
        step["at"] for step in seen["steps"]
    ]
    assert {"hypotheses": False, "error_text": True, "environment": True} == {one["asked"]: one["answered"] for one in seen["questions"]}
    assert "active" == (await world.junior.seen(f"/ai-sessions/{session['id']}"))["status"]


async def test_that_nobody_is_on_duty_is_the_first_thing_it_says(world: World) -> None:
    nights = {"working_hours": [{"day": "monday", "start": "22:00", "end": "23:00"}]}
    for who in (world.owner, world.admin, world.senior):
        await who.client.put("/notification-preferences", json=nights)
    session = await world.junior.session()

    seen = await world.junior.get(f"/handoffs/preview?session_id={session['id']}")

    assert seen.text.startswith('{"warning":"Nobody is on duty')
    assert {True} == {one["now"] for one in seen.json()["now"]["told"]}


async def test_a_preview_of_what_is_not_there_or_is_private_is_refused_alike(world: World) -> None:
    parked = await world.junior.session()
    await world.junior.made(f"/ai-sessions/{parked['id']}/handoff", {"intent": "park", "reason": "lunch"})

    for who, session_id in ((world.senior, parked["id"]), (world.rival, parked["id"]), (world.junior, world.junior.id)):
        answer = await who.get(f"/handoffs/preview?session_id={session_id}")
        assert 404 == answer.status_code
    viewer = await world.viewer.get(f"/handoffs/preview?session_id={(await world.junior.session())['id']}")
    assert 403 == viewer.status_code


async def test_a_policy_that_is_not_kept_says_what_it_would_do(world: World) -> None:
    seen = await world.owner.made("/escalation-policy/preview", {**POLICY, "priority": "urgent", "at": "2027-01-01T00:00:00Z"})

    assert ("2027-01-01T00:15:00Z", 4, []) == (seen["due_at"], len(seen["steps"]), seen["questions"])
    assert {"it is theirs"} == {one["reason"] for one in seen["now"]["not_told"] if one["user"]["name"] == "Olga"}
    assert [] == (await world.owner.seen("/escalation-policy"))["steps"]


async def test_a_park_is_reminded_of_on_its_day_and_shows_it(world: World) -> None:
    session = await world.junior.session()

    refused = await world.junior.post(
        f"/ai-sessions/{session['id']}/handoff", {"intent": "park", "reason": "a part", "wake_at": "2026-03-02T11:00:00Z"}
    )
    parked = await world.junior.made(
        f"/ai-sessions/{session['id']}/handoff", {"intent": "park", "reason": "a part", "wake_at": "2026-03-03T10:00:00+02:00"}
    )

    assert (422, "/wake_at") == (refused.status_code, refused.json()["errors"][0]["pointer"])
    assert "2026-03-03T08:00:00Z" == parked["wake_at"] == (await world.junior.seen(f"/handoffs/{parked['id']}"))["wake_at"]
