"""Resolution outputs over HTTP: made, edited, approved, posted once and exported."""

from typing import Any

import pytest

from tests.support.browser import Browser
from tests.support.http import Somebody, World
from tests.support.pictures import a_picture
from tests.unit.http.access.test_branding import say, show
from tests.unit.http.psa.test_psa import connected

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")

TICKET = {"system": "memory", "id": "1001"}
CANARY = "S3same!Open"


async def resolved(who: Somebody, **values: object) -> str:
    """The path of the outputs of a resolved session of theirs."""
    session = await who.session(ticket=TICKET, **values)
    path = f"/ai-sessions/{session['id']}"
    await who.made(f"{path}/steps", {"kind": "action", "content": "swapped the cable", "result": "failed"})
    await who.made(f"{path}/steps", {"kind": "note", "content": f"The CFO is difficult; password: {CANARY}"})
    await who.made(f"{path}/resolve", {"summary": f"Moved it to port 7, which takes {CANARY} too.", "root_cause": "a dead port"})
    return f"{path}/outputs"


async def approved(who: Somebody, path: str, kind: str = "psa_note") -> Any:
    output = await who.made(path, {"kind": kind})
    return await who.made(f"{path}/{output['id']}/approve")


@pytest.mark.parametrize("kind", ["psa_note", "kb_article", "client_summary"])
async def test_an_output_is_made_of_a_resolved_session_without_its_secrets(world: World, kind: str) -> None:
    path = await resolved(world.junior)

    made = await world.senior.made(path, {"kind": kind})

    assert (kind, 1, "draft", "rules", world.senior.id) == (made["kind"], made["version"], made["state"], made["made_by"], made["by"]["id"])
    assert "Moved it to port 7" in made["body"]
    assert CANARY not in made["body"]
    assert [made] == (await world.viewer.seen(path))["items"]
    timeline = (await world.viewer.seen(path.replace("outputs", "timeline")))["items"]
    assert ("output.made", {"output_id": made["id"], "kind": kind, "version": 1, "state": "draft"}) == (
        timeline[-1]["kind"],
        timeline[-1]["changed"],
    )


async def test_of_a_session_that_is_not_resolved_nothing_is_made(world: World) -> None:
    session = await world.junior.session()
    path = f"/ai-sessions/{session['id']}/outputs"
    refused = await world.junior.post(path, {"kind": "psa_note"})

    assert (409, "invalid_transition", "active") == (refused.status_code, refused.json()["code"], refused.json()["state"])
    assert (403, "role_forbidden") == (
        (await world.viewer.post(path, {"kind": "psa_note"})).status_code,
        (await world.viewer.post(path, {"kind": "psa_note"})).json()["code"],
    )
    assert 422 == (await world.junior.post(path, {"kind": "poem"})).status_code


async def test_an_edit_is_the_next_version_and_the_earlier_ones_stay_readable(world: World) -> None:
    path = await resolved(world.junior)
    made = await approved(world.junior, path, "kb_article")
    one = f"{path}/{made['id']}"

    edited = (await world.senior.patch(one, {"body": f"By hand, with {CANARY}"}, if_match='"1"')).json()
    stale = await world.junior.patch(one, {"body": "Late"}, if_match='"1"')
    whole = await world.viewer.get(one)

    assert (2, "draft", "person", None) == (edited["version"], edited["state"], edited["made_by"], edited["approved_by"])
    assert CANARY not in edited["body"]
    assert (412, "version_conflict", 2) == (stale.status_code, stale.json()["code"], stale.json()["version"])
    assert '"2"' == whole.headers["etag"]
    assert [(1, made["body"], "rules"), (2, edited["body"], "person")] == [
        (version["version"], version["body"], version["made_by"]) for version in whole.json()["versions"]
    ]
    assert [world.junior.id, world.senior.id] == [version["by"]["id"] for version in whole.json()["versions"]]


async def test_only_what_is_approved_is_posted_and_it_lands_on_the_ticket_once(world: World) -> None:
    await connected(world.owner, settings={"notes": {"resolved": False}})
    path = await resolved(world.junior)
    made = await world.junior.made(path, {"kind": "psa_note"})
    one = f"{path}/{made['id']}"

    early = await world.junior.post(f"{one}/post")
    await world.junior.made(f"{one}/approve")
    posting = await world.junior.made(f"{one}/post")
    again = await world.junior.post(f"{one}/post")
    await world.relay_runs()

    assert [(409, "draft"), (409, "posting")] == [(answer.status_code, answer.json()["state"]) for answer in (early, again)]
    assert ("posting", "posted") == (posting["state"], (await world.viewer.seen(one))["state"])
    (note,) = world.psa.tickets["1001"].notes
    assert "What solved it:\n\nMoved it to port 7" in note.text
    assert CANARY not in note.text
    assert [] == world.psa.tickets["1001"].public
    (post,) = (await world.owner.seen("/psa-posts?kind=output"))["items"]
    assert (made["id"], "posted", False) == (post["output_id"], post["state"], post["public"])


