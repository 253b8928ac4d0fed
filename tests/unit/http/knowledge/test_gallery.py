"""The gallery over HTTP: what the platform shows to accounts, to its own people, and to who has no account."""

from typing import Any

import pytest
from attrs import evolve

from flowpilot_adapters.system import new_id
from flowpilot_core.domain.kernel.actor import Role
from flowpilot_core.domain.knowledge.gallery import Figures, Used, first_levels
from flowpilot_core.domain.knowledge.rating import NO_STARS, Stars
from flowpilot_http.open_reads import OpenReads
from tests.support.http import Somebody, World, client_of, somebody_of_the_platform
from tests.support.trees import SOUND, action, outcome, question, tree

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")
Json = dict[str, Any]

DEEP = {
    "root": "one",
    "nodes": [
        {
            "id": "one",
            "kind": "question",
            "text": "First level?",
            "answers": [{"label": "yes", "next": "two"}, {"label": "no", "next": "end"}],
        },
        {"id": "two", "kind": "action", "text": "Second level", "next": {"otherwise": "three"}},
        {"id": "three", "kind": "action", "text": "Third level", "next": {"otherwise": "four"}},
        {"id": "four", "kind": "action", "text": "Fourth level", "next": {"otherwise": "end2"}},
        {"id": "end", "kind": "outcome", "text": "It prints", "outcome": "solved"},
        {"id": "end2", "kind": "outcome", "text": "It prints now", "outcome": "solved"},
    ],
}
SCRIPT = {
    "language": "bash",
    "body": "echo {{ host }} # canary-body\n",
    "parameters": [{"name": "host", "label": "Host", "type": "text", "required": True}],
}


async def platform(world: World, role: Role = Role.OWNER) -> Somebody:
    return await somebody_of_the_platform(world, role)


async def published(pia: Somebody, content: Json = DEEP, **more: object) -> Json:
    new = await pia.made("/trees", {"name": f"Printer {new_id().hex}", "kind": "troubleshooting", "content": content, **more})
    return dict(await pia.made(f"/trees/{new['id']}/publish"))


async def a_script(pia: Somebody) -> Json:
    new = await pia.made("/script-templates", {"name": f"Ping {new_id().hex}", "content": SCRIPT})
    return dict(await pia.made(f"/script-templates/{new['id']}/publish"))


async def placed(pia: Somebody, kind: str, template: Json, **how: object) -> Json:
    answer = await pia.client.put(f"/admin/gallery/{kind}/{template['id']}", json={"listed": True, **how})
    assert 200 == answer.status_code, answer.text
    return dict(answer.json())


async def test_what_the_platform_lists_every_account_sees_and_copies(world: World) -> None:
    pia = await platform(world)
    template = await published(pia)
    address = f"/gallery/tree/{template['id']}"
    assert [404, 404] == [(await one.get(address)).status_code for one in (world.viewer, pia)]

    await placed(pia, "tree", template, featured=True, position=2)

    shown = await world.viewer.seen(address)
    expected = {"kind": "tree", "id": template["id"], "name": template["name"], "revision": 1, "featured": True, "uses": 0, "rating": None}
    assert {**expected, "description": None, "category": None, "mine": None} == shown
    assert shown in (await world.rival.seen("/gallery?kind=tree&featured=true&q=" + template["name"].split()[1]))["items"]

    copy = await world.junior.made(f"{address}/copy")
    assert ("tree", "draft", {"id": template["id"], "revision": 1, "newest_revision": 1}) == (
        copy["kind"],
        copy["state"],
        copy["copied_from"],
    )
    assert DEEP["root"] == (await world.junior.seen(f"/trees/{copy['id']}"))["content"]["root"]
    mine = {"id": copy["id"], "revision": 1, "newer": False}
    assert [mine, mine] == [(await one.seen(address))["mine"] for one in (world.junior, world.admin)]
    assert [None, None, None] == [(await one.seen(address))["mine"] for one in (world.senior, world.viewer, world.rival)]
    assert 403 == (await world.viewer.post(f"{address}/copy")).status_code


