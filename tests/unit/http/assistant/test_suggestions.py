"""Suggestions over HTTP: proposed at once, accepted into a step, or rejected with a reason."""

from typing import Any

import pytest

from tests.support.http import Somebody, World

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")


async def stuck(somebody: Somebody, evidence: str = "AADSTS53003") -> str:
    """A session of theirs with a telling step; its path."""
    session = await somebody.session(title="No sign-in", problem="Since this morning")
    step = {"kind": "action", "content": "Signed in again", "result": "failed", "evidence": evidence}
    await somebody.made(f"/ai-sessions/{session['id']}/steps", step)
    return f"/ai-sessions/{session['id']}"


async def test_what_to_do_next_is_proposed_at_once_with_the_steps_that_say_so(world: World) -> None:
    path = await stuck(world.junior)

    answer = await world.junior.post(f"{path}/suggestions")

    session = await world.junior.seen(path)
    best = answer.json()
    assert (201, "proposed", "action", session["active_branch_id"]) == (answer.status_code, best["state"], best["kind"], best["branch_id"])
    assert "sign-in log" in best["content"]
    assert [session["steps"][0]["id"]] == best["cites"]
    listed = (await world.senior.seen(f"{path}/suggestions"))["items"]
    assert {best["id"], *(one["id"] for one in best["more"])} == {one["id"] for one in listed}


async def test_an_accepted_one_becomes_a_step_and_is_not_proposed_again(world: World) -> None:
    path = await stuck(world.junior)
    best = await world.junior.made(f"{path}/suggestions")

    session = await world.junior.made(f"{path}/suggestions/{best['id']}/decision", {"decision": "accepted"})

    step = session["steps"][-1]
    (accepted,) = [one for one in (await world.junior.seen(f"{path}/suggestions"))["items"] if one["id"] == best["id"]]
    again = await world.junior.made(f"{path}/suggestions")
    assert (best["content"], best["branch_id"], None) == (step["content"], step["branch_id"], step["result"])
    assert ("accepted", step["id"]) == (accepted["state"], accepted["step_id"])
    assert best["content"] not in [one["content"] for one in (again, *again["more"])]


async def test_what_was_accepted_before_stands_higher_in_the_account_alone(world: World) -> None:
    async def asked(somebody: Somebody) -> tuple[str, list[dict[str, Any]]]:
        path = await stuck(somebody, evidence="AADSTS53003, then 0x80070005")
        best = await somebody.made(f"{path}/suggestions")
        return path, [best, *best["more"]]

    path, (first, *_, liked) = await asked(world.junior)
    await world.junior.made(f"{path}/suggestions/{liked['id']}/decision", {"decision": "accepted"})

    _, ours = await asked(world.junior)
    _, theirs = await asked(world.rival)

    assert first["content"] != liked["content"]
    assert (liked["content"], first["content"]) == (ours[0]["content"], theirs[0]["content"])


async def test_what_solved_a_similar_session_of_the_account_is_proposed(world: World) -> None:
    solved = await world.senior.session(title="Scanner sends no mail", problem="Scan to mail fails since Monday")
    await world.senior.made(f"/ai-sessions/{solved['id']}/resolve", {"summary": "Renewed the app password", "root_cause": "It had expired"})

    async def proposed(somebody: Somebody) -> list[str]:
        session = await somebody.session(title="Scanner sends no mail", problem="Scan to mail fails")
        best = await somebody.made(f"/ai-sessions/{session['id']}/suggestions")
        return [one["content"] for one in (best, *best["more"])]

    assert any("Renewed the app password" in content for content in await proposed(world.junior))
    assert not any("Renewed" in content for content in await proposed(world.rival))


async def test_what_solved_a_similar_session_is_not_proposed_where_it_failed(world: World) -> None:
    solved = await world.senior.session(title="Scanner sends no mail", problem="Scan to mail fails since Monday")
    await world.senior.made(f"/ai-sessions/{solved['id']}/resolve", {"summary": "Renewed the app password", "root_cause": "It had expired"})
    session = await world.junior.session(title="Scanner sends no mail", problem="Scan to mail fails")
    path = f"/ai-sessions/{session['id']}"
    await world.junior.made(f"{path}/steps", {"kind": "action", "content": "Renewed the app password of the scanner", "result": "failed"})

    best = await world.junior.made(f"{path}/suggestions")

    assert not any("Renewed" in one["content"] for one in (best, *best["more"]))


async def test_asking_never_fails_the_session(world: World) -> None:
    session = await world.junior.session(title="Hm", problem="Odd")

    nothing = await world.junior.made(f"/ai-sessions/{session['id']}/suggestions")

    assert ("failed", "nothing on record points to a next step") == (nothing["state"], nothing["reason"])
    assert session["version"] == (await world.junior.seen(f"/ai-sessions/{session['id']}"))["version"]


async def test_what_cannot_be_is_refused(world: World) -> None:
    path = await stuck(world.junior)
    best = await world.junior.made(f"{path}/suggestions")
    decision = f"{path}/suggestions/{best['id']}/decision"
    other = await stuck(world.junior)
    answers = [
        await world.senior.post(f"{path}/suggestions"),
        await world.viewer.post(f"{path}/suggestions"),
        await world.senior.post(decision, {"decision": "accepted"}),
        await world.junior.post(f"{other}/suggestions/{best['id']}/decision", {"decision": "accepted"}),
        await world.junior.post(decision, {"decision": "maybe"}),
        await world.junior.post(decision, {"decision": "rejected", "reason": "tried it"}),
        await world.junior.post(decision, {"decision": "accepted"}),
    ]

    assert [
        (403, "not_assignee"),
        (403, "role_forbidden"),
        (403, "not_assignee"),
        (404, "not_found"),
        (422, "validation_failed"),
        (200, None),
        (409, "invalid_transition"),
    ] == [(answer.status_code, answer.json().get("code")) for answer in answers]