@pytest.mark.parametrize(
    ("kind", "setting", "public"), [("client_summary", "public", 1), ("client_summary", None, 0), ("psa_note", "public", 0)]
)
async def test_a_client_reads_a_summary_where_the_connection_says_so_and_nothing_else(
    world: World, kind: str, setting: str | None, public: int
) -> None:
    await connected(world.owner, settings={"notes": {"resolved": False}, **({"client_summary": setting} if setting else {})})
    path = await resolved(world.junior)
    output = await approved(world.junior, path, kind)

    await world.junior.made(f"{path}/{output['id']}/post")
    await world.relay_runs()

    ticket = world.psa.tickets["1001"]
    assert (1, public) == (len(ticket.notes), len(ticket.public))


async def test_a_post_that_is_refused_shows_and_lands_once_somebody_has_it_retried(world: World) -> None:
    connection = await connected(world.owner, credentials={"key": "wrong"}, settings={"notes": {"resolved": False}})
    path = await resolved(world.junior)
    output = await approved(world.junior, path)
    await world.junior.made(f"{path}/{output['id']}/post")
    await world.relay_runs()
    failed = (await world.junior.seen(f"{path}/{output['id']}"))["state"]

    await world.owner.patch(f"/psa-connections/{connection['id']}", {"credentials": {"key": "good"}})
    (post,) = (await world.owner.seen("/psa-posts"))["items"]
    await world.owner.made(f"/psa-posts/{post['id']}/retry")
    await world.relay_runs()

    assert ("failed", "posted") == (failed, (await world.junior.seen(f"{path}/{output['id']}"))["state"])
    assert 1 == len(world.psa.tickets["1001"].notes)


async def test_without_a_connection_there_is_nowhere_to_post(world: World) -> None:
    path = await resolved(world.junior)
    output = await approved(world.junior, path)

    refused = await world.junior.post(f"{path}/{output['id']}/post")

    assert (404, "We could not find that PSA connection.") == (refused.status_code, refused.json()["detail"])
    assert "approved" == (await world.junior.seen(f"{path}/{output['id']}"))["state"]


async def test_a_client_summary_takes_no_internal_note(world: World) -> None:
    path = await resolved(world.junior)
    made = await world.junior.made(path, {"kind": "client_summary"})

    refused = await world.junior.patch(f"{path}/{made['id']}", {"body": f"Dear all, the cfo is  difficult; password: {CANARY}"})

    assert (422, "/body") == (refused.status_code, refused.json()["errors"][0]["pointer"])
    assert CANARY not in refused.text
    assert "CFO" not in made["body"]


@pytest.mark.parametrize(
    ("format", "kind", "begins", "markup"),
    [
        ("md", "text/markdown; charset=utf-8", "# No mail", ("<script", "![", "](")),
        ("html", "text/html; charset=utf-8", "<!doctype html>", ("<script", "<img", "<a ")),
    ],
)
async def test_an_export_is_a_document_without_markup_of_others_or_secrets(
    world: World, format: str, kind: str, begins: str, markup: tuple[str, ...]
) -> None:
    path = await resolved(world.junior)
    made = await world.junior.made(path, {"kind": "kb_article"})
    hostile = f"<script>alert(1)</script> ![x](https://evil.example/x.png) [y](https://evil.example) {CANARY}"
    await world.junior.patch(f"{path}/{made['id']}", {"body": hostile})

    export = await world.viewer.get(f"{path}/{made['id']}/export?format={format}")

    assert (200, kind) == (export.status_code, export.headers["content-type"])
    assert f'attachment; filename="kb_article-2.{format}"' == export.headers["content-disposition"]
    assert export.text.startswith(begins)
    assert "(draft)" in export.text
    assert not [one for one in (*markup, CANARY) if one in export.text]


async def test_an_export_for_the_client_leaves_out_what_became_an_internal_note_since(world: World) -> None:
    path = await resolved(world.junior)
    made = await world.junior.made(path, {"kind": "client_summary"})
    await world.junior.patch(f"{path}/{made['id']}", {"body": "All is well.\n\nThe dog ate the router."})
    session = path.removesuffix("/outputs")
    await world.junior.made(f"{session}/reopen", {"reason": "Again"})
    await world.junior.made(f"{session}/steps", {"kind": "note", "content": "the dog ate the router"})
    await world.junior.made(f"{session}/resolve", {"summary": "A new router"})

    export = (await world.viewer.get(f"{path}/{made['id']}/export")).text

    assert "All is well" in export
    assert "dog" not in export


