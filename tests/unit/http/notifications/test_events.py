"""`GET /events`: who hears what, where a stream goes on, and when it ends."""

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial

import pytest
from attrs import evolve
from litestar.types import HTTPReceiveMessage as Receives
from litestar.types import Message

from flowpilot_core.application.notifications import push
from flowpilot_core.application.notifications.push import Ended
from flowpilot_http.api_request import Call
from flowpilot_http.cursors import Cursors
from flowpilot_http.metrics import Metrics
from flowpilot_http.sending import HANG_UP
from flowpilot_http.sse import PATIENCE, EventIds, Streamed
from tests.support.browser import Browser
from tests.support.http import Somebody, a_world
from tests.support.listening import Heard, Pushing, pushing

pytestmark = pytest.mark.anyio


@pytest.fixture
async def office(anyio_backend: str) -> AsyncIterator[Pushing]:
    async with pushing() as running:
        yield running


def _kinds(heard: list[Heard]) -> list[str]:
    return [one.kind for one in heard]


async def _moved(who: Somebody, path: str, **body: object) -> None:
    await who.made(path, body)


async def test_colleagues_hear_of_a_handoff_as_it_goes_on(office: Pushing) -> None:
    junior, senior = office.world.junior, office.world.senior
    stream = await office.listen(senior)
    handoff = await junior.escalation()
    await _moved(senior, f"/handoffs/{handoff['id']}/reroute", priority="urgent")
    await _moved(senior, f"/handoffs/{handoff['id']}/claim")
    await _moved(senior, f"/handoffs/{handoff['id']}/unclaim")
    await _moved(junior, f"/handoffs/{handoff['id']}/withdraw")
    await _moved(junior, f"/ai-sessions/{handoff['session_id']}/resolve", summary="It was the cable")
    await _moved(senior, f"/ai-sessions/{handoff['session_id']}/reopen", reason="It was not")

    heard = await stream.some(7)

    about = {"session_id": handoff["session_id"], "handoff_id": handoff["id"]}
    assert [
        ("handoff.escalated", junior.by),
        ("handoff.rerouted", senior.by),
        ("handoff.claimed", senior.by),
        ("handoff.unclaimed", senior.by),
        ("handoff.withdrawn", junior.by),
        ("session.resolved", junior.by),
        ("session.reopened", senior.by),
    ] == [(one.kind, one.data["by"]) for one in heard]
    assert [about] * 5 == [{name: one.data[name] for name in about} for one in heard[:5]]
    assert {"session_id", "by", "at"} == set(heard[5].data)
    assert handoff["escalated_at"] == heard[0].data["at"]
    assert 7 == len({one.id for one in heard})


async def test_a_stream_is_one_that_proxies_pass_on_at_once(office: Pushing) -> None:
    stream = await office.listen(office.world.viewer)

    assert (200, "text/event-stream", "private, no-store", "no", "nosniff") == (
        stream.status,
        *(stream.headers[name] for name in ("content-type", "cache-control", "x-accel-buffering", "x-content-type-options")),
    )


async def test_whoever_comes_back_hears_what_they_missed_once(office: Pushing) -> None:
    world = office.world
    stream = await office.listen(world.senior)
    first = await world.junior.escalation()
    await _moved(world.senior, f"/handoffs/{first['id']}/claim")
    (escalated, _) = await stream.some(2)
    stream.hang_up()
    await world.junior.escalation()

    by_header = await office.listen(world.senior, last_event_id=escalated.id)
    by_query = await office.listen(world.senior, path=f"/events?last_event_id={escalated.id}")
    missed = await by_header.some(2)
    await world.junior.escalation()

    assert ["handoff.claimed", "handoff.escalated"] == _kinds(missed)
    assert missed == await by_query.some(2)
    assert _kinds(await by_query.some(1)) == _kinds(await by_header.some(1)) == ["handoff.escalated"]


async def test_whoever_comes_new_hears_only_what_comes_then(office: Pushing) -> None:
    await office.world.junior.escalation()
    stream = await office.listen(office.world.senior)
    second = await office.world.junior.escalation()

    (heard,) = await stream.some(1)

    assert second["id"] == heard.data["handoff_id"]


