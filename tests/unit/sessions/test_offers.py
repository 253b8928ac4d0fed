"""What a session offers each person: what its status, their role and their part in it allow."""

import pytest

from flowpilot_core.domain.sessions.session import SessionMove
from flowpilot_core.testing.builders import NOON, Staff, a_session, a_staff

OWN = {SessionMove.WORK, SessionMove.PARK, SessionMove.ESCALATE, SessionMove.REASSIGN, SessionMove.RESOLVE, SessionMove.ABANDON}


@pytest.fixture
def acme() -> Staff:
    return a_staff("Acme")


def test_each_is_offered_what_they_can_do_while_it_is_active(acme: Staff) -> None:
    session = a_session(by=acme.anna).session
    helped, _ = session.joined(by=acme.ben, at=NOON)

    assert session.offers(acme.anna) == OWN
    assert session.offers(acme.ben) == {SessionMove.JOIN}
    assert helped.offers(acme.ben) == {SessionMove.LEAVE}
    assert session.offers(acme.adam) == {SessionMove.JOIN, SessionMove.REASSIGN}
    assert session.offers(acme.vera) == set()


def test_a_helper_adds_steps_and_sets_results_of_their_own(acme: Staff) -> None:
    helped, _ = a_session(by=acme.anna).session.joined(by=acme.ben, at=NOON)

    assert (True, True, False) == (
        helped.may_add_step(acme.ben),
        helped.may_set_result(acme.ben, acme.ben.user_id),
        helped.may_set_result(acme.ben, acme.anna.user_id),
    )
    assert not helped.may_add_step(acme.adam)
    assert helped.may_set_result(acme.anna, acme.ben.user_id)


def test_what_rests_can_be_resumed_and_what_is_over_reopened_and_written_up(acme: Staff) -> None:
    parked = a_session(by=acme.anna).parked().session
    resolved, _ = a_session(by=acme.anna).session.resolved("It was the cable", None, by=acme.anna, at=NOON)

    assert parked.offers(acme.anna) == {SessionMove.RESUME, SessionMove.REASSIGN}
    assert resolved.offers(acme.ben) == {SessionMove.REOPEN, SessionMove.DOCUMENT}
    assert resolved.offers(acme.vera) == set()
