"""P15: wherever a value is one of several, whoever gives another is told which."""

import importlib
import json
import pkgutil
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from flowpilot_http import schemas
from flowpilot_http.cli.mapping import LogProblem, read_mapping
from flowpilot_http.decoding import body
from flowpilot_http.problems import Refused
from flowpilot_http.schemas.kernel import Closed
from tests.support.http import World

STRANGE = "critical"


def closed_schemas() -> list[type[msgspec.Struct]]:
    """Every request that a client may send, and what is in them."""
    modules = [importlib.import_module(one.name) for one in pkgutil.walk_packages(schemas.__path__, f"{schemas.__name__}.")]
    found = {thing for module in modules for thing in vars(module).values() if isinstance(thing, type) and issubclass(thing, Closed)}
    return sorted(found, key=lambda one: one.__qualname__)


def fitting(kind: inspect.Type) -> Any:
    """Something that can be read as such."""
    match kind:
        case inspect.Metadata():
            return fitting(kind.type)
        case inspect.UnionType():
            return fitting(kind.types[0])
        case inspect.StructType():
            return {field.encode_name: fitting(field.type) for field in kind.fields if field.required}
        case inspect.ListType() | inspect.VarTupleType():
            return [fitting(kind.item_type)] * (kind.min_length or 0)
        case inspect.EnumType():
            return next(iter(kind.cls)).value
        case inspect.LiteralType():
            return kind.values[0]
        case inspect.IntType():
            return 1
        case inspect.UUIDType():
            return "01998c2e-7a10-7000-8000-000000000001"
        case inspect.DateType():
            return "2026-03-02"
        case inspect.DateTimeType():
            return "2026-03-02T12:00:00Z"
        case inspect.StrType(pattern=str()):
            return "09:00"
        case inspect.StrType():
            return "x"
        case inspect.BoolType():
            return True
        case _:
            return {}


def strange(kind: inspect.Type) -> Iterator[tuple[Any, str, list[str]]]:
    """The same with a value that is none of several in each place where there could be one: what, where, and which it may be."""
    match kind:
        case inspect.Metadata():
            yield from strange(kind.type)
        case inspect.UnionType():
            for one in kind.types:
                yield from strange(one)
        case inspect.EnumType():
            yield STRANGE, "", [member.value for member in kind.cls]
        case inspect.LiteralType() if all(isinstance(value, str) for value in kind.values):
            yield STRANGE, "", [str(value) for value in kind.values]
        case inspect.LiteralType():
            yield 4711, "", [str(value) for value in kind.values]
        case inspect.StructType():
            for field in kind.fields:
                for value, pointer, known in strange(field.type):
                    yield {**fitting(kind), field.encode_name: value}, f"/{field.encode_name}{pointer}", known
        case inspect.ListType():
            for value, pointer, known in strange(kind.item_type):
                yield [fitting(kind.item_type), value], f"/1{pointer}", known


CASES = [(schema, *case) for schema in closed_schemas() for case in strange(inspect.type_info(schema))]


@pytest.mark.parametrize(("schema", "request_", "pointer", "known"), CASES, ids=[f"{case[0].__name__}{case[2]}" for case in CASES])
def test_every_field_says_what_it_may_be(schema: type[msgspec.Struct], request_: Any, pointer: str, known: list[str]) -> None:
    """P15."""
    with pytest.raises(Refused) as refused:
        body(json.dumps(request_).encode(), schema)

    (where,) = refused.value.where
    assert ("validation_failed", pointer, f"must be one of {', '.join(known)}") == (refused.value.code, where.pointer, where.detail)


@pytest.mark.anyio
async def test_the_priority_of_a_session_is_one_of_four(world: World) -> None:
    """P15."""
    answer = await world.junior.post("/ai-sessions", {"title": "No mail", "problem": "x", "priority": STRANGE})

    assert (422, "must be one of low, normal, high, urgent") == (answer.status_code, answer.json()["errors"][0]["detail"])


@pytest.mark.anyio
async def test_so_is_what_is_said_in_a_query_and_in_the_settings_of_a_psa(world: World) -> None:
    """P15."""
    connection = {"system": "memory", "name": "Help desk", "base_url": "https://psa.example", "credentials": {"key": "good"}}
    asked = [
        await world.junior.get("/ai-sessions?status=solved"),
        await world.owner.post("/psa-connections", {**connection, "system": "jira"}),
        await world.owner.post("/psa-connections", {**connection, "settings": {"note": "secret"}}),
        await world.owner.post("/psa-connections", {**connection, "settings": {"notes": {"solved": True}}}),
        await world.owner.post("/psa-connections", {**connection, "settings": {"client_summary": "both"}}),
        await world.owner.post("/psa-connections", {**connection, "settings": {"ticket": {"solved": {}}}}),
    ]

    told = [answer.json()["errors"][0]["detail"] for answer in asked]
    assert [422] * 6 == [answer.status_code for answer in asked]
    assert ["must be one of "] * 6 == [one[:15] for one in told]


@pytest.mark.parametrize(
    ("changed", "known"),
    [
        ('[[rules]]\nmeans = "solved"', "queued, working, on_hold, done, cancelled, ignored - at `$.rules[0].means`"),
        ('[values.priority]\n"1" = "critical"\n[[rules]]\nmeans = "done"', "low, normal, high, urgent - at `$.values.priority[...]`"),
    ],
)
def test_a_mapping_file_is_told_what_a_value_may_be(tmp_path: Any, changed: str, known: str) -> None:
    """P15."""
    path = tmp_path / "mapping.toml"
    path.write_text(f'log = "x"\ncolumns = {{case = "a", time = "b", actor = "c"}}\n{changed}\n')

    with pytest.raises(LogProblem) as refused:
        read_mapping(path)

    assert str(refused.value).endswith(f"must be one of {known}")
