"""What is done on a ticket beside the note: status, owner, priority and work, each once, in its order, and only while it is still right."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from flowpilot_core.domain.handoffs.handoff import Intent
from flowpilot_core.domain.handoffs.time_spent import TimeSpent, time_spent
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.identifiers import SessionId
from flowpilot_core.domain.psa.connection import TicketAction
from flowpilot_core.domain.psa.member import GOOD_FOR
from flowpilot_core.domain.psa.post import PostState
from flowpilot_core.ports.psa import Member, NotDone, Trouble
from flowpilot_core.testing.builders import MINUTE, NOON, a_session, a_staff
from tests.unit.psa.test_posting import TICKET, Desk

pytestmark = pytest.mark.anyio

EVERYTHING = {
    "escalated": {"status": "In Progress", "priority": "Priority 2", "owner": True, "time_entry": True},
    "claimed": {"status": "In Progress", "owner": True},
    "resolved": {"status": "Closed", "owner": True, "time_entry": True},
}


async def a_desk(ticket: Mapping[str, Any] = EVERYTHING, *, known: bool = True) -> Desk:
    """A desk whose ticket is changed so, and whose PSA knows everybody, or nobody."""
    desk = await Desk.opened()
    await desk.product.psa.change(desk.staff.olga, (await desk.connection()).id, settings={"ticket": dict(ticket)})
    if known:
        people = enumerate(desk.staff.users, start=1)
        desk.psa.people.extend(Member(id=str(number), name=user.name, email=user.email.upper()) for number, user in people)
    return desk


def member_id(desk: Desk, person: Person) -> str:
    return next(str(number) for number, user in enumerate(desk.staff.users, start=1) if user.id == person.user_id)


async def relayed(desk: Desk) -> None:
    """Until nothing more is due soon."""
    for _ in range(12):
        await desk.relayed(after=6)


async def claimed(desk: Desk, session_id: SessionId) -> None:
    detail = await desk.product.sessions.get(desk.staff.ben, session_id)
    await desk.product.handoffs.claim(desk.staff.ben, detail.handoffs[-1].id)


async def states(desk: Desk) -> dict[tuple[str, str], tuple[PostState, str | None]]:
    return {(post.kind, post.action): (post.state, post.reason) for post in await desk.posts()}


async def test_a_ticket_follows_its_session() -> None:
    desk = await a_desk()
    ticket = desk.psa.tickets[TICKET]
    session_id = await desk.escalated()
    await relayed(desk)
    assert ("In Progress", "Priority 2", None) == (ticket.status, ticket.priority, ticket.owner_id)
    await claimed(desk, session_id)
    await relayed(desk)
    assert member_id(desk, desk.staff.ben) == ticket.owner_id
    desk.clock.jump(timedelta(minutes=20))
    await desk.product.sessions.resolve(desk.staff.ben, session_id, summary="New certificate")
    await relayed(desk)

    assert ("Closed", [member_id(desk, desk.staff.anna), member_id(desk, desk.staff.ben)]) == (
        ticket.status,
        [entry.member_id for entry in ticket.work],
    )
    assert {PostState.POSTED, PostState.SUPPRESSED} == {state for state, _ in (await states(desk)).values()}
    assert (PostState.SUPPRESSED, "it is meant for no particular person") == (await states(desk))["escalated", "owner"]
    assert 3 == len(ticket.notes)


async def test_nothing_but_the_note_is_done_unless_somebody_says_so() -> None:
    desk = await a_desk({})
    await desk.escalated()
    await relayed(desk)

    assert {("escalated", "note")} == (await states(desk)).keys()
    assert "New" == desk.psa.tickets[TICKET].status


async def test_an_escalation_that_is_meant_for_somebody_makes_it_their_ticket() -> None:
    desk = await a_desk({"escalated": {"owner": True}})
    session_id = await desk.session()
    await desk.product.handoffs.hand_off(
        desk.staff.anna, session_id, intent=Intent.ESCALATE, reason="stuck", user_id=desk.staff.ben.user_id
    )
    await relayed(desk)

    assert member_id(desk, desk.staff.ben) == desk.psa.tickets[TICKET].owner_id


async def test_what_may_close_a_ticket_comes_last_of_all() -> None:
    """A closed ticket takes no notes: while the note has not come through, the status waits."""
    desk = await a_desk({"resolved": {"status": "Closed", "time_entry": True}})
    desk.psa.script(NotDone(Trouble.VENDOR_FAULT, "not now"))
    session_id = await desk.session()
    await desk.product.sessions.resolve(desk.staff.anna, session_id, summary="New certificate")
    await desk.relayed()
    assert ("New", 0, 0) == (desk.psa.tickets[TICKET].status, len(desk.notes()), len(desk.psa.tickets[TICKET].work))
    await relayed(desk)
    await relayed(desk)

    assert ("Closed", 1, 1) == (desk.psa.tickets[TICKET].status, len(desk.notes()), len(desk.psa.tickets[TICKET].work))


async def test_work_is_entered_once_whatever_is_lost_of_the_answer() -> None:
    """F34: after an unknown outcome the entry is looked for."""
    desk = await a_desk({"resolved": {"time_entry": True}})
    desk.psa.script(None, NotDone(Trouble.UNREACHABLE, "the line went dead", unknown=True))
    await desk.product.sessions.resolve(desk.staff.anna, await desk.session(), summary="New certificate")
    await relayed(desk)
    await relayed(desk)

    entered = next(post for post in await desk.posts() if post.action is TicketAction.TIME_ENTRY)
    assert (PostState.POSTED, 2, 1) == (entered.state, entered.attempts, len(desk.psa.tickets[TICKET].work))


async def test_a_refusal_for_good_that_may_have_been_a_success_is_looked_after() -> None:
    """F34: where the vendor's 500 means both."""
    desk = await a_desk({"resolved": {"time_entry": True}})
    desk.psa.script(None, NotDone(Trouble.REFUSED, "something is odd", unknown=True))
    await desk.product.sessions.resolve(desk.staff.anna, await desk.session(), summary="New certificate")
    await relayed(desk)

    assert (PostState.POSTED, None) == (await states(desk))["resolved", "time_entry"]
    assert 1 == len(desk.psa.tickets[TICKET].work)