async def test_a_copy_follows_its_original_where_somebody_wants_it_to(world: World) -> None:
    pia = await platform(world)
    template, script = await published(pia), await a_script(pia)
    copies = []
    for kind, one, path in (("tree", template, "trees"), ("script_template", script, "script-templates")):
        await placed(pia, kind, one)
        copy = await world.junior.made(f"/gallery/{kind}/{one['id']}/copy")
        copies.append((kind, one, f"/{path}/{copy['id']}"))
        content = {**one["content"], **({"root": "two"} if kind == "tree" else {"body": "ping {{ host }}\n"})}
        if kind == "tree":
            content["nodes"] = [node for node in one["content"]["nodes"] if node["id"] in ("two", "three", "four", "end2")]
        assert 200 == (await pia.client.put(f"/{path}/{one['id']}/content", json={"content": content})).status_code
        await pia.made(f"/{path}/{one['id']}/publish")

    for kind, one, address in copies:
        assert (await world.junior.seen(f"/gallery/{kind}/{one['id']}"))["mine"]["newer"]
        followed = await world.junior.made(f"{address}/draft-from-origin")
        assert {"id": one["id"], "revision": 2, "newest_revision": 2} == followed["copied_from"]
        assert [] == followed["problems"]
        assert not (await world.junior.seen(f"/gallery/{kind}/{one['id']}"))["mine"]["newer"]
    assert "ping {{ host }}\n" == (await world.junior.seen(copies[1][2]))["content"]["body"]


async def test_who_is_not_of_the_platform_finds_nothing_to_decide(world: World) -> None:
    pia, engineer = await platform(world), await platform(world, Role.ENGINEER)
    template = await published(pia)
    address = f"/admin/gallery/tree/{template['id']}"

    for one in (world.owner, world.rival_owner):
        assert 404 == (await one.get("/admin/gallery")).status_code
        assert 404 == (await one.client.put(address, json={"listed": True})).status_code
        assert 404 == (await one.client.put(address, json={"listed": "x"})).status_code
    assert 403 == (await engineer.client.put(address, json={"listed": True})).status_code
    unlisted = next(one for one in await everything(engineer) if one["id"] == template["id"])
    assert (False, 0) == (unlisted["listed"], unlisted["position"])
    assert 422 == (await pia.client.put(address, json={"listed": True, "position": -1})).status_code
    assert 400 == (await pia.client.put(address, json={"listed": True, "account_id": str(pia.account_id)})).status_code
    assert 400 == (await pia.get(f"/admin/gallery?account_id={world.owner.account_id}")).status_code
    assert 404 == (await pia.client.put(f"/admin/gallery/script_template/{template['id']}", json={"listed": True})).status_code
    assert 404 == (await pia.client.put(f"/admin/gallery/x/{template['id']}", json={"listed": True})).status_code


async def everything(pia: Somebody) -> list[Json]:
    items: list[Json] = []
    cursor = ""
    while True:
        page = await pia.seen(f"/admin/gallery?limit=100{cursor}")
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = f"&cursor={page['next_cursor']}"


async def test_what_the_platform_decides_stands_in_its_audit_log(world: World) -> None:
    pia = await platform(world)
    template = await published(pia)
    await placed(pia, "tree", template, position=3)

    log = (await pia.seen("/audit-log?limit=100"))["items"]
    [entry] = [one for one in log if one["kind"] == "gallery.changed" and one["thing_id"] == template["id"]]
    assert {"name": template["name"], "listed": True, "featured": False, "position": 3} == entry["changed"]


