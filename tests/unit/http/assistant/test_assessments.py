"""The assessment over HTTP: it comes with the escalation, is made by the relay, asked for again, and judged."""

from typing import Any

import pytest

from tests.support.http import World

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")


async def test_it_is_pending_with_the_escalation_and_ready_once_the_relay_ran(world: World) -> None:
    handoff = await world.junior.escalation()

    await world.relay_runs()

    assessment = (await world.senior.seen(f"/handoffs/{handoff['id']}"))["assessment"]
    snapshot = await world.senior.seen(f"/handoffs/{handoff['id']}/snapshot")
    assert ("pending", None, []) == tuple(handoff["assessment"][name] for name in ("state", "made_at", "summary"))
    assert (handoff["assessment"]["id"], "ready", "rules", handoff["snapshot_digest"]) == tuple(
        assessment[name] for name in ("id", "state", "provider", "snapshot_digest")
    )
    assert cited(assessment) <= {step["id"] for step in snapshot["steps"]}


async def test_it_is_in_the_queue_in_the_package_and_in_the_timeline(world: World) -> None:
    handoff = await world.junior.escalation()

    await world.relay_runs()

    (item,) = (await world.senior.seen("/handoffs/queue"))["items"]
    session = await world.senior.seen(f"/ai-sessions/{handoff['session_id']}")
    changes = (await world.senior.seen(f"/handoffs/{handoff['id']}/changes"))["items"]
    shown = (await world.senior.seen(f"/handoffs/{handoff['id']}"))["assessment"]
    assert shown["headline"] == item["headline"]
    assert {name: shown[name] for name in shown if name != "problem"} == session["escalation_package"]["assessment"]
    assert [("handoff.assessed", "system", "an escalation was assessed")] == [(one["kind"], one["by"], one["cause"]) for one in changes]


async def test_it_is_asked_for_again_and_earlier_ones_stay(world: World) -> None:
    handoff = await world.junior.escalation()
    await world.relay_runs()

    asked = await world.senior.post(f"/handoffs/{handoff['id']}/assessments")
    await world.relay_runs()

    newest, first = (await world.viewer.seen(f"/handoffs/{handoff['id']}/assessments"))["items"]
    assert (201, "pending") == (asked.status_code, asked.json()["state"])
    assert (asked.json()["id"], handoff["assessment"]["id"]) == (newest["id"], first["id"])
    assert (world.senior.user.name, None, "ready") == (newest["requested_by"]["name"], first["requested_by"], newest["state"])
    page = await world.viewer.seen(f"/handoffs/{handoff['id']}/assessments?limit=1")
    rest = await world.viewer.seen(f"/handoffs/{handoff['id']}/assessments?limit=1&cursor={page['next_cursor']}")
    assert [newest["id"], first["id"]] == [page["items"][0]["id"], rest["items"][0]["id"]]


async def test_seniors_judge_it_once_each_and_the_list_says_so(world: World) -> None:
    handoff = await world.junior.escalation()
    await world.relay_runs()
    path = f"/handoffs/{handoff['id']}/assessments/{handoff['assessment']['id']}/feedback"

    for verdict, comment in (("wrong", "no"), ("useful", None)):
        answer = await world.senior.post(path, {"verdict": verdict, "comment": comment})
        assert (200, handoff["id"]) == (answer.status_code, answer.json()["id"])

    (judged,) = (await world.admin.seen(f"/handoffs/{handoff['id']}/assessments"))["items"]
    assert [("Sam", "useful", None)] == [(one["by"]["name"], one["verdict"], one["comment"]) for one in judged["feedback"]]
    assert "rules-2" == judged["prompt_version"]


async def test_what_cannot_be_is_refused(world: World) -> None:
    handoff = await world.junior.escalation()
    path = f"/handoffs/{handoff['id']}/assessments"
    early = await world.senior.post(f"{path}/{handoff['assessment']['id']}/feedback", {"verdict": "useful"})
    viewer = await world.viewer.post(path)
    session = await world.junior.session()
    park = await world.junior.made(f"/ai-sessions/{session['id']}/handoff", {"intent": "park", "reason": "Later"})
    of_park = await world.junior.post(f"/handoffs/{park['id']}/assessments")
    others = await world.senior.post(f"/handoffs/{park['id']}/assessments")
    strange = await world.senior.post(f"{path}/{park['id']}/feedback", {"verdict": "useful"})
    odd = await world.senior.post(f"{path}/{handoff['assessment']['id']}/feedback", {"verdict": "meh"})

    assert [
        (409, "invalid_transition"),
        (403, "role_forbidden"),
        (409, "invalid_transition"),
        (404, "not_found"),
        (404, "not_found"),
        (422, "validation_failed"),
    ] == [(answer.status_code, answer.json()["code"]) for answer in (early, viewer, of_park, others, strange, odd)]
    assert "skipped" == park["assessment"]["state"]


async def test_a_withdrawn_escalation_is_assessed_by_nobody(world: World) -> None:
    handoff = await world.junior.escalation()
    await world.junior.made(f"/handoffs/{handoff['id']}/withdraw")

    await world.relay_runs()

    assessment = (await world.senior.seen(f"/handoffs/{handoff['id']}"))["assessment"]
    assert ("skipped", "the handoff is withdrawn") == (assessment["state"], assessment["problem"])


def cited(assessment: dict[str, Any]) -> set[str]:
    """Every step that is cited anywhere in it."""
    said = [one for sort in ("summary", "ruled_out", "next_steps", "questions") for one in assessment[sort]]
    causes = assessment["likely_causes"]
    return {step for one in said for step in one["cites"]} | {step for cause in causes for step in (*cause["for"], *cause["against"])}
