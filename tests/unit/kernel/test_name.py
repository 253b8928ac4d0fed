"""What something may be called."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.name import checked_name, escaped, optional_name, printable

SHOWN = [
    "Zoë Müller",
    "O'Neil & Sons (Kraków) \u2013 “Büro” #1",
    "佐藤 花子",
    "Nguyễn Thị Hà",
    "שרה כהן",
    "\u0645\u062d\u0645\u062f \u0639\u0644\u064a",
    "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "क्\u200dष",
    "क्\u200cष",
    "❤️ Team",
    "👩\u200d💻 Helpdesk",
    "👩🏽\u200d🔧",
    "👨\u200d👩\u200d👧",
    "🏳️\u200d🌈",
]


@pytest.mark.parametrize("name", SHOWN)
def test_what_people_are_called_in_any_script_is_a_name(name: str) -> None:
    assert (name, name, name, name) == (checked_name(name), optional_name(name, "client_name"), printable(name), escaped(name))


@pytest.mark.parametrize(
    ("name", "place"),
    [
        *((character, f"U+{ord(character):04X}") for character in "\x1b\x07\n\r\t\x7f\x85\x9b\u2028\u2029"),
        *((character, f"U+{ord(character):04X}") for character in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"),
        *((character, f"U+{ord(character):04X}") for character in "\u200b\u200e\u200f\u061c\u2060\ufeff\u00ad\u034f\u3164\u115f\u180e"),
        *((character, f"U+{ord(character):04X}") for character in "\U000e0061\U000e0100\ue000\ufffe\U0010ffff\u2064\ufff9"),
        ("\u200c", "U+200C"),
        ("\u200d", "U+200D"),
        ("\ufe0f", "U+FE0F"),
        ("\u062f\u200c\u0627", "U+200C"),
        ("\u0628\u200c", "U+200C"),
        ("❤\ufe0f\ufe0f", "U+FE0F"),
        ("💻\u200d", "U+200D"),
        ("^\ufe0f", "U+FE0F"),
    ],
)
def test_what_does_not_show_or_turns_others_round_is_no_part_of_a_name(name: str, place: str) -> None:
    """A47: unless a script or an emoji needs it there."""
    with pytest.raises(InvalidValue) as refused:
        checked_name(f"a{name}b", "title")

    assert ("title", f"must be one line of printable text, without {place}") == (refused.value.field, refused.value.problem)


@pytest.mark.parametrize("space", "\u00a0\u2003\u202f\u3000")
def test_spaces_are_all_one(space: str) -> None:
    assert "Ann Lee" == checked_name(f"{space}Ann{space}Lee{space}")


def test_what_may_be_left_out_may_be_empty() -> None:
    assert (None, "") == (optional_name(None, "client_name"), optional_name("", "client_name"))
    with pytest.raises(InvalidValue):
        checked_name(" ")


def test_lines_and_tabs_of_prose_stay() -> None:
    assert "a\n\tb\n" == printable("a\r\n\tb\u202e\n")
    assert "a\n\\tb\\x1b" == escaped("a\n\tb\x1b")


@given(st.text())
def test_what_a_terminal_is_shown_holds_nothing_that_it_obeys(prose: str) -> None:
    """A47"""
    told = escaped(prose)

    assert not [one for one in told if one != "\n" and unicodedata.category(one) in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp")]
    assert not set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200b\u200e\u200f\ufeff").intersection(told)
    assert told == escaped(told)