async def test_a_status_that_came_too_late_is_not_set_any_more() -> None:
    """The PSA was away while the session was reopened."""
    desk = await a_desk({"resolved": {"status": "Closed"}})
    desk.psa.script(NotDone(Trouble.VENDOR_FAULT, "not now"))
    session_id = await desk.session()
    await desk.product.sessions.resolve(desk.staff.anna, session_id, summary="New certificate")
    await desk.relayed()
    await desk.product.sessions.reopen(desk.staff.anna, session_id, reason="It is back")
    await relayed(desk)
    await relayed(desk)

    assert (PostState.SUPPRESSED, "the session has moved on") == (await states(desk))["resolved", "status"]
    assert "New" == desk.psa.tickets[TICKET].status


async def test_a_status_that_the_psa_has_not_is_dead_and_the_note_stands() -> None:
    desk = await a_desk({"escalated": {"status": "On the Moon"}})
    await desk.escalated()
    await relayed(desk)

    assert {("escalated", "note"): (PostState.POSTED, None), ("escalated", "status"): (PostState.DEAD, None)} == await states(desk)


async def test_who_is_not_known_there_by_their_address_owns_nothing_and_the_log_says_so() -> None:
    desk = await a_desk({"resolved": {"owner": True, "time_entry": True}}, known=False)
    await desk.product.sessions.resolve(desk.staff.anna, await desk.session(), summary="New certificate")
    await relayed(desk)

    nobody = (PostState.SUPPRESSED, "nobody has this person's address in the PSA, or more than one")
    assert [nobody, nobody] == [(await states(desk))["resolved", action] for action in ("owner", "time_entry")]


async def test_of_two_members_with_one_address_nobody_can_tell_who_is_meant() -> None:
    desk = await a_desk({"resolved": {"owner": True}})
    anna = desk.staff.user(desk.staff.anna)
    desk.psa.people.append(Member(id="99", name="Anna's twin", email=anna.email))
    await desk.product.sessions.resolve(desk.staff.anna, await desk.session(), summary="New certificate")
    await relayed(desk)

    assert desk.psa.tickets[TICKET].owner_id is None


async def test_who_was_found_is_remembered_for_a_day_and_asked_for_again_after_that() -> None:
    desk = await a_desk({"resolved": {"owner": True}})

    async def owner_after_resolving() -> str | None:
        desk.psa.tickets[TICKET].owner_id = None
        await desk.product.sessions.resolve(desk.staff.anna, await desk.session(), summary="New certificate")
        await relayed(desk)
        return desk.psa.tickets[TICKET].owner_id

    first = await owner_after_resolving()
    desk.psa.people[:] = [Member(id="77", name="Anna", email=desk.staff.user(desk.staff.anna).email), Member(id=first or "", name="Old")]
    remembered = await owner_after_resolving()
    desk.clock.jump(GOOD_FOR)

    assert (member_id(desk, desk.staff.anna), first, "77") == (first, remembered, await owner_after_resolving())