async def test_what_is_archived_is_shown_to_nobody(world: World) -> None:
    pia = await platform(world)
    template = await published(pia)
    await placed(pia, "tree", template)
    await pia.made(f"/trees/{template['id']}/archive")

    assert 404 == (await world.viewer.get(f"/gallery/tree/{template['id']}")).status_code
    assert 404 == (await pia.client.put(f"/admin/gallery/tree/{template['id']}", json={"listed": True})).status_code


async def test_sessions_and_copies_of_all_accounts_are_counted_and_rounded_down(world: World) -> None:
    pia = await platform(world)
    template = await published(pia)
    address = f"/gallery/tree/{template['id']}"
    await placed(pia, "tree", template)
    for _ in range(3):
        await world.junior.session(tree_id=template["id"])
    await world.rival.made(f"{address}/copy")
    await world.relay_runs()
    assert 0 == (await world.viewer.seen(address))["uses"]

    await world.rival.made(f"{address}/copy")
    await world.relay_runs()

    assert 5 == (await world.viewer.seen(address))["uses"]
    await placed(pia, "tree", template, featured=True)
    assert 5 == (await world.viewer.seen(address))["uses"]


async def test_a_script_of_the_platform_in_a_session_is_counted(world: World) -> None:
    pia = await platform(world)
    script = await a_script(pia)
    await placed(pia, "script_template", script)
    session = await world.junior.session()
    for _ in range(5):
        await world.junior.made(f"/ai-sessions/{session['id']}/scripts", {"template_id": script["id"], "parameters": {"host": "x"}})
    await world.relay_runs()

    assert 5 == (await world.rival.seen(f"/gallery/script_template/{script['id']}"))["uses"]


async def test_stars_are_those_of_all_accounts_from_the_fifth_on(world: World) -> None:
    pia = await platform(world)
    template = await published(pia)
    await placed(pia, "tree", template)
    accounts = world.flowpilot.accounts
    for number in range(5):
        rating = (await world.viewer.seen(f"/gallery/tree/{template['id']}"), await world.viewer.seen(f"/trees/{template['id']}"))
        assert (None, {"stars": 3.5, "count": 0}) == (rating[0]["rating"], rating[1]["rating"])
        account = await accounts.create(f"Rater {number}")
        user = await accounts.add_user(account.id, email="r@example.test", name="Ray", role=Role.ENGINEER)
        _, token = await accounts.add_token(account.id, user.id)
        ray = Somebody(account_id=account.id, user=user, token=token, client=client_of(world.app, token), begin=world.owner.begin)
        await ray.made("/ratings", {"subject": "tree", "subject_id": template["id"], "stars": 5})
        await world.relay_runs()

    expected = {"stars": (17.5 + 25) / 10, "count": 5}
    assert expected == (await world.viewer.seen(f"/gallery/tree/{template['id']}"))["rating"]
    assert expected == (await world.viewer.seen(f"/trees/{template['id']}"))["rating"]


async def test_a67_who_has_no_account_sees_what_is_listed_and_the_first_levels_of_it(world: World) -> None:
    """A67: the public gallery shows nothing that is not listed, no node below the third level and no script body."""
    pia = await platform(world)
    shown, hidden, script = await published(pia, description="Für Büros"), await published(pia), await a_script(pia)
    await placed(pia, "tree", shown)
    await placed(pia, "script_template", script)
    own = await world.owner.made("/trees", {"name": "canary-of-acme", "kind": "troubleshooting", "content": DEEP})
    await world.owner.made(f"/trees/{own['id']}/publish")

    for template in (hidden, own):
        word = template["name"].split()[-1]
        assert 404 == (await world.nobody.get(f"/public/templates/tree/{template['id']}")).status_code
        assert [] == (await world.nobody.get(f"/public/templates/search?q={word}")).json()["items"]
    seen = (await world.nobody.get(f"/public/templates/tree/{shown['id']}")).json()
    assert ["one", "two", "three", "end"] == [node["id"] for node in seen["tree"]["nodes"]]
    assert "four" not in str(seen).lower()
    answer = await world.nobody.get(f"/public/templates/script_template/{script['id']}")
    assert "canary-body" not in answer.text
    assert (["host"], "bash") == ([one["name"] for one in answer.json()["script"]["parameters"]], answer.json()["script"]["language"])
    [found] = (await world.nobody.get(f"/public/templates/search?q={shown['name'].split()[1]}")).json()["items"]
    assert (shown["id"], "tree", "Für Büros") == (found["id"], found["kind"], found["description"])
    assert "mine" not in found


