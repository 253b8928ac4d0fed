"""After a change of the secret key: what was signed with the one before stays good for as long as that one is named, and no longer."""

from uuid import UUID

import pytest

from flowpilot_core.application.kernel.links import Links
from flowpilot_core.domain.kernel.identifiers import HandoffId
from flowpilot_http.middleware import Edge
from tests.support.browser import Browser
from tests.support.http import BASE, SECRET_KEY, World, an_app, client_of

pytestmark = pytest.mark.anyio

NEW_KEY = b"the key after the one that these tests know of"


def _keyed(world: World, *keys: bytes) -> Edge:
    """The same program, begun again with these keys."""
    return an_app(world.flowpilot, world.clock, keys=keys)


@pytest.fixture
def rotated(world: World) -> Edge:
    """It signs with the new key and knows the one before."""
    return _keyed(world, NEW_KEY, SECRET_KEY)


@pytest.fixture
def forgetful(world: World) -> Edge:
    """It knows the new key alone: the rotation is over."""
    return _keyed(world, NEW_KEY)


async def _claim_link(world: World) -> str:
    handoff = await world.junior.escalation()
    senior = world.senior
    link = Links.of(BASE, SECRET_KEY).claim(senior.account_id, HandoffId(UUID(handoff["id"])), senior.user.id, at=world.clock.now())
    return link.removeprefix(BASE)


async def _senior_at(world: World, app: Edge) -> Browser:
    browser = Browser(app)
    await browser.open(f"/sign-in-link/{await world.flowpilot.signing_in.link(world.senior.account_id, world.senior.user.id)}")
    await browser.send()
    return browser


async def test_a_claim_link_opens_and_claims(world: World, rotated: Edge, forgetful: Edge) -> None:
    link = await _claim_link(world)
    browser, late = await _senior_at(world, rotated), await _senior_at(world, forgetful)

    gone, shown = await late.open(link), await browser.open(link)
    taken = await browser.send()

    assert (404, 200, 200) == (gone.status_code, shown.status_code, taken.status_code)
    assert "This has been yours" in taken.text


async def test_a_way_out_of_mails_leads_out(world: World, rotated: Edge, forgetful: Edge) -> None:
    path = Links.of(BASE, SECRET_KEY).unsubscribe(world.senior.account_id, world.senior.user.id).removeprefix(BASE)

    answers = [(await client_of(app).post(path)).status_code for app in (forgetful, rotated)]

    assert [404, 200] == answers
    assert "email" not in (await world.senior.seen("/notification-preferences"))["channels"]


async def test_a_cursor_goes_on(world: World, rotated: Edge, forgetful: Edge) -> None:
    for _ in range(2):
        await world.junior.session()
    first = await world.junior.seen("/ai-sessions?limit=1")
    path = f"/ai-sessions?limit=1&cursor={first['next_cursor']}"

    gone, rest = [await client_of(app, world.junior.token).get(path) for app in (forgetful, rotated)]

    assert (400, "invalid_cursor") == (gone.status_code, gone.json()["code"])
    assert 200 == rest.status_code
    assert first["items"][0]["id"] not in {item["id"] for item in rest.json()["items"]}


async def test_whoever_is_signed_in_stays_so_and_an_open_form_can_be_sent(world: World, forgetful: Edge) -> None:
    """Neither is signed with the key: a sign-in is looked up, and a form's token follows from what its browser keeps."""
    browser = await _senior_at(world, world.app)

    later = Browser(forgetful)
    later.client.cookies = browser.client.cookies
    form = browser.hidden
    signed_out = await later.client.post("/sign-out", data=form)

    assert (303, "/signed-out") == (signed_out.status_code, signed_out.headers["location"])


async def test_what_is_signed_from_now_on_is_signed_with_the_new_key(world: World, rotated: Edge, forgetful: Edge) -> None:
    for _ in range(2):
        await world.junior.session()
    first = (await client_of(rotated, world.junior.token).get("/ai-sessions?limit=1")).json()
    path = f"/ai-sessions?limit=1&cursor={first['next_cursor']}"

    answers = [(await client_of(app, world.junior.token).get(path)).status_code for app in (forgetful, world.app)]

    assert [200, 400] == answers
