"""Search over HTTP: what is found, page by page, within what is said, and what is refused."""

import pytest

from tests.support.http import World

pytestmark = pytest.mark.anyio
FAR = [f"q=x&{field}={far}" for field in ("from", "to") for far in ("0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00")]
"""In UTC these are of no year that a calendar has."""


async def test_what_was_found_says_what_it_is_and_shows_what_matched_in_parts(world: World) -> None:
    case = await world.junior.session(problem="The log says <b>0x80070005</b>.")

    found = await world.viewer.seen("/search?q=0x80070005")

    (item,) = found["items"]
    assert ("session", case["id"], case["id"], "No mail", case["created_at"], 1) == tuple(
        item[name] for name in ("kind", "id", "session_id", "title", "at", "score")
    )
    assert [{"text": "The log says <b>"}, {"text": "0x80070005", "hit": True}] == item["snippet"][:2]
    assert (None, None) == (found["next_cursor"], found["looked_at"])


async def test_pages_follow_each_other(world: World) -> None:
    ids = [(await world.junior.session(problem="a heron"))["id"] for _ in range(3)]

    first = await world.viewer.seen("/search?q=heron&limit=2")
    second = await world.viewer.seen(f"/search?q=heron&limit=2&cursor={first['next_cursor']}")

    assert [*reversed(ids)] == [item["id"] for item in (*first["items"], *second["items"])]
    assert None is second["next_cursor"]
    answer = await world.viewer.get(f"/search?q=crane&limit=2&cursor={first['next_cursor']}")
    assert (400, "invalid_cursor") == (answer.status_code, answer.json()["code"])


async def test_where_to_look_is_said_in_the_address(world: World) -> None:
    mine = (await world.junior.session(problem="a heron", client_name="Contoso"))["id"]
    theirs = (await world.senior.session(problem="a heron", client_name=None))["id"]

    async def found(more: str) -> set[str]:
        return {item["id"] for item in (await world.junior.seen(f"/search?q=heron&{more}"))["items"]}

    assert {mine, theirs} == await found("kind=session&status=active&from=2020-01-01")
    assert {mine} == await found("assignee=me")
    assert {theirs} == await found(f"assignee={world.senior.id}")
    assert {mine} == await found("client=Contoso")
    assert set() == await found("to=2020-01-01T08:00:00Z")
    assert set() == await found("kind=output")


@pytest.mark.parametrize("wrong", ["q=%22%22", "q=" + "x" * 1001, "q=x&from=yesterday", "q=x&to=2026-13-01", "q=x&assignee=you", *FAR])
async def test_what_cannot_be_looked_for_is_refused(world: World, wrong: str) -> None:
    answer = await world.viewer.get(f"/search?{wrong}")

    assert (422, "validation_failed") == (answer.status_code, answer.json()["code"])


async def test_what_is_on_a_ticket_is_listed(world: World) -> None:
    case = await world.junior.session(ticket={"system": "halopsa", "id": "48:211"})
    await world.junior.session(ticket={"system": "autotask", "id": "48:211"})
    await world.junior.session()

    found = await world.viewer.seen("/ai-sessions?ticket=halopsa:48:211")

    assert [case["id"]] == [item["id"] for item in found["items"]]
    for wrong in ("halopsa", ":1", "halopsa:"):
        answer = await world.viewer.get(f"/ai-sessions?ticket={wrong}")
        assert (422, "validation_failed") == (answer.status_code, answer.json()["code"])


async def test_nothing_of_another_account_is_found(world: World) -> None:
    """A64."""
    case = await world.junior.session(title="A narwhal")

    assert [] == (await world.rival.seen("/search?q=narwhal"))["items"]
    assert [case["id"]] == [item["id"] for item in (await world.viewer.seen("/search?q=narwal"))["items"]]
