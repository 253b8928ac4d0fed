"""Requests that cannot be used: each has a clear answer, and changes nothing."""

import json
from collections.abc import AsyncIterator

import pytest

from tests.support.http import World

pytestmark = pytest.mark.anyio

UUID = "01998c2e-7a10-7000-8000-000000000001"
START = {"title": "No mail", "problem": "Nothing arrives"}


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"",
        b'{"title": "x", "problem": NaN}',
        b'{"title": "x"} {"title": "x"}',
        b'{"title": "\xff", "problem": "x"}',
        b'{"title": "\xed\xa0\x80", "problem": "x"}',
        b"\xef\xbb\xbf{}",
        b"title=x",
        b"[" * 100_000,
        b'{"title": ' + b"[" * 100_000,
        b"null",
        b"[]",
        b'"x"',
    ],
)
async def test_what_is_no_json_object_is_malformed(world: World, raw: bytes) -> None:
    answer = await world.junior.send("POST", "/ai-sessions", raw)

    assert (400, "malformed", "application/problem+json") == (
        answer.status_code,
        answer.json()["code"],
        answer.headers["content-type"],
    )


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "9000-01-01T00:00:00Z"])
async def test_a_time_at_an_end_of_the_calendar_is_refused(world: World, at: str) -> None:
    """P10: nothing can be reckoned from there."""
    step = {"after_seconds": 60, "whom": [{"kind": "on_duty"}], "repeats": 100, "every_seconds": 2_592_000}
    session = await world.junior.made("/ai-sessions", START)

    previewed = await world.owner.post("/escalation-policy/preview", {"at": at, "steps": [step], "due_seconds": {"normal": 60}})
    parked = await world.junior.post(f"/ai-sessions/{session['id']}/handoff", {"intent": "park", "reason": "later", "wake_at": at})

    assert [(422, "/at"), (422, "/wake_at")] == [
        (answer.status_code, answer.json()["errors"][0]["pointer"]) for answer in (previewed, parked)
    ]


@pytest.mark.parametrize(
    "url", ["http://[::1", "http://h:abc/", "http://xn--i-7iq.ws", "https://xn--/", "https://[::1%25eth0]/", "https://a b/", "//h/", "h"]
)
async def test_an_address_that_is_none_is_refused_as_it_is_entered(world: World, url: str) -> None:
    """P3: wherever an account enters one, by one rule and in its words."""
    connection = {"system": "memory", "name": "Help desk", "base_url": "https://psa.example", "credentials": {"key": "good"}}
    made = await world.owner.made("/psa-connections", connection)
    hook = await world.owner.made("/webhooks", {"url": "https://hooks.example/x", "name": "Chat", "kinds": ["handoff.escalated"]})
    path = f"/webhooks/{hook['webhook']['id'] if 'webhook' in hook else hook['id']}"

    refused = {
        "/webhooks": await world.owner.post("/webhooks", {"url": url, "name": "Chat", "kinds": ["handoff.escalated"]}),
        path: await world.owner.patch(path, {"url": url}),
        "/psa-connections": await world.rival_owner.post("/psa-connections", {**connection, "base_url": url}),
        f"/psa-connections/{made['id']}": await world.owner.patch(f"/psa-connections/{made['id']}", {"base_url": url}),
        "/identity-providers": await world.owner.post("/identity-providers", {"name": "Login", "issuer": url, "client_id": "x"}),
    }

    told = {where: (answer.status_code, answer.json()["errors"][0]["detail"][:18]) for where, answer in refused.items()}
    assert dict.fromkeys(refused, (422, "must be an address")) == told


