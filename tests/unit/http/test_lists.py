"""Pages of lists, and the cursors between them."""

from string import ascii_letters, digits

import pytest

from flowpilot_adapters.system import new_id
from flowpilot_http.cursors import Cursors
from flowpilot_http.problems import Refused
from tests.support.http import SECRET_KEY, Somebody, World

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")


async def _pages(reader: Somebody, path: str, size: int) -> list[list[str]]:
    """The ids on each page of a list."""
    pages, cursor = [], None
    while True:
        page = await reader.seen(f"{path}limit={size}" + (f"&cursor={cursor}" if cursor else ""))
        pages.append([item.get("id") or item.get("handoff_id") or item["number"] for item in page["items"]])
        cursor = page["next_cursor"]
        if cursor is None:
            return pages


async def test_pages_of_every_list_hold_everything_once_and_in_order(world: World) -> None:
    handoffs = [await world.junior.escalation(priority=priority) for priority in ("low", "urgent", "normal", "urgent", "high")]
    ids = [handoff["id"] for handoff in handoffs]
    session, first = handoffs[0]["session_id"], ids[0]
    await world.senior.made(f"/handoffs/{first}/claim")
    for number in range(3):
        await world.senior.made(f"/ai-sessions/{session}/steps", {"kind": "note", "content": f"Note {number}"})

    assert [[ids[1], ids[3]], [ids[4], ids[2]]] == await _pages(world.senior, "/handoffs/queue?", 2)
    assert [[h["session_id"] for h in handoffs[:2:-1]], [h["session_id"] for h in handoffs[2:0:-1]], [session]] == await _pages(
        world.viewer, "/ai-sessions?", 2
    )
    assert [2, 2, 2] == [len(page) for page in await _pages(world.viewer, f"/ai-sessions/{session}/timeline?", 2)]
    assert [3, 1] == [len(page) for page in await _pages(world.viewer, f"/handoffs/{first}/changes?", 3)]
    deliveries = await _pages(world.viewer, f"/handoffs/{first}/deliveries?", 2)
    assert ([2, 1], 3) == ([len(page) for page in deliveries], len({one for page in deliveries for one in page}))


async def test_a_page_has_fifty_unless_told_otherwise(world: World) -> None:
    for _ in range(51):
        await world.junior.session()

    page = await world.junior.seen("/ai-sessions")

    assert (50, True) == (len(page["items"]), page["next_cursor"] is not None)


@pytest.mark.parametrize("limit", ["0", "201", "-1"])
async def test_a_limit_out_of_bounds_is_refused(world: World, limit: str) -> None:
    answer = await world.junior.get(f"/ai-sessions?limit={limit}")

    assert (422, "validation_failed", "/limit") == (answer.status_code, answer.json()["code"], answer.json()["errors"][0]["pointer"])


@pytest.mark.parametrize(
    ("query", "status", "code", "pointer"),
    [
        ("limit=many", 400, "malformed", "/limit"),
        ("limit=1&limit=2", 400, "malformed", "/limit"),
        ("status=asleep", 422, "validation_failed", "/status"),
        ("assignee=you", 422, "validation_failed", "/assignee"),
        ("account_id=1", 400, "unknown_field", "/account_id"),
        ("account_id=", 400, "unknown_field", "/account_id"),
        ("status=%ff", 400, "malformed", ""),
        ("cursor=%00", 400, "invalid_cursor", "/cursor"),
        ("cursor=x", 400, "invalid_cursor", "/cursor"),
        ("cursor=" + "A" * 400, 400, "invalid_cursor", "/cursor"),
        ("&".join(f"a{number}=1" for number in range(30)), 400, "malformed", ""),
    ],
)
async def test_a_query_that_cannot_be_used_is_refused(world: World, query: str, status: int, code: str, pointer: str) -> None:
    """A28: no query names an account."""
    answer = await world.junior.get(f"/ai-sessions?{query}")

    assert (status, code) == (answer.status_code, answer.json()["code"])
    assert pointer == answer.json()["errors"][0]["pointer"]


@pytest.mark.parametrize("query", ["team_id=network", "user_id=me", "priority=sudden", "team_id=%00"])
async def test_a_queue_filter_that_is_none_is_refused(world: World, query: str) -> None:
    answer = await world.junior.get(f"/handoffs/queue?{query}")

    assert answer.status_code in (400, 422)
    assert f"/{query.partition('=')[0]}" == answer.json()["errors"][0]["pointer"]


@pytest.mark.parametrize("position", ["a", "ab", "abc"])
def test_a_cursor_has_one_spelling(position: str) -> None:
    """A30: not even in bits that its last character leaves unused, whatever the length."""
    cursors, account_id = Cursors([SECRET_KEY]), new_id()
    cursor = cursors.make(account_id, "queue", position)

    assert position == cursors.read(cursor, account_id, "queue", str)
    for other in (*(cursor[:-1] + last for last in ascii_letters + digits + "-_" if last != cursor[-1]), f"{cursor}!", f"{cursor}="):
        with pytest.raises(Refused):
            cursors.read(other, account_id, "queue", str)


async def test_a_cursor_fits_its_own_list_and_filter_and_account_alone(world: World) -> None:
    """A30: another account's cursor, another list's, another filter's and one with a bit changed are refused alike."""
    for _ in range(3):
        await world.junior.escalation()
        await world.rival.escalation()
    cursor = (await world.junior.seen("/handoffs/queue?limit=1"))["next_cursor"]
    tampered = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")

    refused = [
        await world.rival.get(f"/handoffs/queue?cursor={cursor}"),
        await world.junior.get(f"/handoffs/queue?cursor={cursor}&priority=normal"),
        await world.junior.get(f"/ai-sessions?cursor={cursor}"),
        await world.junior.get(f"/handoffs/queue?cursor={tampered}"),
    ]

    assert [(400, "invalid_cursor")] * 4 == [(answer.status_code, answer.json()["code"]) for answer in refused]
    assert 1 == len({answer.content for answer in refused})
    assert 200 == (await world.senior.get(f"/handoffs/queue?cursor={cursor}")).status_code
