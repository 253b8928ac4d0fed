"""A number with nothing behind its point is an integer, as JSON Schema counts it."""

import json

import pytest

from tests.support.http import World

pytestmark = pytest.mark.anyio

SCRIPT = {"language": "bash", "body": "echo"}


def _script(timeout: str) -> bytes:
    return b'{"name": "Ping", "content": %s}' % json.dumps({**SCRIPT, "timeout_seconds": 0}).replace("0", timeout).encode()


@pytest.mark.parametrize("written", ["60.0", "6e1", "60.000"])
async def test_an_integer_may_be_written_with_a_point(world: World, written: str) -> None:
    made = await world.junior.send("POST", "/script-templates", _script(written))

    assert (201, "60") == (made.status_code, json.dumps(made.json()["content"]["timeout_seconds"]))


@pytest.mark.parametrize(
    ("written", "status", "code"),
    [("60.5", 400, "malformed"), ('"60.0"', 400, "malformed"), ("1e300", 422, "validation_failed"), ("0.0", 422, "validation_failed")],
)
async def test_what_is_no_integer_or_too_large_is_pointed_at_all_the_same(world: World, written: str, status: int, code: str) -> None:
    refused = await world.junior.send("POST", "/script-templates", _script(written))

    assert (status, code, "/content/timeout_seconds") == (
        refused.status_code,
        refused.json()["code"],
        refused.json()["errors"][0]["pointer"],
    )


async def test_json_that_breaks_off_behind_such_a_number_is_no_json(world: World) -> None:
    refused = [await world.junior.send("POST", "/script-templates", _script(f"60.0{rest}")) for rest in (", ", ', "x": ' + "[" * 100_000)]

    assert [(400, "The body is not JSON.")] * 2 == [(answer.status_code, answer.json()["detail"]) for answer in refused]


async def test_an_integer_in_a_file_may_be_written_with_a_point_as_well(world: World) -> None:
    script = {"id": "01998c2e-7a10-7000-8000-000000000001", "revision": 3.0}
    node = {"id": "ping", "kind": "script", "text": "Ping it", "script": script}
    file = json.dumps({"name": "Mail", "kind": "troubleshooting", "content": {"root": "ping", "nodes": [node]}})

    made = await world.junior.client.post("/trees/import", content=file, headers={"content-type": "application/yaml"})

    assert (201, "3") == (made.status_code, json.dumps(made.json()["content"]["nodes"][0]["script"]["revision"]))