@pytest.mark.parametrize(
    ("changed", "status", "code", "pointer"),
    [
        ({"title": 1}, 400, "malformed", "/title"),
        ({"title": None}, 400, "malformed", "/title"),
        ({"ticket": []}, 400, "malformed", "/ticket"),
        ({"ticket": {"system": "halopsa"}}, 400, "malformed", "/ticket/id"),
        ({"ticket": {"system": 1, "id": "1"}}, 400, "malformed", "/ticket/system"),
        ({"team_id": "network"}, 400, "malformed", "/team_id"),
        ({"team_id": 7}, 400, "malformed", "/team_id"),
        ({"priority": 7}, 400, "malformed", "/priority"),
        ({"colour": "red"}, 400, "unknown_field", "/colour"),
        ({"a/b~c": 1}, 400, "unknown_field", "/a~1b~0c"),
        ({"ticket": {"system": "s", "id": "1", "url": "x"}}, 400, "unknown_field", "/ticket/url"),
        ({"priority": "sudden"}, 422, "validation_failed", "/priority"),
        ({"title": ""}, 422, "validation_failed", "/title"),
        ({"title": " \t\n"}, 422, "validation_failed", "/title"),
        ({"title": "x" * 201}, 422, "validation_failed", "/title"),
        ({"problem": "x" * 20_001}, 422, "validation_failed", "/problem"),
        ({"client_name": "\0"}, 422, "validation_failed", "/client_name"),
        ({"problem": "a\0b"}, 422, "validation_failed", "/problem"),
        ({"problem": "a\ud800b"}, 422, "validation_failed", "/problem"),
        ({"ticket": {"system": "s", "id": "\udfff"}}, 422, "validation_failed", "/ticket/id"),
        ({"ticket": {"system": " ", "id": "1"}}, 422, "validation_failed", "/ticket/system"),
    ],
)
async def test_a_value_that_cannot_be_is_pointed_at(world: World, changed: dict[str, object], status: int, code: str, pointer: str) -> None:
    answer = await world.junior.send("POST", "/ai-sessions", json.dumps({**START, **changed}).encode())

    assert (status, code, pointer) == (answer.status_code, answer.json()["code"], answer.json()["errors"][0]["pointer"])
    assert [] == (await world.junior.seen("/ai-sessions"))["items"]


async def test_a_value_under_a_name_of_the_senders_own_is_pointed_at_by_the_field(world: World) -> None:
    refused = await world.junior.post("/ai-sessions", {"title": "x", "problem": "x", "parameters": {"host": None}})

    assert (400, "/parameters") == (refused.status_code, refused.json()["errors"][0]["pointer"])


async def test_a_name_that_is_a_lone_surrogate_is_malformed(world: World) -> None:
    answer = await world.junior.send("POST", "/ai-sessions", b'{"\\ud800": "\\ud800"}')

    assert (400, "malformed") == (answer.status_code, answer.json()["code"])


async def test_what_a_bad_enumeration_may_be_is_said(world: World) -> None:
    answer = await world.junior.post("/ai-sessions", {**START, "priority": "sudden"})

    assert "must be one of low, normal, high, urgent" == answer.json()["errors"][0]["detail"]


async def test_a_body_of_two_megabytes_is_refused_however_it_is_sent(world: World) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(32):
            yield b" " * 65_536

    whole = await world.junior.send("POST", "/ai-sessions", b" " * 2_000_000)
    chunked = await world.junior.client.post("/ai-sessions", content=chunks(), headers={"content-type": "application/json"})

    assert [(413, "body_too_large")] * 2 == [(answer.status_code, answer.json()["code"]) for answer in (whole, chunked)]


async def test_evidence_of_256_kib_is_taken_and_no_more(world: World) -> None:
    session = await world.junior.session()
    path = f"/ai-sessions/{session['id']}/steps"

    most = await world.junior.post(path, {"kind": "note", "content": "Log", "evidence": "ü" * (128 * 1024)})
    more = await world.junior.post(path, {"kind": "note", "content": "Log", "evidence": "ü" * (128 * 1024) + "u"})

    assert (201, 422) == (most.status_code, more.status_code)
    assert "/evidence" == more.json()["errors"][0]["pointer"]


@pytest.mark.parametrize("count", [1, 9])
async def test_a_fork_has_two_to_eight_options(world: World, count: int) -> None:
    session = await world.junior.session()
    at = f"/ai-sessions/{session['id']}"
    step = await world.junior.made(f"{at}/steps", {"kind": "note", "content": "Here"})
    options = [{"label": f"{number}", "hypothesis": "Maybe"} for number in range(count)]

    answer = await world.junior.post(f"{at}/forks", {"at_step_id": step["id"], "reason": "Why", "options": options})

    assert (422, "/options") == (answer.status_code, answer.json()["errors"][0]["pointer"])


async def test_a_bad_option_is_pointed_at_by_its_place(world: World) -> None:
    session = await world.junior.session()
    at = f"/ai-sessions/{session['id']}"
    step = await world.junior.made(f"{at}/steps", {"kind": "note", "content": "Here"})
    good = {"label": "Disk", "hypothesis": "Full"}

    wrong_type = await world.junior.post(
        f"{at}/forks", {"at_step_id": step["id"], "reason": "Why", "options": [good, {**good, "label": 1}]}
    )
    blank = await world.junior.post(f"{at}/forks", {"at_step_id": step["id"], "reason": "Why", "options": [good, {**good, "label": " "}]})

    assert [(400, "/options/1/label"), (422, "/options/1/label")] == [
        (answer.status_code, answer.json()["errors"][0]["pointer"]) for answer in (wrong_type, blank)
    ]