async def test_the_public_list_goes_page_by_page_and_says_its_categories(world: World) -> None:
    pia = await platform(world)
    category = await pia.made("/tree-categories", {"name": f"Printing {new_id().hex}"})
    for _ in range(3):
        await placed(pia, "tree", await published(pia, category_id=category["id"]))
    empty = await pia.made("/tree-categories", {"name": f"Empty {new_id().hex}"})

    of_it = f"/public/templates?category_id={category['id']}&limit=2"
    first = (await world.nobody.get(of_it)).json()
    second = (await world.nobody.get(f"{of_it}&cursor={first['next_cursor']}")).json()
    names = {one["name"] for one in (await world.nobody.get("/public/templates/categories")).json()["items"]}

    assert (2, 1, None) == (len(first["items"]), len(second["items"]), second["next_cursor"])
    assert category["name"] in names
    assert empty["name"] not in names
    assert 400 == (await world.nobody.get("/public/templates/search")).status_code
    assert 400 == (await world.nobody.get(f"{of_it}&cursor=x")).status_code


def looking(world: World, door: OpenReads) -> World:
    world.app.app.state["face"] = evolve(world.app.app.state["face"], open_reads=door)
    return world


async def test_where_nobody_switched_it_on_there_is_no_public_gallery(world: World) -> None:
    looking(world, OpenReads(allowed=False))

    paths = ("", "/categories", "/search?q=x", f"/tree/{new_id()}")
    assert [404] * 4 == [(await world.nobody.get(f"/public/templates{path}")).status_code for path in paths]


async def test_an_address_is_answered_thirty_times_a_minute(world: World) -> None:
    time = [0.0]
    looking(world, OpenReads(allowed=True, monotonic=lambda: time[0]))
    other = client_of(world.app, address="192.0.2.7")

    async def status(by: Any = world.nobody) -> int:
        return int((await by.get("/public/templates/categories")).status_code)

    assert [200] * 30 == [await status() for _ in range(30)]
    refused = await world.nobody.get("/public/templates")
    assert (429, "rate_limited", "60") == (refused.status_code, refused.json()["code"], refused.headers["retry-after"])
    assert 200 == await status(other)
    time[0] = 60.0
    assert 200 == await status()


def test_a_number_of_uses_is_rounded_down_to_five() -> None:
    assert [0, 0, 5, 5, 10] == [Figures.of([Used(uses=uses), Used(uses=1)]).uses for uses in (0, 3, 4, 8, 9)]


def test_what_fewer_than_five_accounts_say_nobody_is_told() -> None:
    one, unrated = Used(stars=Stars(count=3, total=12)), Used(uses=1)

    assert NO_STARS == Figures.of([one] * 4 + [unrated] * 9).stars
    assert Stars(count=15, total=60) == Figures.of([one] * 5).stars


def test_the_first_levels_of_a_tree_lead_no_further() -> None:
    content = tree(question("start", "a", "b"), action("a", "c"), action("b", "a"), action("c", "end"), outcome("end"))

    cut = first_levels(content)

    assert ["start", "a", "b", "c"] == [node.id for node in cut.nodes]
    assert [("start", "a"), ("start", "b"), ("a", "c"), ("b", "a")] == [
        (node.id, edge.to) for node in cut.nodes for edge in node.edges if edge.to
    ]
    assert SOUND == first_levels(SOUND)
