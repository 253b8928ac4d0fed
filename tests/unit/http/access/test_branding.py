"""What an account shows of itself, over HTTP: who says it, what is taken, and who wears it."""

from typing import Any

import pytest

from flowpilot_core.domain.access.branding import LARGEST_LOGO, LONGEST_LOGO_SIDE, WORN_WIDTH
from tests.support.http import Somebody, World
from tests.support.pictures import a_picture, opened, send

ADAPTERS = ("memory", "postgres")
SAID = {
    "display_name": "Acme IT",
    "colour": "#2563eb",
    "website": "https://acme.example",
    "footer": "Acme IT\nVienna",
    "mail_sender_name": "Acme Service Desk",
}
NOTHING = {**dict.fromkeys(SAID), "text_colour": None, "logo": None, "version": 1}

pytestmark = pytest.mark.anyio


async def say(who: Somebody, **said: Any) -> Any:
    """The answer to what somebody says of the account."""
    return await who.client.put("/branding", json={**SAID, **said})


async def show(who: Somebody, content: bytes, kind: str = "image/png") -> Any:
    """The answer to a logo that somebody adds."""
    return await send(who, "/branding/logo", content, method="PUT", kind=kind)


async def test_an_account_says_nothing_until_its_manager_does(world: World) -> None:
    before = await world.viewer.get("/branding")

    said = await say(world.admin)

    assert (NOTHING, '"1"') == (before.json(), before.headers["etag"])
    assert (200, {**SAID, "text_colour": "#ffffff", "logo": None, "version": 2}) == (said.status_code, said.json())
    assert said.json() == await world.viewer.seen("/branding")
    assert NOTHING == await world.rival.seen("/branding")


async def test_what_is_null_or_left_out_is_said_no_more(world: World) -> None:
    await say(world.owner)

    bare = await world.owner.client.put("/branding", json={"display_name": None, "colour": None})

    assert {**NOTHING, "version": 3} == bare.json()


@pytest.mark.parametrize(("colour", "page", "mended"), [("#ffff00", "light", "darker"), ("#000080", "dark", "lighter")])
async def test_a_colour_that_is_hard_to_see_is_refused_and_says_where(world: World, colour: str, page: str, mended: str) -> None:
    refused = await say(world.owner, colour=colour)

    problem = refused.json()
    assert (422, "contrast", "/colour") == (refused.status_code, problem["code"], problem["errors"][0]["pointer"])
    assert problem["contrast"] < 3
    assert f"on a {page} page" in problem["detail"]
    assert mended in problem["detail"]
    assert NOTHING == await world.owner.seen("/branding")


@pytest.mark.parametrize(
    "said",
    [
        {"colour": "red"},
        {"colour": "#2563eb;}*{display:none"},
        {"website": "javascript:alert(1)"},
        {"display_name": "Acme\r\nBcc: all@example.test"},
        {"mail_sender_name": "ceo@bank.example"},
        {"footer": "x" * 501},
        {"logo": "https://evil.example/x.svg"},
    ],
)
async def test_what_is_more_than_it_looks_is_refused_a66(world: World, said: dict[str, str]) -> None:
    """A66."""
    refused = await say(world.owner, **said)

    assert refused.status_code in (400, 422), refused.text
    assert NOTHING == await world.owner.seen("/branding")


async def test_a_change_of_what_is_no_longer_there_is_refused(world: World) -> None:
    await say(world.owner)

    late = await world.admin.client.put("/branding", json={**SAID, "display_name": "Late"}, headers={"if-match": '"1"'})
    late_logo = await send(world.admin, "/branding/logo", a_picture(), method="PUT", **{"if-match": '"1"'})
    now = await world.admin.client.put("/branding", json={**SAID, "display_name": "Now"}, headers={"if-match": '"2"'})

    assert [(412, "version_conflict"), (412, "version_conflict")] == [(one.status_code, one.json()["code"]) for one in (late, late_logo)]
    assert ("Now", 3) == (now.json()["display_name"], now.json()["version"])


