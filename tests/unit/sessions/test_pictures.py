"""Pictures of steps: who adds one, how many there may be, and what a snapshot says of them."""

from datetime import UTC, datetime

import pytest

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import InvalidTransition, InvalidValue, NotAssignee, PictureLimit, RoleForbidden
from flowpilot_core.domain.kernel.events import EventKind
from flowpilot_core.domain.kernel.identifiers import PictureId
from flowpilot_core.domain.kernel.image import Image, PictureType
from flowpilot_core.domain.sessions.bounds import Bounds
from flowpilot_core.domain.sessions.picture import Picture
from flowpilot_core.testing.builders import ANNA, BEN, VERA, a_session, new_id

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
FILE = Image(type=PictureType.PNG, width=3, height=2, content=b"abc")


def a_picture(alt: str | None = None) -> Picture:
    return Picture.of(PictureId(new_id()), FILE, alt)


def test_what_is_said_of_a_picture_is_said_of_its_file() -> None:
    picture = a_picture("The error")

    assert ("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 3, 2, 3, "The error") == (
        picture.sha256,
        picture.width,
        picture.height,
        picture.bytes,
        picture.alt,
    )


@pytest.mark.parametrize("alt", ["x" * 201, "two\nlines", "turned \u202e round", "\x1b[31m"])
def test_what_a_picture_shows_is_one_line_of_printable_text(alt: str) -> None:
    with pytest.raises(InvalidValue):
        a_picture(alt)


def test_a_picture_that_nobody_says_anything_of_has_no_words() -> None:
    assert [None, None] == [a_picture(alt).alt for alt in (None, "")]


def test_a_picture_is_added_to_its_step_and_put_on_record() -> None:
    case = a_session(by=ANNA).step()
    first, second = a_picture(), a_picture()

    session, step, _ = case.session.with_picture(case.steps[0], first, by=ANNA, at=NOON)
    session, step, event = session.with_picture(step, second, by=ANNA, at=NOON)

    assert ((first, second), 2) == (step.pictures, session.picture_count)
    assert (EventKind.PICTURE_ADDED, str(second.id), 1) == (event.kind, event.changed["picture_id"], event.changed["number"])


def test_one_more_than_there_may_be_is_refused() -> None:
    case = a_session(by=ANNA).step()
    session, step, _ = case.session.with_picture(case.steps[0], a_picture(), by=ANNA, at=NOON)

    with pytest.raises(PictureLimit) as refused:
        session.with_picture(step, a_picture(), by=ANNA, at=NOON, bounds=Bounds(pictures=1))

    assert 1 == refused.value.most
    assert 20 == Bounds().pictures


@pytest.mark.parametrize(("who", "refusal"), [(BEN, NotAssignee), (VERA, RoleForbidden)])
def test_nobody_else_adds_one(who: Person, refusal: type[Exception]) -> None:
    case = a_session(by=ANNA).step()

    with pytest.raises(refusal):
        case.session.with_picture(case.steps[0], a_picture(), by=who, at=NOON)
    assert not case.session.may_add_picture(who, ANNA.user_id)


def test_a_helper_adds_one_to_their_own_steps_alone() -> None:
    case = a_session(by=ANNA).step()
    session, _ = case.session.joined(by=BEN, at=NOON)
    session, theirs, _ = session.with_step(case.steps[0].id, kind=case.steps[0].kind, content="looked", by=BEN, at=NOON)

    assert 1 == session.with_picture(theirs, a_picture(), by=BEN, at=NOON)[0].picture_count
    with pytest.raises(NotAssignee):
        session.with_picture(case.steps[0], a_picture(), by=BEN, at=NOON)
    assert [True, False] == [session.may_add_picture(BEN, added_by) for added_by in (BEN.user_id, ANNA.user_id)]


def test_none_is_added_while_it_waits_for_a_colleague() -> None:
    case = a_session(by=ANNA).step().escalated()

    with pytest.raises(InvalidTransition):
        case.session.with_picture(case.steps[0], a_picture(), by=ANNA, at=NOON)
