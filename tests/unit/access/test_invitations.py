"""Invitations: mailed after the commit, retried, accepted once."""

import asyncio
import logging
import re
from datetime import timedelta

import pytest

from flowpilot_core.domain.access.account import UserState
from flowpilot_core.domain.access.invitation import LASTS
from flowpilot_core.domain.kernel.actor import Role
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.secret_text import Prefix, token_text
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.ports.access import Member
from flowpilot_core.ports.notifications import NotSent
from flowpilot_core.ports.relay import WorkKind
from tests.support.office import Office

pytestmark = pytest.mark.anyio
NINA = "nina@acme.example"


async def _invited(office: Office, role: Role = Role.ENGINEER) -> Member:
    return await office.product.people.invite(office.staff.olga, email=NINA, name="Nina", role=role)


async def _mailed(office: Office) -> str:
    """The text in the link of the last mail."""
    await office.relay.run_once()
    found = re.search(r"https://flowpilot\.example/invitations/(\S+)", office.mailbox.messages[-1].text)
    assert found
    return found[1]


async def _now(office: Office, member: Member) -> Member:
    return await office.product.people.member(office.staff.olga, member.user.id)


async def test_who_is_invited_gets_a_link_that_makes_them_one_of_the_account() -> None:
    office = await Office.opened()
    nina = await _invited(office)

    link = await _mailed(office)
    welcome = await office.product.invitations.look(link)
    joined = (await office.product.invitations.accept(link)).person

    assert [NINA] == office.mailbox.recipients
    assert "Olga Owner invites you to Acme" == office.mailbox.messages[0].subject
    assert ("Acme", "Nina", "Olga Owner") == (welcome.account.name, welcome.user.name, welcome.invited_by)
    assert (nina.user.id, Role.ENGINEER, office.staff.account_id) == (joined.user_id, joined.role, joined.account_id)
    assert (UserState.ACTIVE, None) == ((await _now(office, nina)).user.state, (await _now(office, nina)).invitation)


async def test_looking_at_an_invitation_accepts_nothing() -> None:
    """A35: programs that look at links in mails look at this one too."""
    office = await Office.opened()
    nina = await _invited(office)
    link = await _mailed(office)

    for _ in range(3):
        await office.product.invitations.look(link)

    assert UserState.INVITED is (await _now(office, nina)).user.state


async def test_an_invitation_is_accepted_once_however_many_try_at_once() -> None:
    """A35"""
    office = await Office.opened()
    await _invited(office)
    link = await _mailed(office)

    outcomes = await asyncio.gather(*(office.product.invitations.accept(link) for _ in range(10)), return_exceptions=True)

    assert 9 == len([outcome for outcome in outcomes if isinstance(outcome, NotFound)])
    with pytest.raises(NotFound):
        await office.product.invitations.look(link)


async def test_an_invitation_that_is_over_or_withdrawn_is_nobodys() -> None:
    office = await Office.opened()
    nina = await _invited(office)
    link = await _mailed(office)
    office.clock.jump(LASTS)
    with pytest.raises(NotFound):
        await office.product.invitations.accept(link)

    await office.product.people.invite_again(office.staff.olga, nina.user.id)
    again = await _mailed(office)
    await office.product.people.deactivate(office.staff.olga, nina.user.id)

    for text in (link, again):
        with pytest.raises(NotFound):
            await office.product.invitations.accept(text)


async def test_another_invitation_makes_the_links_of_the_first_void() -> None:
    office = await Office.opened()
    nina = await _invited(office)
    first = await _mailed(office)

    await office.product.people.invite_again(office.staff.adam, nina.user.id)
    second = await _mailed(office)

    with pytest.raises(NotFound):
        await office.product.invitations.accept(first)
    assert nina.user.id == (await office.product.invitations.accept(second)).person.user_id


async def test_no_text_that_was_made_up_or_is_for_something_else_is_an_invitation() -> None:
    office, other = await Office.opened(), await Office.opened("Globex")
    await _invited(office)
    link = await _mailed(office)
    secret = bytes(32)

    for text in (
        "",
        "x",
        link[:-1],
        link.replace("fpi_", "fp_"),
        token_text(office.staff.account_id, secret, Prefix.INVITATION),
        token_text(other.staff.account_id, secret, Prefix.INVITATION),
    ):
        with pytest.raises(NotFound):
            await office.product.invitations.accept(text)


async def test_a_mail_that_was_refused_is_sent_again_and_shows_why() -> None:
    """F23"""
    office = await Office.opened()
    nina = await _invited(office)
    office.mailbox.script(NINA, NotSent("try later"), NotSent("the line went dead", unknown=True))

    await office.relay.run_once()
    failed = (await _now(office, nina)).invitation
    await office.relay.run_once()
    await office.relay.run_once()
    sent = (await _now(office, nina)).invitation

    assert failed
    assert sent
    assert (DeliveryState.FAILED, "try later", 1) == (failed.mail, failed.last_error, failed.attempts)
    assert (DeliveryState.SENT, None, 3) == (sent.mail, sent.last_error, sent.attempts)
    links = [re.findall(r"/invitations/(\S+)", message.text)[0] for message in office.mailbox.messages]
    assert 2 == len(set(links)), "every try has a secret of its own"
    for link in links:
        assert "Nina" == (await office.product.invitations.look(link)).user.name, "whichever of them arrived"


async def test_an_address_that_takes_no_mail_is_dead_and_may_be_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    """F24; and A42: the account's people read what the server said, the log does not hold it."""
    office = await Office.opened()
    nina = await _invited(office)
    office.mailbox.script(NINA, NotSent("no such mailbox", permanent=True, logged="refused: 550"))

    with caplog.at_level(logging.DEBUG):
        await office.relay.run_once()
    dead = (await _now(office, nina)).invitation
    await office.product.people.invite_again(office.staff.olga, nina.user.id)
    await office.relay.run_once()

    assert dead
    assert (DeliveryState.DEAD, "no such mailbox") == (dead.mail, dead.last_error)
    assert [NINA] == office.mailbox.recipients
    assert ["refused: 550"] == [vars(record)["problem"] for record in caplog.records]
    assert "no such mailbox" not in str([vars(record) for record in caplog.records])


async def test_nobody_is_mailed_whose_invitation_was_withdrawn_meanwhile() -> None:
    """F49"""
    office = await Office.opened()
    nina = await _invited(office)
    await office.product.people.deactivate(office.staff.olga, nina.user.id)

    done = await office.relay.run_once()

    assert (1, []) == (done, office.mailbox.recipients)
    assert 0 == await office.relay.run_once()


async def test_an_invitation_that_cannot_be_mailed_is_given_up_visibly() -> None:
    """F19"""
    office = await Office.opened()
    nina = await _invited(office)
    (lease,) = await office.store.outbox.take({"invitation": 1}, lease_for=timedelta(minutes=1))

    await office.relay.handlers[WorkKind.INVITATION].give_up(lease, "given up after too many tries")

    dead = (await _now(office, nina)).invitation
    assert dead
    assert (DeliveryState.DEAD, "given up after too many tries") == (dead.mail, dead.last_error)
