"""Links in mails: made by us alone, each for one person and one handoff."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpilot_core.application.kernel.links import LINKS_LAST, Links
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.testing.builders import BEN, NOON, an_escalation

LINKS = Links.of("https://flowpilot.example", b"k" * 32)
HANDOFF = an_escalation().handoff
LINK = LINKS.claim(BEN.account_id, HANDOFF.id, BEN.user_id, at=NOON)
SIGNED = LINK.removeprefix("https://flowpilot.example/claim/")


def test_a_link_says_for_whom_and_what_it_is_and_until_when() -> None:
    link = LINKS.claimed_by(SIGNED)

    assert (BEN.account_id, HANDOFF.id, BEN.user_id) == (link.account_id, link.handoff_id, link.user_id)
    assert NOON + LINKS_LAST == link.expires_at


def test_a_link_made_with_another_key_is_none() -> None:
    """A35."""
    with pytest.raises(NotFound):
        Links.of("https://flowpilot.example", b"x" * 32).claimed_by(SIGNED)


@given(st.integers(0, len(SIGNED) - 1), st.sampled_from("ABCxyz012-_"))
def test_a_link_that_was_changed_anywhere_is_none(place: int, char: str) -> None:
    """A35: but for the last character, whose last bits mean nothing."""
    changed = SIGNED[:place] + char + SIGNED[place + 1 :]
    if changed != SIGNED and place < len(SIGNED) - 1:
        with pytest.raises(NotFound):
            LINKS.claimed_by(changed)


@given(st.text() | st.text(alphabet="AZaz09-_="))
def test_what_was_never_a_link_is_none(text: str) -> None:
    with pytest.raises(NotFound):
        LINKS.claimed_by(text)


def test_an_old_link_still_says_what_it_was_for() -> None:
    """So that whoever signs in can be told that it has expired, and nobody else anything."""
    old = LINKS.claim(BEN.account_id, HANDOFF.id, BEN.user_id, at=NOON - timedelta(days=3650)).rpartition("/")[2]

    assert LINKS.claimed_by(old).expires_at < NOON


def test_the_key_is_in_no_repr() -> None:
    assert "kkk" not in repr(LINKS)