@pytest.mark.parametrize("name", ["nonsense", "%00", "%ED%A0%80", f"{{{UUID}}}", UUID.replace("-", ""), f"urn:uuid:{UUID}", UUID + "%0A"])
async def test_a_path_that_names_no_id_is_not_found(world: World, name: str) -> None:
    answers = [await world.junior.get(f"/ai-sessions/{name}"), await world.junior.post(f"/handoffs/{name}/claim")]

    assert [(404, "not_found")] * 2 == [(answer.status_code, answer.json()["code"]) for answer in answers]


@pytest.mark.parametrize(
    "media_type",
    ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", "multipart/form-data; boundary=x"],
)
async def test_a_body_of_another_media_type_is_refused(world: World, media_type: str) -> None:
    answer = await world.junior.client.post("/ai-sessions", content=json.dumps(START), headers={"content-type": media_type})

    assert (415, "unsupported_media_type") == (answer.status_code, answer.json()["code"])


@pytest.mark.parametrize(
    "media_type", ["application/json", "application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"', "application/vnd.x+json"]
)
async def test_a_body_of_json_by_another_name_is_taken(world: World, media_type: str) -> None:
    answer = await world.junior.client.post("/ai-sessions", content=json.dumps(START), headers={"content-type": media_type})

    assert 201 == answer.status_code


async def test_a_move_that_says_all_in_its_address_needs_no_body_and_takes_no_field(world: World) -> None:
    handoff = await world.junior.escalation()
    path = f"/handoffs/{handoff['id']}/claim"

    refused = await world.senior.post(path, {"claimed_by": world.rival.id})
    taken = await world.senior.client.post(path)

    assert (400, "unknown_field", "/claimed_by") == (refused.status_code, refused.json()["code"], refused.json()["errors"][0]["pointer"])
    assert 200 == taken.status_code


@pytest.mark.parametrize("value", ["1", 'W/"1"', '"0"', '"-1"', '"one"', '""', '"1", "2"', '"' + "9" * 30 + '"', "\xff"])
async def test_an_if_match_that_is_no_version_is_malformed(world: World, value: str) -> None:
    session = await world.junior.session()

    answer = await world.junior.post(f"/ai-sessions/{session['id']}/resolve", {"summary": "Done"}, if_match=value)

    assert (400, "malformed") == (answer.status_code, answer.json()["code"])


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "clé"])
async def test_an_idempotency_key_that_is_none_is_malformed(world: World, key: str) -> None:
    answer = await world.junior.client.post("/ai-sessions", json=START, headers=[(b"idempotency-key", key.encode("latin-1"))])

    assert (400, "malformed") == (answer.status_code, answer.json()["code"])
    assert [] == (await world.junior.seen("/ai-sessions"))["items"]


async def test_an_id_in_a_body_that_names_nothing_here_is_not_found(world: World) -> None:
    """A28: another account's team or person is as unknown as one that never was."""
    theirs = await world.flowpilot.accounts.add_team(world.rival.account_id, "Theirs")
    session = await world.junior.session()
    at = f"/ai-sessions/{session['id']}"
    escalate = {"intent": "escalate", "reason": "Stuck"}

    answers = [
        [await world.junior.post("/ai-sessions", {**START, "team_id": team}) for team in (str(theirs.id), UUID)],
        [await world.junior.post(f"{at}/handoff", {**escalate, "team_id": team}) for team in (str(theirs.id), UUID)],
        [await world.junior.post(f"{at}/handoff", {**escalate, "user_id": user}) for user in (world.rival.id, UUID)],
        [await world.junior.post(f"{at}/reassign", {"user_id": user}) for user in (world.rival.id, UUID)],
        [await world.junior.post(f"{at}/active-branch", {"branch_id": UUID})],
        [await world.junior.post(f"{at}/steps", {"kind": "note", "content": "x", "branch_id": UUID})],
        [await world.junior.post(f"{at}/forks", {"at_step_id": UUID, "reason": "x", "options": [{"label": "a", "hypothesis": "b"}] * 2})],
    ]

    assert [{404}] * len(answers) == [{answer.status_code for answer in pair} for pair in answers]
    assert [1] * len(answers) == [len({answer.content for answer in pair}) for pair in answers]
    assert session == await world.junior.seen(at)


async def test_a_method_that_an_address_does_not_take_is_told_which_it_does(world: World) -> None:
    answer = await world.junior.client.delete("/ai-sessions")

    assert (405, "method_not_allowed") == (answer.status_code, answer.json()["code"])
    assert {"GET", "POST"} <= {*answer.headers["allow"].split(", ")}


async def test_an_address_that_is_none_is_not_found(world: World) -> None:
    answer = await world.junior.get("/nothing-here")

    assert (404, "not_found") == (answer.status_code, answer.json()["code"])