@pytest.mark.parametrize(("format", "kind"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")])
async def test_a_logo_is_given_back_as_what_is_said_of_it(world: World, format: str, kind: str) -> None:
    await say(world.owner)

    added = await show(world.admin, a_picture(format, (800, 200)), kind)

    logo = added.json()["logo"]
    file = await world.viewer.get("/branding/logo")
    assert ({**SAID, "version": 3}, kind) == ({name: added.json()[name] for name in (*SAID, "version")}, logo["type"])
    assert (200, kind, (800, 200)) == (file.status_code, file.headers["content-type"], opened(file.content).size)
    assert (800, 200, len(file.content)) == (logo["width"], logo["height"], logo["bytes"])
    assert "sandbox" in file.headers["content-security-policy"]
    assert (404, "not_found") == ((other := await world.rival.get("/branding/logo")).status_code, other.json()["code"])


async def test_a_logo_goes_and_what_else_is_said_stays(world: World) -> None:
    await say(world.owner)
    await show(world.owner, a_picture())

    gone, again = [await world.owner.client.delete("/branding/logo") for _ in range(2)]

    assert [(204, b""), (404, b"")] == [(gone.status_code, gone.content), (again.status_code, b"")]
    assert {**SAID, "text_colour": "#ffffff", "logo": None, "version": 4} == await world.owner.seen("/branding")
    assert 404 == (await world.owner.get("/branding/logo")).status_code


@pytest.mark.parametrize(("width", "height"), [(LONGEST_LOGO_SIDE + 1, 10), (10, LONGEST_LOGO_SIDE + 1)])
async def test_a_logo_of_too_many_pixels_is_refused_a66(world: World, width: int, height: int) -> None:
    """A66."""
    refused = await show(world.owner, a_picture(size=(width, height)))
    taken = await show(world.owner, a_picture(size=(min(width, LONGEST_LOGO_SIDE), min(height, LONGEST_LOGO_SIDE))))

    assert (422, "invalid_picture", 200) == (refused.status_code, refused.json()["code"], taken.status_code)


async def test_a_logo_of_too_many_bytes_or_of_another_kind_is_refused_a66(world: World) -> None:
    """A66."""
    large = await show(world.owner, a_picture() + bytes(LARGEST_LOGO))
    drawn = await show(world.owner, b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "image/svg+xml")
    hidden = await show(world.owner, b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")
    cut = await show(world.owner, a_picture()[:-10])

    assert [(413, "body_too_large"), (415, "unsupported_media_type"), (422, "invalid_picture"), (422, "invalid_picture")] == [
        (one.status_code, one.json()["code"]) for one in (large, drawn, hidden, cut)
    ]
    assert "512 KiB" in large.json()["detail"]
    assert NOTHING == await world.owner.seen("/branding")


async def test_nothing_but_the_picture_is_kept_of_a_logo_a66(world: World) -> None:
    """A66."""
    await show(world.owner, a_picture("JPEG", comment=b"51.5074 N") + b"<script>", "image/jpeg")

    kept = (await world.owner.get("/branding/logo")).content

    assert b"51.5074 N" not in kept
    assert b"<script>" not in kept


async def test_who_may_not_say_it_has_nothing_read(world: World) -> None:
    answers = [await show(who, b"no picture at all") for who in (world.junior, world.viewer)]

    assert [(403, "role_forbidden")] * 2 == [(one.status_code, one.json()["code"]) for one in answers]


async def test_what_was_said_stands_in_the_audit_log(world: World) -> None:
    await say(world.owner)
    sha256 = (await show(world.owner, a_picture())).json()["logo"]["sha256"]

    entry = (await world.owner.seen("/audit-log"))["items"][0]

    assert ("branding.changed", {**SAID, "logo": sha256}) == (entry["kind"], entry["changed"])


async def test_a_request_that_is_repeated_with_its_key_is_done_once(world: World) -> None:
    first, second = [await world.owner.client.put("/branding", json=SAID, headers={"idempotency-key": "the-same"}) for _ in range(2)]

    assert (first.json(), "true", 2) == (second.json(), second.headers["idempotency-replayed"], second.json()["version"])


async def test_a_colour_is_a_stylesheet_of_tokens_and_what_is_none_is_not_found(world: World) -> None:
    style = await world.nobody.get("/brand/2563eb.css")
    others = [await world.nobody.get(f"/brand/{name}") for name in ("ffff00.css", "red.css", "2563eb", "2563eb.js", "2563EB%3B%7D.css")]

    assert ("text/css; charset=utf-8", 200) == (style.headers["content-type"], style.status_code)
    assert "immutable" in style.headers["cache-control"]
    assert style.text.startswith(":root { --deed: #2563eb; --on-deed: #ffffff; --near-deed: #000000; --link: light-dark(#")
    assert [404] * 5 == [one.status_code for one in others]


async def test_the_logo_that_pages_wear_is_small_and_shown_to_who_knows_its_digest(world: World) -> None:
    whole = (await show(world.owner, a_picture(size=(800, 200)))).json()["logo"]["sha256"]
    page = (await world.nobody.get(f"/sign-in/{world.owner.account_id}")).text
    path = page.partition('<p class="logo"><img src="')[2].partition('"')[0]

    worn = await world.nobody.get(path)
    others = [f"/brand/{world.owner.account_id}/{whole}", f"/brand/{world.rival.account_id}/{path.rpartition('/')[2]}", "/brand/x/y"]

    assert (200, (WORN_WIDTH, 80)) == (worn.status_code, opened(worn.content).size)
    assert "immutable" in worn.headers["cache-control"]
    assert [404] * 3 == [(await world.nobody.get(other)).status_code for other in others]