@pytest.mark.parametrize(("kind", "signed"), [("client_summary", True), ("psa_note", False)])
async def test_what_is_posted_for_the_client_is_signed_as_its_account_signs(world: World, kind: str, signed: bool) -> None:
    await say(world.owner, footer=None)
    await connected(world.owner, settings={"notes": {"resolved": False}})
    path = await resolved(world.junior)
    output = await approved(world.junior, path, kind)

    await world.junior.made(f"{path}/{output['id']}/post")
    await world.relay_runs()

    (note,) = world.psa.tickets["1001"].notes
    assert signed is ("Acme IT\nhttps://acme.example" in note.text)
    assert "Acme IT" not in output["body"]


async def test_an_export_wears_what_its_account_says_now(world: World) -> None:
    path = await resolved(world.junior)
    made = await approved(world.junior, path, "kb_article")
    before = (await world.viewer.get(f"{path}/{made['id']}/export?format=html")).text

    await say(world.owner)
    await show(world.owner, a_picture())

    after = (await world.viewer.get(f"{path}/{made['id']}/export?format=html")).text
    assert (False, True) == ("<footer>" in before, "<footer>\n<p>Acme IT<br>https://acme.example" in after)
    assert (False, True) == ("data:image/png;base64," in before, "data:image/png;base64," in after)


async def test_another_accounts_outputs_do_not_exist(world: World) -> None:
    path, theirs = await resolved(world.junior), await resolved(world.rival)
    made = await world.junior.made(path, {"kind": "psa_note"})

    for address in (path, f"{path}/{made['id']}", f"{path}/{made['id']}/export", f"{theirs}/{made['id']}", f"{theirs}/{made['id']}/export"):
        assert 404 == (await world.rival.get(address)).status_code
    for move in ("approve", "post"):
        assert 404 == (await world.rival.post(f"{theirs}/{made['id']}/{move}")).status_code
    assert 404 == (await world.rival.patch(f"{theirs}/{made['id']}", {"body": "x"})).status_code
    assert [] == (await world.rival.seen(theirs))["items"]


async def test_the_same_key_makes_one_output(world: World) -> None:
    path = await resolved(world.junior)

    answers = [await world.junior.post(path, {"kind": "psa_note"}, idempotency_key="a") for _ in range(2)]

    assert answers[0].json() == answers[1].json()
    assert 1 == len((await world.junior.seen(path))["items"])


async def test_an_article_leads_to_the_tree_that_was_made_from_its_session(world: World) -> None:
    path = await resolved(world.junior)
    article, note = [await approved(world.senior, path, kind) for kind in ("kb_article", "psa_note")]
    saved = await world.junior.made(path.replace("outputs", "save-as-tree"), {"name": "Printer, dead port"})
    assert [None, None] == [one["tree"] for one in (await world.viewer.seen(path))["items"]]

    await world.admin.made(f"/trees/{saved['id']}/publish")

    page = f"https://flowpilot.test/library/trees/{saved['id']}?account={world.junior.account_id}"
    tree = {"id": saved["id"], "name": "Printer, dead port", "url": page}
    assert [tree, None] == [one["tree"] for one in (await world.viewer.seen(path))["items"]]
    exported = [(await world.viewer.get(f"{path}/{one['id']}/export?format=html")).text for one in (article, note)]
    assert [True, False] == [f"Printer, dead port: {page}" in one for one in exported]
    browser = Browser(world.app)
    await browser.open(f"/sign-in-link/{await world.flowpilot.signing_in.link(world.viewer.account_id, world.viewer.user.id)}")
    await browser.send()
    await browser.open(path.replace("/ai-sessions", "/sessions").removesuffix("/outputs"))
    assert f'<a href="/library/trees/{saved["id"]}">Printer, dead port</a>' in browser.page.text
    await connected(world.owner, settings={"notes": {"resolved": False}})
    posted = await world.senior.made(f"{path}/{article['id']}/post")
    assert (tree, article["body"]) == (posted["tree"], posted["body"])
    await world.relay_runs()
    assert [True] == [page in one.text for one in world.psa.tickets["1001"].notes]
    await world.admin.made(f"/trees/{saved['id']}/archive")
    assert [None, None] == [one["tree"] for one in (await world.viewer.seen(path))["items"]]
