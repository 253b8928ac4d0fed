"""What a text, a name, an address and a token may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpilot_core.domain.access.account import checked_email
from flowpilot_core.domain.kernel.errors import InvalidValue, Unauthenticated
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.domain.kernel.name import checked_name
from flowpilot_core.domain.kernel.secret_text import parse_token, token_digest, token_text
from flowpilot_core.domain.kernel.text import EVIDENCE, PROSE, TITLE, counted, evidence, optional_text, text
from flowpilot_core.testing.builders import ANNA, a_session, new_id
from flowpilot_core.testing.strategies import said, texts


@given(said())
def test_whatever_says_something_and_can_be_stored_is_kept_as_it_is(value: str) -> None:
    assert value == text("reason", value)


@pytest.mark.parametrize("value", ["", " ", "\n\t", "\u3000"])
def test_a_blank_text_says_nothing(value: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        text("reason", value)

    assert "reason" == refused.value.field
    assert value == optional_text("note", value)
    assert optional_text("note", None) is None


@pytest.mark.parametrize("bad", ["\0", "\ud800", "last \udfff", "a\0b", "before \udc00 after"])
def test_nul_and_lone_surrogates_are_refused_wherever_they_stand(bad: str) -> None:
    for check in (text, optional_text, evidence):
        with pytest.raises(InvalidValue) as refused:
            check("f", f"x{bad}")
        assert "f" == refused.value.field
    with pytest.raises(InvalidValue):
        a_session(title=f"x{bad}")
    with pytest.raises(InvalidValue):
        a_session().step(f"x{bad}")
    with pytest.raises(InvalidValue):
        a_session().escalated(note=f"x{bad}")


def test_a_text_may_be_as_long_as_its_bound_and_no_longer() -> None:
    assert "x" * PROSE == text("reason", "x" * PROSE)
    with pytest.raises(InvalidValue):
        text("reason", "x" * (PROSE + 1))
    with pytest.raises(InvalidValue):
        a_session(title="x" * (TITLE + 1))


@pytest.mark.parametrize("character", ["x", "ü", "\U0001f5a8"])
def test_evidence_is_bounded_in_bytes(character: str) -> None:
    most = character * (EVIDENCE // len(character.encode()))

    assert most == evidence("evidence", most)
    with pytest.raises(InvalidValue):
        evidence("evidence", most + character)


def test_evidence_of_one_byte_too_many_is_too_long() -> None:
    with pytest.raises(InvalidValue):
        evidence("evidence", "ü" * (EVIDENCE // 2) + "x")


@pytest.mark.parametrize("value", ["Ben\nMüller", "Ben\r\nBcc: eve@evil.example", "tab\there", " "])
def test_a_name_is_one_line(value: str) -> None:
    """A39: it stands in the header of a mail."""
    with pytest.raises(InvalidValue):
        checked_name(value)


@pytest.mark.parametrize("value", ["ben@acme.example", "ben+tickets@sub.acme.example", "jürgen@müller.example"])
def test_an_address_is_kept_as_it_is(value: str) -> None:
    assert value == checked_email(value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "ben",
        "@acme.example",
        "ben@",
        "a@b@c.example",
        "ben @acme.example",
        "ben@acme.example\r\nBcc: eve",
        "<ben@acme.example>",
        "a,b@c.d",
    ],
)
def test_what_can_not_be_an_address_is_refused(value: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        checked_email(value)

    assert "email" == refused.value.field


@given(st.uuids().map(AccountId), st.binary(min_size=32, max_size=32))
def test_a_token_names_its_account_and_keeps_no_secret(account_id: AccountId, secret: bytes) -> None:
    parsed = parse_token(token_text(account_id, secret))

    assert (account_id, token_digest(secret)) == (parsed.account_id, parsed.digest)
    assert secret not in parsed.digest


@given(st.data())
def test_a_token_with_one_character_changed_stands_for_nobody(data: st.DataObject) -> None:
    token = token_text(AccountId(new_id()), bytes(32))
    place = data.draw(st.integers(0, len(token) - 1))
    character = data.draw(st.characters(codec="ascii").filter(lambda character: character != token[place]))

    with pytest.raises(Unauthenticated):
        parse_token(token[:place] + character + token[place + 1 :])


@given(texts())
def test_no_other_text_is_a_token(value: str) -> None:
    with pytest.raises(Unauthenticated):
        parse_token(value)


@pytest.mark.parametrize(("number", "words"), [(0, "0 tries"), (1, "1 try"), (2, "2 tries")])
def test_one_thing_is_said_as_one(number: int, words: str) -> None:
    assert words == counted(number, "try", "tries")


def test_what_was_done_so_far_is_said_as_people_do() -> None:
    case = a_session(by=ANNA).step("rebooted it").escalated()

    assert case.handoff.brief.so_far.endswith("(1 step in 1 branch)")
