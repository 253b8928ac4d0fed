"""Who may not, what cannot be now, and in which order that is said."""

import pytest

from tests.support.http import World

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")

BAD = b"{"
UUID = "01998c2e-7a10-7000-8000-000000000001"


async def test_the_first_reason_is_the_one_that_is_told(world: World) -> None:
    """401, 404, 400, 403, 409, 412, in this order, each where everything after it is wrong too."""
    session = await world.junior.session()
    at = f"/ai-sessions/{session['id']}"
    await world.junior.made(f"{at}/resolve", {"summary": "Done"})
    stale = {"if_match": '"1"'}
    good = b'{"summary": "Done again"}'

    answers = [
        await world.nobody.post(f"{at}/resolve", content=BAD),
        await world.rival.send("POST", f"{at}/resolve", BAD, **stale),
        await world.senior.send("POST", f"{at}/resolve", BAD, **stale),
        await world.senior.send("POST", f"{at}/resolve", b'{"summary": " "}', **stale),
        await world.viewer.send("POST", f"{at}/resolve", good, **stale),
        await world.senior.send("POST", f"{at}/resolve", good, **stale),
        await world.junior.send("POST", f"{at}/resolve", good, **stale),
        await world.senior.post(f"{at}/reopen", {"reason": "Again"}, **stale),
        await world.senior.post(f"{at}/reopen", {"reason": "Again"}, if_match='"2"'),
    ]

    assert [
        (401, "unauthenticated"),
        (404, "not_found"),
        (400, "malformed"),
        (422, "validation_failed"),
        (403, "role_forbidden"),
        (403, "not_assignee"),
        (409, "invalid_transition"),
        (412, "version_conflict"),
        (200, None),
    ] == [(answer.status_code, answer.json().get("code")) for answer in answers]


@pytest.mark.parametrize(
    "bad",
    [
        {"raw": BAD},
        {"raw": b'{"unknown": 1}'},
        {"raw": b"{}", "if_match": "nonsense"},
        {"raw": b"{}", "idempotency_key": "a b"},
        {"raw": b"x", "content_type": "text/plain"},
    ],
)
async def test_whether_a_foreign_thing_exists_is_not_told_by_how_a_bad_request_is_refused(world: World, bad: dict[str, object]) -> None:
    """A27: for who may not know of it, a thing is not found, however bad the request."""
    handoff = await world.junior.escalation()
    paths = [f"/handoffs/{handoff['id']}/withdraw", f"/handoffs/{UUID}/withdraw", "/handoffs/nonsense/withdraw"]

    answers = [await world.rival.send("POST", path, **bad) for path in paths]  # type: ignore[arg-type]

    assert {404} == {answer.status_code for answer in answers}
    assert 1 == len({answer.content for answer in answers})


async def test_a_bad_query_for_a_foreign_thing_is_not_found(world: World) -> None:
    handoff = await world.junior.escalation()
    paths = [f"/handoffs/{handoff['id']}/{part}" for part in ("snapshot?verify=maybe", "changes?limit=0", "deliveries?cursor=x")]

    answers = [await world.rival.get(path) for path in [*paths, f"/ai-sessions/{handoff['session_id']}/timeline?nonsense=1"]]

    assert [404] * 4 == [answer.status_code for answer in answers]


async def test_a_step_or_branch_of_another_session_is_not_found_before_the_body_is_judged(world: World) -> None:
    session, other = await world.junior.session(), await world.junior.session()
    step = await world.junior.made(f"/ai-sessions/{other['id']}/steps", {"kind": "note", "content": "x"})
    branch = other["active_branch_id"]

    answers = [
        await world.junior.send("PATCH", f"/ai-sessions/{session['id']}/steps/{step['id']}", BAD),
        await world.junior.patch(f"/ai-sessions/{session['id']}/steps/{step['id']}", {"result": "worked"}),
        await world.junior.send("POST", f"/ai-sessions/{session['id']}/branches/{branch}/close", BAD),
        await world.junior.post(f"/ai-sessions/{session['id']}/branches/{branch}/close", {"outcome": "solved", "reason": "x"}),
    ]

    assert [404] * 4 == [answer.status_code for answer in answers]


async def test_a_viewer_reads_and_moves_nothing(world: World) -> None:
    handoff = await world.junior.escalation()
    session = f"/ai-sessions/{handoff['session_id']}"

    reads = [await world.viewer.get(path) for path in ("/ai-sessions", session, f"/handoffs/{handoff['id']}", "/handoffs/queue")]
    writes = [
        await world.viewer.post("/ai-sessions", {"title": "x", "problem": "x"}),
        await world.viewer.post(f"{session}/steps", {"kind": "note", "content": "x"}),
        await world.viewer.post(f"/handoffs/{handoff['id']}/claim"),
        await world.viewer.post(f"/handoffs/{handoff['id']}/withdraw"),
    ]

    assert {200} == {answer.status_code for answer in reads}
    assert {(403, "role_forbidden")} == {(answer.status_code, answer.json()["code"]) for answer in writes}


async def test_an_escalator_cannot_claim_their_own(world: World) -> None:
    handoff = await world.junior.escalation()

    answer = await world.junior.post(f"/handoffs/{handoff['id']}/claim")

    assert (409, "own_handoff") == (answer.status_code, answer.json()["code"])


async def test_a_state_that_does_not_allow_the_move_is_named(world: World) -> None:
    handoff = await world.junior.escalation()
    session = await world.junior.post(f"/ai-sessions/{handoff['session_id']}/resolve", {"summary": "Done"})
    await world.junior.made(f"/handoffs/{handoff['id']}/withdraw")
    withdrawn = await world.senior.post(f"/handoffs/{handoff['id']}/claim")

    assert (409, "invalid_transition", "escalated") == (session.status_code, session.json()["code"], session.json()["state"])
    assert (409, "invalid_transition", "withdrawn") == (withdrawn.status_code, withdrawn.json()["code"], withdrawn.json()["state"])
    assert 409 == session.json()["status"]


async def test_a_version_that_is_the_current_one_is_taken(world: World) -> None:
    session = await world.junior.session()
    at = f"/ai-sessions/{session['id']}"
    etag = (await world.junior.get(at)).headers["etag"]

    first = await world.junior.post(f"{at}/steps", {"kind": "note", "content": "x"}, if_match=etag)
    second = await world.junior.post(f"{at}/steps", {"kind": "note", "content": "y"}, if_match=etag)
    anyhow = await world.junior.post(f"{at}/steps", {"kind": "note", "content": "z"}, if_match="*")

    assert ('"1"', 201, 412, 201) == (etag, first.status_code, second.status_code, anyhow.status_code)
    assert 2 == second.json()["version"]


async def test_a_problem_has_the_members_of_rfc_9457_and_says_nothing_of_us(world: World) -> None:
    answer = await world.junior.get(f"/ai-sessions/{UUID}")

    problem = answer.json()
    assert {"type", "title", "status", "detail", "code"} == problem.keys()
    assert (404, 404, "urn:flowpilot:problem:not_found") == (answer.status_code, problem["status"], problem["type"])
    assert "application/problem+json" == answer.headers["content-type"]