@pytest.mark.parametrize("resume", ["another's", "changed", "of a key that is gone", "garbage", "../..", "7", "\xff", "x" * 4_000])
async def test_whoever_comes_back_from_a_place_that_is_none_of_this_account_is_told_to_look(office: Pushing, resume: str) -> None:
    """P14, A33: an id of another account, or one that somebody made up, neither leaks nor skips anything without a word."""
    world = office.world
    theirs = await office.listen(world.rival)
    await world.rival.escalation()
    await world.junior.escalation()
    (heard,) = await theirs.some(1)
    last = {"another's": heard.id, "changed": heard.id[:-1] + ("A" if heard.id[-1] != "A" else "B")}.get(resume, resume)
    if resume == "of a key that is gone":
        last = EventIds(Cursors([b"another key"])).make(world.senior.account_id, 1)

    stream = await office.listen(world.senior, last_event_id=last)
    handoff = await world.junior.escalation()
    resync, heard = await stream.some(2)
    again = await office.listen(world.senior, last_event_id=resync.id)

    assert ("resync", handoff["id"]) == (resync.kind, heard.data["handoff_id"])
    assert [heard] == await again.some(1)


async def test_a_client_of_http_1_0_is_told_without_chunks(office: Pushing) -> None:
    """P16: what it reads is the stream and nothing else, until the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", office.port)
    writer.write(f"GET /events HTTP/1.0\r\nAuthorization: Bearer {office.world.senior.token}\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    welcome = await reader.readuntil(b"\n\n")
    await office.world.junior.escalation()
    event = await reader.readuntil(b"\n\n")
    office.stop.set()
    rest = await reader.read()
    writer.close()

    assert (True, False) == (b"connection: close" in head, b"transfer-encoding" in head)
    assert (b": welcome\n\n", True) == (welcome, event.startswith(b"event: handoff.escalated\nid: "))
    assert (True, True) == (rest.startswith(b"retry: "), rest.endswith(b"\n\n"))


async def test_a_client_of_http_1_0_is_answered_like_any_other(office: Pushing) -> None:
    """P16."""
    reader, writer = await asyncio.open_connection("127.0.0.1", office.port)
    writer.write(b"GET /health/live HTTP/1.0\r\n\r\n")
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()

    assert (True, True, False) == (b" 200 " in head, f"content-length: {len(body)}".encode() in head.lower(), b"chunked" in head.lower())


async def test_nobody_hears_of_another_account(office: Pushing) -> None:
    """A33: a canary in each account, and many streams of both."""
    world = office.world
    ours = [await office.listen(who) for who in (world.owner, world.admin, world.senior, world.viewer) for _ in range(10)]
    theirs = [await office.listen(who) for who in (world.rival, world.rival_owner) for _ in range(10)]
    own, foreign = await world.junior.escalation(), await world.rival.escalation()
    await _moved(world.senior, f"/handoffs/{own['id']}/claim")
    await _moved(world.rival_owner, f"/handoffs/{foreign['id']}/claim")

    for streams, handoff in ((ours, own), (theirs, foreign)):
        for stream in streams:
            assert {handoff["id"]} == {one.data["handoff_id"] for one in await stream.some(2)}


async def test_a_park_is_told_to_who_may_read_it_alone(office: Pushing) -> None:
    """A33: and so is what happens to it, and who gets it later."""
    world = office.world
    streams = {who.user.name: await office.listen(who) for who in (world.owner, world.admin, world.junior, world.senior, world.viewer)}
    session = await world.junior.session()
    path = f"/ai-sessions/{session['id']}"
    await _moved(world.junior, f"{path}/handoff", intent="park", reason="Waits for a part")
    await _moved(world.junior, f"{path}/resume")
    await _moved(world.junior, f"{path}/handoff", intent="park", reason="Waits again")
    await _moved(world.junior, f"{path}/reassign", user_id=world.senior.id)
    await _moved(world.senior, f"{path}/resume")
    await _moved(world.senior, f"{path}/resolve", summary="It came")
    private = ["session.parked", "session.resumed", "session.parked", "session.reassigned", "session.resumed"]
    expected = {
        "Olga": [*private, "session.resolved"],
        "Adam": [*private, "session.resolved"],
        "Jo": [*private, "session.resolved"],
        # He was given it at the end.
        "Sam": ["session.reassigned", "session.resumed", "session.resolved"],
        "Vera": ["session.resolved"],
    }

    assert expected == {name: _kinds(await streams[name].some(len(kinds))) for name, kinds in expected.items()}


async def test_on_coming_back_a_park_is_as_private_as_it_was(office: Pushing) -> None:
    """A33"""
    world = office.world
    stream = await office.listen(world.viewer)
    await world.junior.escalation()
    (before,) = await stream.some(1)
    session = await world.junior.session()
    await _moved(world.junior, f"/ai-sessions/{session['id']}/handoff", intent="park", reason="Waits for a part")
    await world.junior.escalation()

    again = await office.listen(world.viewer, last_event_id=before.id)

    assert ["handoff.escalated"] == _kinds(await again.some(1))


async def test_what_is_rolled_back_is_told_to_nobody(office: Pushing) -> None:
    world = office.world
    stream = await office.listen(world.senior)
    first = await world.junior.escalation()
    refused = await world.viewer.post(f"/handoffs/{first['id']}/claim")
    second = await world.junior.escalation()

    assert 403 == refused.status_code
    assert [first["id"], second["id"]] == [one.data["handoff_id"] for one in await stream.some(2)]


@pytest.mark.parametrize("kept", [1, 1_000])
async def test_who_missed_too_much_is_told_to_look_for_themselves(office: Pushing, monkeypatch: pytest.MonkeyPatch, kept: int) -> None:
    monkeypatch.setattr(push, "MOST_MISSED", 3)
    monkeypatch.setattr(push, "KEPT", kept)
    world = office.world
    stream = await office.listen(world.senior)
    await world.junior.escalation()
    (first,) = await stream.some(1)
    stays = await office.listen(world.senior)
    await world.junior.escalation()
    await world.junior.escalation()
    await stays.some(2)

    late = await office.listen(world.senior, last_event_id=first.id)
    (resync,) = await late.some(1)
    last = await world.junior.escalation()
    again = await office.listen(world.senior, last_event_id=resync.id)

    assert ("resync", {}) == (resync.kind, resync.data)
    assert [last["id"]] == [one.data["handoff_id"] for one in await late.some(1)]
    assert [last["id"]] == [one.data["handoff_id"] for one in await again.some(1)]


async def test_what_is_no_longer_at_hand_is_read_from_the_log(office: Pushing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push, "KEPT", 2)
    monkeypatch.setattr(push, "PAGE", 3)
    world = office.world
    stays = await office.listen(world.senior)
    handoffs = [await world.junior.escalation() for _ in range(8)]
    heard = await stays.some(8)

    again = await office.listen(world.viewer, last_event_id=heard[0].id)

    assert [one["id"] for one in handoffs] == [one.data["handoff_id"] for one in heard]
    assert heard[1:] == await again.some(7)


async def test_a_comment_says_now_and_then_that_all_is_well(office: Pushing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push, "LOOK", 0.001)
    stream = await office.listen(office.world.senior)

    assert ["welcome", "still here", "still here"] == [await stream.comment() for _ in range(3)]


def test_a_comment_comes_at_least_every_15_seconds() -> None:
    assert push.LOOK * push.BEAT < 15


async def test_a_stream_ends_with_the_right_to_it(office: Pushing) -> None:
    """A33"""
    world = office.world
    stream, other = await office.listen(world.admin), await office.listen(world.senior)
    await world.flowpilot.accounts.deactivate(world.admin.account_id, world.admin.user.id)

    assert [] == await stream.rest()
    assert 401 == (await office.listen(world.admin)).status
    await world.junior.escalation()
    assert ["handoff.escalated"] == _kinds(await other.some(1))


async def test_the_streams_of_a_token_end_with_it_and_its_persons_others_go_on(office: Pushing) -> None:
    """A33"""
    world = office.world
    made = await world.senior.made("/tokens", {"name": "a wall"})
    other = await office.listen(world.senior)
    script = evolve(world.senior, token=made["token"])
    stream = await office.listen(script)
    assert 204 == (await world.senior.client.delete(f"/tokens/{made['id']}")).status_code

    assert [] == await stream.rest()
    assert 401 == (await office.listen(script)).status
    await world.junior.escalation()
    assert ["handoff.escalated"] == _kinds(await other.some(1))


async def test_the_stream_of_a_page_ends_when_its_browser_signs_out(office: Pushing) -> None:
    """A33"""
    world = office.world
    browser = Browser(world.app)
    await browser.open(f"/sign-in-link/{await world.flowpilot.signing_in.link(world.senior.account_id, world.senior.user.id)}")
    await browser.send()
    cookie = "; ".join(f"{name}={value}" for name, value in browser.client.cookies.items())
    stream = await office.listen(None, cookie=cookie)
    handoff = await world.junior.escalation()
    (heard,) = await stream.some(1)
    await browser.send("/sign-out")

    assert handoff["id"] == heard.data["handoff_id"]
    assert [] == await stream.rest()
    assert 401 == (await office.listen(None, cookie=cookie)).status


async def test_while_a_stream_is_open_its_request_takes_no_memory(office: Pushing) -> None:
    stream = await office.listen(office.world.senior)
    assert "welcome" == await stream.comment()
    gc.collect()

    held = [one for one in gc.get_objects() if isinstance(one, Call)]

    assert [] == held
    assert 1 == len(office.push.streams)


async def test_open_streams_are_counted() -> None:
    async with pushing(metrics=Metrics()) as office:
        await office.listen(office.world.senior)
        await office.listen(office.world.rival)

        assert "flowpilot_streams 2.0" in (await office.world.nobody.get("/metrics")).text


def test_whoever_is_signed_out_is_looked_for_twice_a_second() -> None:
    """A33: closed within one second."""
    assert push.LOOK <= 0.5


async def test_nobody_has_more_streams_than_one_person_may() -> None:
    """A54: they are told what to do, and have one more as soon as one has ended."""
    async with pushing(most_of_person=2) as office:
        world = office.world
        first, second, third = [await office.listen(world.senior) for _ in range(3)]
        another = await office.listen(world.junior)
        refused = await third.body()
        first.hang_up()
        await office.until(lambda: len(office.push.streams) < 3)
        now = await office.listen(world.senior)

    assert [200, 200, 429, 200, 200] == [one.status for one in (first, second, third, another, now)]
    assert ("rate_limited", "5") == (refused["code"], third.headers["retry-after"])
    assert "Close a page" in refused["detail"]


async def test_no_account_has_more_streams_than_its_share() -> None:
    """A54"""
    async with pushing(most_of_account=3) as office:
        world = office.world
        ours = [await office.listen(who) for who in (world.senior, world.senior, world.junior, world.owner)]
        theirs = await office.listen(world.rival)

        assert [200, 200, 200, 429, 200] == [one.status for one in (*ours, theirs)]
        assert "Your account has 3" in (await ours[-1].body())["detail"]


async def test_a_process_has_no_more_streams_than_it_can(office: Pushing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push, "MOST_STREAMS", 2)
    world = office.world

    assert [200, 200, 429] == [(await office.listen(who)).status for who in (world.senior, world.junior, world.rival)]


def test_twenty_streams_of_a_person_and_a_fifth_of_all_of_an_account_are_enough() -> None:
    """A54"""
    assert (20, 5) == (push.MOST_OF_PERSON, push.MOST_STREAMS // push.MOST_OF_ACCOUNT)


async def test_whoever_comes_wakes_nobody_and_what_happens_wakes_each_once(office: Pushing, monkeypatch: pytest.MonkeyPatch) -> None:
    """A54: opening a stream had every other one of the account look for news, and so did looking at the log twice a second."""
    woken: list[push.Stream] = []
    wake = push.Stream.wake

    def noted(stream: push.Stream) -> None:
        woken.append(stream)
        wake(stream)

    world = office.world
    # Signs of life wake a stream as well, each at a time of its own.
    monkeypatch.setattr(push.Stream, "look", lambda *_: None)
    streams = [await office.listen(world.senior) for _ in range(20)]
    monkeypatch.setattr(push.Stream, "wake", noted)
    streams += [await office.listen(world.viewer) for _ in range(20)]
    by_coming = len(woken)
    await world.junior.escalation()
    for stream in streams:
        await stream.some(1)

    assert 0 == by_coming
    assert {1} == set(Counter(woken).values())


async def test_whoever_has_a_stream_open_is_online_until_the_last_one_ends(office: Pushing) -> None:
    world = office.world
    nobody = await world.view(world.senior.account_id).online()
    first, second = await office.listen(world.senior), await office.listen(world.senior)
    other = await office.listen(world.viewer)
    await office.until_online(world.senior, world.viewer)
    other.hang_up()
    first.hang_up()
    await office.until_online(world.senior)
    second.hang_up()
    await office.until_online()

    assert frozenset() == nobody


async def test_a_head_tells_of_a_stream_and_opens_none(office: Pushing) -> None:
    answer = await office.world.senior.client.head("/events")

    assert (200, "text/event-stream") == (answer.status_code, answer.headers["content-type"])
    assert [] == office.push.streams


async def test_a_process_that_ends_sends_its_listeners_away_at_random_times(office: Pushing) -> None:
    """F50: within the grace, with when to come back; what happens meanwhile is told then."""
    world = office.world
    streams = [await office.listen(world.senior) for _ in range(20)]
    handoff = await world.junior.escalation()
    office.stop.set()

    heard = [await stream.rest() for stream in streams]

    assert {handoff["id"]} == {one.data["handoff_id"] for of_one in heard for one in of_one}
    assert {3_000} == {stream.retry for stream in streams}


async def test_a_process_that_has_ended_left_nobody_online() -> None:
    async with pushing() as office:
        world = office.world
        await office.listen(world.senior)
        await office.until_online(world.senior)

    assert frozenset() == await world.view(world.senior.account_id).online()


async def test_where_nothing_is_pushed_a_stream_is_refused() -> None:
    world = await a_world()

    answer = await world.senior.get("/events")

    assert (503, "unavailable") == (answer.status_code, answer.json()["code"])


async def test_a_client_that_reads_nothing_is_cut_off_and_costs_nobody_anything(office: Pushing) -> None:
    """F37: what it did not read is kept for nobody; whoever reads hears all, and so does the slow one once it comes back."""
    world = office.world
    quick = await office.listen(world.senior)
    await world.junior.escalation()
    (first,) = await quick.some(1)
    stream = await office.push.open(
        world.viewer.user.acting(world.viewer.account_id), credential=b"", signed_in=partial(world.flowpilot.accounts.authenticate, "")
    )
    hung_up: list[str] = []
    never = asyncio.Event()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            await never.wait()

    async def receive() -> Receives:
        await never.wait()
        raise AssertionError

    scope = {"extensions": {HANG_UP: {"now": lambda: hung_up.append("now")}}}
    slow = asyncio.create_task(Streamed(office.push, stream, patience=0.01)(scope, receive, send))  # type: ignore[arg-type]
    await world.junior.escalation()
    heard = await quick.some(1)
    await slow
    back = await office.listen(world.viewer, last_event_id=first.id)

    assert (["now"], Ended.CUT_OFF) == (hung_up, stream.ended)
    assert heard == await back.some(1)


async def test_a_client_that_reads_on_is_sent_news_without_a_timer_for_each(office: Pushing, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[float | None] = []
    timeout = asyncio.timeout

    def noted(delay: float | None) -> asyncio.Timeout:
        begun.append(delay)
        return timeout(delay)

    monkeypatch.setattr(asyncio, "timeout", noted)
    stream = await office.listen(office.world.senior)
    await office.world.junior.escalation()
    heard = await stream.some(1)

    assert ["handoff.escalated"] == _kinds(heard)
    assert PATIENCE not in begun


async def test_many_changes_of_a_session_are_told_as_one_and_the_last_is_never_lost(office: Pushing) -> None:
    junior, senior = office.world.junior, office.world.senior
    session = await junior.session()
    other = await junior.session()
    stream = await office.listen(senior)
    for content in ("Asked", "Looked", "Tried"):
        await _moved(junior, f"/ai-sessions/{session['id']}/steps", kind="note", content=content)
    await _moved(junior, f"/ai-sessions/{session['id']}/handoff", intent="escalate", reason="Stuck")
    await _moved(junior, f"/ai-sessions/{other['id']}/steps", kind="note", content="Elsewhere")

    heard = await stream.some(4)

    assert [
        ("session.changed", session["id"]),
        ("handoff.escalated", session["id"]),
        ("session.changed", other["id"]),
        ("session.changed", session["id"]),
    ] == [(one.kind, one.data["session_id"]) for one in heard]
    assert junior.by == heard[3].data["by"]


async def test_who_comes_back_hears_of_a_change_that_they_missed(office: Pushing) -> None:
    junior = office.world.junior
    session = await junior.session()
    stream = await office.listen(office.world.senior)
    await office.world.junior.escalation()
    (last,) = await stream.some(1)
    stream.hang_up()
    for content in ("Asked", "Looked"):
        await _moved(junior, f"/ai-sessions/{session['id']}/steps", kind="note", content=content)

    again = await office.listen(office.world.senior, last_event_id=last.id)
    (heard,) = await again.some(1)

    assert ("session.changed", session["id"]) == (heard.kind, heard.data["session_id"])
