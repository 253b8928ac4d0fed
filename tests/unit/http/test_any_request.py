"""Whatever is sent to whatever route, the answer is one that the contract knows."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar.routes import HTTPRoute

from flowpilot_http.operations import Operation
from flowpilot_http.problems import TITLES
from tests.support.http import World, a_world
from tests.support.routes import filled, things_of

Route = tuple[str, str, Operation]


class _Loop:
    """A world and the event loop it lives on: Hypothesis knows no other way to wait."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.world: World = self.runner.run(a_world())
        self.things: Mapping[str, str] = self.runner.run(self._things())
        self.token: str = self.runner.run(self._token())

    async def _things(self) -> Mapping[str, str]:
        things = await things_of(self.world.junior, self.world.senior, self.world.owner)
        # Whoever is deactivated on the way is nobody who asks.
        return {**things, "user_id": self.world.senior.id}

    async def _token(self) -> str:
        made = await self.world.owner.made(f"/psa-connections/{self.things['connection_id']}/webhook")
        return str(made["url"].rpartition("/")[2])

    def routes(self) -> Iterator[Route]:
        for route in self.world.app.app.routes:
            assert isinstance(route, HTTPRoute)
            for handler in route.route_handlers:
                if operation := handler.opt.get("operation"):
                    for method in handler.http_methods:
                        yield str(method), route.path, operation


@pytest.fixture(scope="module")
def loop() -> Iterator[_Loop]:
    loop = _Loop()
    with loop.runner:
        yield loop


_TEXT = st.text(st.characters(codec=None), max_size=8) | st.sampled_from(
    ["", " ", "\0", "\ud800", "x" * 20_001, "me", "urgent", "park", "worked"]
)
_PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _TEXT | st.uuids().map(str)
_ANY = st.recursive(_PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3), max_leaves=8)


@st.composite
def _bodies(draw: st.DrawFn, operation: Operation) -> Any:
    """Anything at all, or what the route takes with members that are anything."""
    names = [] if operation.body is None else [field.name for field in msgspec.structs.fields(operation.body)]
    members = st.fixed_dictionaries({}, optional=dict.fromkeys(names, _ANY)) if names else st.just({})
    return draw(members | _ANY)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_request_is_answered_with_what_the_contract_does_not_know(loop: _Loop, data: st.DataObject) -> None:
    method, template, operation = data.draw(st.sampled_from(sorted(loop.routes(), key=lambda route: route[:2])))
    who = data.draw(st.sampled_from([loop.world.owner, loop.world.junior, loop.world.viewer, loop.world.rival]))
    path = filled(template, {**loop.things, "token": loop.token})
    query = data.draw(
        st.dictionaries(
            st.sampled_from(["limit", "cursor", "status", "verify", "priority", "x"]),
            _TEXT.filter(lambda text: len(text) < 1000) | st.just("2"),
            max_size=2,
        )
    )
    headers = data.draw(
        st.fixed_dictionaries(
            {}, optional={"If-Match": st.sampled_from(['"1"', '"2"', "*", "x"]), "Idempotency-Key": st.sampled_from(["a", "b", ""])}
        )
    )
    body = data.draw(_bodies(operation))
    raw = b"" if method == "GET" else _json(body)
    encoded = {name: value.encode("utf-8", "surrogatepass") for name, value in query.items()}

    async def ask() -> Any:
        request = who.client.build_request(method, path, content=raw, headers={"content-type": "application/json", **headers})
        request.url = request.url.copy_with(query="&".join(f"{name}={_quoted(value)}" for name, value in encoded.items()).encode())
        return await who.client.send(request)

    answer = loop.runner.run(ask())

    if answer.status_code < 400:
        assert answer.status_code in (operation.status, 200, 304)
    else:
        problem = answer.json()
        assert (answer.status_code, problem["code"]) in {(TITLES[code][0], code) for code in operation.problems}, answer.text
        assert ("errors" in problem) is (answer.status_code in (400, 422))


def test_ids_of_this_world_are_ids(loop: _Loop) -> None:
    assert {7} == {UUID(value).version for value in loop.things.values()}


def _json(value: Any) -> bytes:
    """As another program might write it, lone surrogates escaped."""
    return json.dumps(value).encode()


def _quoted(value: bytes) -> str:
    return "".join(f"%{byte:02X}" for byte in value)