async def test_another_connection_forgets_who_was_who() -> None:
    """Its numbers may be somebody else's there."""
    desk = await a_desk({"resolved": {"owner": True}})
    await desk.product.sessions.resolve(desk.staff.anna, await desk.session(), summary="New certificate")
    await relayed(desk)
    desk.psa.people[:] = [Member(id="77", name="Anna", email=desk.staff.user(desk.staff.anna).email)]
    await desk.product.psa.change(desk.staff.olga, (await desk.connection()).id, base_url="https://other.example")
    await desk.product.sessions.resolve(desk.staff.anna, await desk.session(), summary="New certificate")
    await relayed(desk)

    assert "77" == desk.psa.tickets[TICKET].owner_id


async def test_members_of_one_account_are_nothing_to_another() -> None:
    desk = await a_desk({"resolved": {"owner": True}})
    globex = await a_staff("Globex").kept(desk.store.begin)
    connection = await desk.connect(globex)
    await desk.product.psa.change(globex.olga, connection.id, settings={"ticket": {"resolved": {"owner": True}}})
    session_id = await desk.session("1002", by=globex.anna)
    await desk.product.sessions.resolve(globex.anna, session_id, summary="New certificate")
    await relayed(desk)

    async with desk.store.begin(globex.account_id) as work:
        assert await work.psa_members.match(connection.id, globex.anna.user_id) is not None
    async with desk.store.begin(desk.staff.account_id) as work:
        assert await work.psa_members.match(connection.id, globex.anna.user_id) is None


@pytest.mark.parametrize(
    ("ticket", "ok", "says"),
    [
        ({"resolved": {"status": "closed", "priority": "2"}}, True, ""),
        (
            {"resolved": {"status": "On the Moon"}},
            False,
            "ticket.resolved.status: there is no status On the Moon; there are Closed, In Prog",
        ),
        ({"escalated": {"priority": "Urgent"}}, False, "there is no priority Urgent; there are Priority 1, Priority 2"),
    ],
)
async def test_a_test_of_the_connection_says_what_the_psa_has_not(ticket: Mapping[str, Any], ok: bool, says: str) -> None:
    desk = await a_desk(ticket)

    tested = await desk.product.psa.test(desk.staff.olga, (await desk.connection()).id)

    assert (None if ok else Trouble.WRONG_SETTING) == tested.trouble
    assert says.casefold() in (tested.hint or "").casefold()


@pytest.mark.parametrize(
    ("ticket", "field"),
    [
        ({"parked": {"status": "New"}}, "settings.ticket.parked"),
        ({"claimed": {"time_entry": True}}, "settings.ticket.claimed.time_entry"),
        ({"resolved": {"owner": "Ben"}}, "settings.ticket.resolved.owner"),
        ({"resolved": {"status": 5}}, "settings.ticket.resolved.status"),
        ({"resolved": {"status": ""}}, "settings.ticket.resolved.status"),
        ({"resolved": True}, "settings.ticket.resolved"),
    ],
)
async def test_what_cannot_be_done_is_refused_when_it_is_set(ticket: Mapping[str, Any], field: str) -> None:
    desk = await Desk.opened()

    with pytest.raises(InvalidValue) as refused:
        await desk.product.psa.change(desk.staff.olga, (await desk.connection()).id, settings={"ticket": dict(ticket)})

    assert field == refused.value.field


async def test_settings_of_one_event_leave_the_others_as_they_were() -> None:
    desk = await a_desk(EVERYTHING)
    connection = await desk.connection()
    await desk.product.psa.change(desk.staff.olga, connection.id, settings={"ticket": {"claimed": None, "resolved": {"status": "5"}}})

    found = {kind.value: dict(change.named()) for kind, change in (await desk.connection()).changes.items()}
    assert {"escalated": EVERYTHING["escalated"], "resolved": {"status": "5"}} == found


def test_short_pauses_are_work_and_long_ones_are_not() -> None:
    staff = a_staff()
    case = a_session(by=staff.anna)
    at = [case.session.created_at + MINUTE * minutes for minutes in (10, 35, 600, 605)]
    steps = [evolve(case.step().steps[0], created_at=moment) for moment in at]

    spent = time_spent(case.session, steps, (), by=staff.anna.user_id, until=at[-1] + MINUTE * 2)

    assert TimeSpent(began=case.session.created_at, minutes=10 + 25 + 5 + 2) == spent


def test_whoever_took_over_began_when_they_did() -> None:
    staff = a_staff()
    case = a_session(by=staff.anna).step().escalated().claimed_by(staff.ben, at=NOON + MINUTE * 500)
    claim = case.handoff.claim
    assert claim is not None

    spent = time_spent(case.session, case.steps, case.handoffs, by=staff.ben.user_id, until=claim.at + MINUTE * 12)

    assert TimeSpent(began=claim.at, minutes=12) == spent


def test_some_work_is_at_least_a_minute() -> None:
    case = a_session()

    assert 1 == time_spent(case.session, (), (), by=case.session.created_by, until=case.session.created_at).minutes
