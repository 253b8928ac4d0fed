"""What an account shows of itself: colours that are seen, text that is read on them, and names and lines that are what they look like."""

import re
from importlib.resources import files

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from flowpilot_core.domain.access.branding import (
    BLACK,
    GROUNDS,
    LARGEST_LOGO,
    LONGEST_FOOTER,
    READ,
    SEEN,
    WHITE,
    Branding,
    BrandingWords,
    Colour,
    LogoFile,
    contrast,
)
from flowpilot_core.domain.kernel.errors import InvalidPicture, InvalidValue, LowContrast, VersionConflict
from flowpilot_core.domain.kernel.image import Image, PictureType
from flowpilot_core.testing.contracts.access.branding import LOGO, a_branding

COLOURS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


@pytest.mark.parametrize(
    ("one", "other", "expected"), [(BLACK, WHITE, 21.0), (WHITE, WHITE, 1.0), ("#777777", WHITE, 4.48), ("#0000ff", WHITE, 8.59)]
)
def test_contrast_is_what_wcag_says(one: str, other: str, expected: float) -> None:
    assert (expected, expected) == (round(contrast(one, other), 2), round(contrast(other, one), 2))


@given(COLOURS)
def test_a_colour_is_taken_where_it_is_seen_on_both_grounds_and_text_is_read_on_it(value: str) -> None:
    too_low = [scheme for scheme, (ground, *_) in GROUNDS.items() if contrast(value, ground) < SEEN]

    if too_low:
        with pytest.raises(LowContrast) as refused:
            Colour.checked(value)
        assert (value, too_low[0]) == (refused.value.colour, refused.value.scheme)
        assert refused.value.contrast < SEEN
        return

    colour = Colour.checked(value)
    assert contrast(colour.text, value) >= READ
    assert contrast(colour.text, value) == max(contrast(BLACK, value), contrast(WHITE, value))
    for scheme, grounds in GROUNDS.items():
        assert all(contrast(colour.on(scheme), ground) >= READ for ground in grounds)


@pytest.mark.parametrize(("value", "scheme"), [("#ffff00", "light"), ("#ffffff", "light"), ("#000080", "dark"), ("#000000", "dark")])
def test_a_colour_that_is_not_seen_is_refused_with_the_page_it_is_not_seen_on(value: str, scheme: str) -> None:
    with pytest.raises(LowContrast) as refused:
        Colour.checked(value)

    assert scheme == refused.value.scheme


@pytest.mark.parametrize("value", ["red", "#fff", "2563eb", "#2563eb80", "#25 3eb", "url(//x)", "#2563eb;}", "var(--ink)", "\u0660" * 6])
def test_what_is_no_colour_is_refused_a66(value: str) -> None:
    """A66."""
    with pytest.raises(InvalidValue) as refused:
        Colour.checked(value)

    assert "colour" == refused.value.field


def test_a_colour_is_the_same_however_it_is_written() -> None:
    assert Colour.checked("#2563eb") == Colour.checked(" #2563EB ")


def test_the_grounds_are_those_that_pages_are_drawn_on() -> None:
    tokens = files("flowpilot_http.pages").joinpath("static/tokens.css").read_text(encoding="utf-8")
    drawn = [re.search(rf"--{name}: light-dark\((#\w+), (#\w+)\)", tokens) for name in ("ground", "paper", "note")]

    assert list(zip(*GROUNDS.values(), strict=True)) == [found.groups() for found in drawn if found]


def test_what_is_left_out_is_not_said() -> None:
    assert evolve(Branding(), version=3) == a_branding().changed(BrandingWords(display_name="", colour="", website="", footer=" \r\n "))


def test_the_logo_stays_when_the_rest_changes() -> None:
    with_logo = Branding().with_logo(LOGO.logo)

    changed = with_logo.changed(BrandingWords(display_name="Acme"))

    assert (with_logo.logo, 3) == (changed.logo, changed.version)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("display_name", "Acme\r\nBcc: all@example.test"),
        ("display_name", "Acme\u202egro.knab"),
        ("display_name", "Acme\u200b"),
        ("display_name", "support@bank.example"),
        ("mail_sender_name", "Your bank <help@bank.example>"),
        ("mail_sender_name", "x" * 201),
        ("footer", "Acme\u202e"),
        ("footer", "Acme\x1b[2J"),
        ("footer", "x" * (LONGEST_FOOTER + 1)),
        ("website", "javascript:alert(1)"),
        ("website", "https://bank.example@evil.example"),
        ("website", "acme.example"),
        ("website", "https://acme.example/\nSet-Cookie"),
    ],
)
def test_a_name_a_line_or_an_address_that_is_not_what_it_looks_like_is_refused_a66(field: str, value: str) -> None:
    """A66."""
    with pytest.raises(InvalidValue) as refused:
        a_branding(**{field: value})

    assert field == refused.value.field


def test_a_logo_that_grows_past_the_bound_when_it_is_written_anew_is_refused_a66() -> None:
    """A66."""
    with pytest.raises(InvalidPicture):
        LogoFile.of(Image(type=PictureType.PNG, width=1, height=1, content=bytes(LARGEST_LOGO + 1)))


def test_mails_come_from_whoever_is_said_first() -> None:
    said = a_branding()

    assert ["Acme Service Desk", "Acme IT", "Account"] == [
        one.sender("Account") for one in (said, evolve(said, mail_sender_name=None), Branding())
    ]


def test_what_goes_to_clients_is_signed_with_what_there_is() -> None:
    assert ["Acme IT\nhttps://acme.example\nAcme IT\nVienna", ""] == [one.signature() for one in (a_branding(), Branding())]


def test_whoever_acts_on_another_version_is_refused() -> None:
    Branding().require_version(None)
    Branding().require_version(1)
    with pytest.raises(VersionConflict):
        a_branding().require_version(1)
