"""Names, wherever a request gives one: found in the bodies of all operations, and held to one rule."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from flowpilot_core.domain.kernel.errors import InvalidValue
from tests.support.http import World
from tests.support.routes import a_body, asked, filled, routes, things_of

pytestmark = pytest.mark.anyio

UNSEEN = ("a\x1b[2Jb", "a\nb", "a\u202eb", "a\u200bb", "a\ufeffb")


def _names(world: World) -> Iterator[tuple[str, str, Any, str]]:
    """Method, path and operation, with a field that is a name."""
    for method, path, operation in routes(world):
        if operation is not None and operation.body is not None:
            for field in msgspec.structs.fields(operation.body):
                if field.name == "name" or field.name.endswith("_name") or field.name == "client_id":
                    yield method, path, operation, field.name


async def test_a_name_is_one_line_of_printable_text_wherever_it_is_given(world: World) -> None:
    """A47: of people, teams, webhooks, tokens, connections, providers and clients, as they are made and as they are changed."""
    things = await things_of(world.junior, world.senior, world.owner)
    found = list(_names(world))

    for method, path, operation, field in found:
        for name in UNSEEN:
            answer = await asked(world.owner, method, filled(path, things), {**a_body(operation, things), field: name})
            where = (method, path, field, name)
            assert 422 == answer.status_code, (where, answer.text)
            assert (422, f"/{field}") == (answer.status_code, answer.json()["errors"][0]["pointer"]), (where, answer.text)
            assert "must be one line of printable text, without U+" in answer.text, where

    assert {
        ("POST", "/ai-sessions", "client_name"),
        ("POST", "/ai-sessions/{session_id:str}/save-as-tree", "name"),
        ("POST", "/identity-providers", "client_id"),
        ("POST", "/identity-providers", "name"),
        ("POST", "/maintenance-schedules", "name"),
        ("POST", "/psa-connections", "name"),
        ("POST", "/script-templates", "name"),
        ("POST", "/teams", "name"),
        ("POST", "/tokens", "name"),
        ("POST", "/tree-categories", "name"),
        ("POST", "/trees", "name"),
        ("POST", "/trees/import", "name"),
        ("POST", "/users", "name"),
        ("POST", "/webhooks", "name"),
    } == {(method, path, field) for method, path, _, field in found if method == "POST"}
    assert 10 == sum(method == "PATCH" for method, *_ in found)


async def test_the_operator_gives_no_other_names(world: World) -> None:
    """A47: accounts, people, teams and tokens made by command."""
    account_id = world.owner.account_id
    accounts = world.flowpilot.accounts
    for name in UNSEEN:
        for made in (
            accounts.create(name),
            accounts.add_team(account_id, name),
            accounts.add_token(account_id, world.owner.user.id, name=name),
            accounts.add_user(account_id, email="new@example.test", name=name, role=world.owner.user.role),
        ):
            with pytest.raises(InvalidValue, match="printable"):
                await made


async def test_an_output_holds_nothing_that_does_not_show(world: World) -> None:
    """A47: neither what the rules took from what somebody wrote, nor what somebody writes in it."""
    hostile = "No\x1b[2J mail\u202e \u200bat all"
    session = await world.junior.made("/ai-sessions", {"title": hostile, "problem": hostile})
    path = f"/ai-sessions/{session['id']}"
    assert 200 == (await world.junior.post(f"{path}/resolve", {"summary": hostile})).status_code

    made = await world.junior.made(f"{path}/outputs", {"kind": "psa_note"})
    edited = await world.junior.patch(f"{path}/outputs/{made['id']}", {"body": f"## Title\n\n- {hostile}"})

    assert "No[2J mail at all" in made["body"]
    assert "## Title\n\n- No[2J mail at all" == edited.json()["body"]
