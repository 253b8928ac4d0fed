"""The OpenAPI document and the page made from it."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from litestar.routes import HTTPRoute

from flowpilot_http.openapi_examples import EXAMPLES
from flowpilot_http.operations import Operation
from flowpilot_http.problems import TITLES
from tests.support.http import World
from tests.support.routes import OPEN

pytestmark = pytest.mark.anyio


def _operations(world: World) -> Iterator[tuple[str, str, str, Operation]]:
    for route in world.app.app.routes:
        assert isinstance(route, HTTPRoute)
        for handler in route.route_handlers:
            if operation := handler.opt.get("operation"):
                for method in handler.http_methods:
                    yield re.sub(r":str}", "}", route.path), str(method).lower(), handler.fn.__name__, operation


async def test_every_route_is_described_with_its_answers_and_refusals(world: World) -> None:
    document = (await world.nobody.get("/openapi.json")).json()

    assert "3.1.0" == document["openapi"]
    for path, method, name, operation in _operations(world):
        told = document["paths"][path][method]
        assert (name, True) == (told["operationId"], bool(told["summary"]))
        statuses = {str(operation.status), *(str(TITLES[code][0]) for code in operation.problems), *map(str, operation.also)}
        assert statuses == told["responses"].keys()
        signed_in = path not in OPEN | {"/psa-webhooks/{token}", "/maintenance-schedules/calendar.ics"} and not path.startswith("/public/")
        assert ([{"token": []}, {"browser": []}] if signed_in else None) == told.get("security")
        assert re.findall(r"{(\w+)}", path) == [one["name"] for one in told.get("parameters", []) if one["in"] == "path"]
    assert {"http", "bearer"} <= {*document["components"]["securitySchemes"]["token"].values()}


async def test_times_are_said_to_be_times_and_choices_to_be_choices(world: World) -> None:
    schemas = (await world.nobody.get("/openapi.json")).json()["components"]["schemas"]

    assert ("date-time", {"escalate", "park"}) == (schemas["StepOut"]["properties"]["created_at"]["format"], {*schemas["Intent"]["enum"]})
    assert not any(schema["additionalProperties"] for schema in (schemas["NewStep"], schemas["Nothing"], schemas["TicketIn"]))


async def test_every_reference_in_the_document_leads_somewhere(world: World) -> None:
    document = (await world.nobody.get("/openapi.json")).json()

    def references(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            if "$ref" in value:
                yield value["$ref"]
            for inner in value.values():
                yield from references(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from references(inner)

    wanted = {reference.removeprefix("#/components/schemas/") for reference in references(document)}
    assert wanted
    assert wanted <= document["components"]["schemas"].keys()


async def test_every_example_is_what_its_route_takes_or_gives(world: World) -> None:
    shown = set()
    for _, method, name, operation in _operations(world):
        if operation.body is not None:
            shown.add(f"{name} request")
            msgspec.convert(EXAMPLES[f"{name} request"], operation.body)
        if operation.answer not in (str, bytes, None):
            shown.add(name)
            # A member that no schema knows is lost on the way, one that is missing is refused.
            converted = msgspec.convert(EXAMPLES[name], operation.answer, strict=False)
            assert EXAMPLES[name] == msgspec.json.decode(msgspec.json.encode(converted)), (method, name)

    assert shown == EXAMPLES.keys()


async def test_a_refusal_that_happens_is_one_that_is_documented(world: World) -> None:
    document = (await world.nobody.get("/openapi.json")).json()
    handoff = await world.junior.escalation()
    claim = document["paths"]["/handoffs/{handoff_id}/claim"]["post"]["responses"]

    own = await world.junior.post(f"/handoffs/{handoff['id']}/claim")

    assert own.json()["code"] in claim["409"]["content"]["application/problem+json"]["examples"]


async def test_the_plain_page_is_complete_in_itself(world: World) -> None:
    answer = await world.nobody.get("/docs/plain")

    assert (200, "text/html; charset=utf-8") == (answer.status_code, answer.headers["content-type"])
    assert not re.search(r"<script|<link|<img|\ssrc=|@import|url\(|=\s*[\"']?https?://", answer.text)
    assert "script-src" not in answer.headers["content-security-policy"]
    for known, _, name, _ in _operations(world):
        assert known in answer.text
        assert f'id="{name}"' in answer.text


async def test_the_plain_page_marks_code_and_breaks_no_name(world: World) -> None:
    text = (await world.nobody.get("/docs/plain")).text

    assert "<code>Authorization: Bearer</code>" in text
    assert "`" not in re.sub(r"<pre>.*?</pre>", "", text, flags=re.DOTALL)
    assert "<wbr>/handoffs<wbr>/{handoff_id}<wbr>/claim" in text
    assert "anywhere" not in text


async def test_the_page_to_try_the_api_on_loads_our_own_files_alone_and_runs_nothing_inline(world: World) -> None:
    answer = await world.nobody.get("/docs")
    policy = dict(rule.strip().partition(" ")[::2] for rule in answer.headers["content-security-policy"].split(";"))
    loaded = re.findall(r'(?:src|href)="(/static/[^"]+)"', answer.text)
    files = [await world.nobody.get(name) for name in loaded]

    assert (200, "text/html; charset=utf-8") == (answer.status_code, answer.headers["content-type"])
    assert ("'none'", "'self'", "'self'", "'self'") == tuple(
        policy[rule] for rule in ("default-src", "script-src", "style-src", "connect-src")
    )
    assert not re.search(r"<script>|<style|\son\w+=|\sstyle=|[\"']https?://", answer.text)
    assert [200] * 4 == [file.status_code for file in files]
    assert {"text/css; charset=utf-8", "text/javascript; charset=utf-8"} == {file.headers["content-type"] for file in files}
    assert 'href="/docs/plain"' in answer.text
    assert not [file for file in files if "css" in file.headers["content-type"] and re.search(r"url\((?![\"']?data:)|@import", file.text)]
