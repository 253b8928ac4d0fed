"""From an invitation's link to being signed in."""

import pytest

from flowpilot_core.domain.kernel.actor import Role
from flowpilot_core.domain.kernel.secret_text import Prefix, token_digest, token_text
from tests.support.browser import Browser
from tests.support.http import World

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")

COOKIE = "__Host-flowpilot_sign_in"


async def _link(world: World, name: str = "Nina") -> str:
    """Where the mail to somebody invited leads: the relay's part is played here."""
    admin = await world.flowpilot.accounts.authenticate(world.admin.token)
    member = await world.flowpilot.people.invite(admin, email="nina@example.test", name=name, role=Role.ENGINEER)
    assert member.invitation
    secret = world.flowpilot.accounts.new_secret()
    async with world.flowpilot.invitations.begin(admin.account_id) as work:
        await work.invitations.save(member.invitation.taken(token_digest(secret)))
        await work.commit()
    return f"/invitations/{token_text(admin.account_id, secret, Prefix.INVITATION)}"


async def test_who_accepts_an_invitation_is_signed_in(world: World) -> None:
    browser = Browser(world.app)

    shown = await browser.open(await _link(world))
    await browser.send()

    assert "Adam has invited you, Nina, to join Acme as engineer." in shown.text
    assert (200, "/signed-in") == (browser.page.status_code, browser.path)
    assert ("Nina", "active") == ((me := (await browser.client.get("/users/me")).json())["name"], me["state"])


async def test_who_joined_did_so_by_their_invitation_and_nobody_made_them_a_link(world: World) -> None:
    """A45"""
    browser = Browser(world.app)
    await browser.open(await _link(world))
    await browser.send()

    headers = {"x-csrf-token": browser.csrf_token}
    assert 201 == (await browser.client.post("/tokens", json={"name": "x"}, headers=headers)).status_code

    made, joined, before = (await world.owner.seen("/audit-log?limit=3"))["items"]
    by_invitation = {"way": "invitation", "id": None}
    assert [("token.made", by_invitation), ("user.joined", by_invitation)] == [(one["kind"], one["way_in"]) for one in (made, joined)]
    assert "user.invited" == before["kind"]


async def test_programs_that_look_at_links_accept_nothing(world: World) -> None:
    """A35: looking any number of times, and sending what no page of ours was asked for, changes nothing."""
    link = await _link(world)

    for _ in range(3):
        await world.nobody.get(link)
        await world.nobody.head(link)
        await world.nobody.post(link)

    browser = Browser(world.app)
    await browser.open(link)
    assert 200 == (await browser.send()).status_code


async def test_an_invitation_is_good_once(world: World) -> None:
    """A35"""
    link = await _link(world)
    first, second = Browser(world.app), Browser(world.app)
    await second.open(link)
    await first.open(link)
    await first.send()

    assert 404 == (await second.send()).status_code
    assert 404 == (await second.open(link)).status_code
    assert None is second.client.cookies.get(COOKIE)


@pytest.mark.parametrize("link", ["nonsense", "fpi_x", "{token}"])
async def test_what_is_no_invitation_looks_like_one_that_is_over(world: World, link: str) -> None:
    """A27"""
    token = world.junior.token
    over = await world.nobody.get(f"/invitations/{token.replace('fp_', 'fpi_')}")

    answer = await world.nobody.get(f"/invitations/{link.format(token=token)}")

    assert (404, over.text[:400]) == (answer.status_code, answer.text[:400])


async def test_what_somebody_is_called_is_text_on_the_page(world: World) -> None:
    """A40"""
    browser = Browser(world.app)

    shown = await browser.open(await _link(world, name='<img src="https://evil.test/x">'))

    assert "<img" not in shown.text
    assert "&lt;img" in shown.text
