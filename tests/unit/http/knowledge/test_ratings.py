"""Ratings of script templates over HTTP."""

from typing import Any

import pytest

from tests.support.http import Somebody, World
from tests.unit.http.knowledge.test_script_templates import a_published

pytestmark = pytest.mark.anyio
Json = dict[str, Any]


async def rated(by: Somebody, template: Json, stars: int, **more: object) -> Json:
    return dict(await by.made("/ratings", {"subject": "script_template", "subject_id": template["id"], "stars": stars, **more}))


async def stars_of(world: World, template: Json) -> Json:
    shown = await world.viewer.seen(f"/script-templates/{template['id']}")
    listed = (await world.viewer.seen("/script-templates"))["items"]
    assert [shown["rating"]] == [one["rating"] for one in listed if one["id"] == template["id"]]
    return dict(shown["rating"])


async def test_stars_are_drawn_towards_what_everything_begins_with(world: World) -> None:
    template = await a_published(world)
    assert {"stars": 3.5, "count": 0} == await stars_of(world, template)

    await rated(world.junior, template, 5)
    await rated(world.senior, template, 1)

    assert {"stars": (5 * 3.5 + 6) / 7, "count": 2} == await stars_of(world, template)


async def test_a_later_rating_replaces_the_earlier(world: World) -> None:
    template = await a_published(world)
    first = await rated(world.junior, template, 2, comment="Too slow")
    second = await rated(world.junior, template, 4)

    query = f"/ratings?subject=script_template&subject_id={template['id']}"
    items = (await world.viewer.seen(query))["items"]
    assert [(first["id"], 4, None, world.junior.by)] == [(one["id"], one["stars"], one["comment"], one["by"]) for one in items]
    assert first["id"] == second["id"]
    assert {"stars": (17.5 + 4) / 6, "count": 1} == await stars_of(world, template)


async def test_only_ones_own_is_taken_back(world: World) -> None:
    template = await a_published(world)
    path = f"/ratings/{(await rated(world.junior, template, 5))['id']}"

    assert [404, 404, 204, 404] == [
        (await somebody.send("DELETE", path, b"")).status_code for somebody in (world.owner, world.rival, world.junior, world.junior)
    ]
    assert {"stars": 3.5, "count": 0} == await stars_of(world, template)


async def test_what_is_no_rating_is_refused(world: World) -> None:
    template = await a_published(world)
    body = {"subject": "script_template", "subject_id": template["id"], "stars": 6}

    wrong = await world.junior.post("/ratings", body)
    assert (422, "/stars") == (wrong.status_code, wrong.json()["errors"][0]["pointer"])
    assert 403 == (await world.viewer.post("/ratings", {**body, "stars": 5})).status_code
    assert 404 == (await world.rival.post("/ratings", {**body, "stars": 5})).status_code
    assert 404 == (await world.junior.post("/ratings", {**body, "subject": "tree", "stars": 5})).status_code
