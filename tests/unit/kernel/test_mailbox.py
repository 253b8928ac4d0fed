"""P1: when two addresses are one."""

import idna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpilot_core.domain.access.account import checked_email
from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.host_name import ascii_host
from flowpilot_core.domain.kernel.mailbox import folded_email
from flowpilot_core.domain.kernel.web_address import in_ascii

SCRIPTS = [
    "abcXYZ09-_",
    "äöüßÄÉç",
    "αβςΣ",
    "приВЕТ",
    "שלום٣",
    "مرحبا۳",
    "日本カ・ー",
    "한국어",
    "नमस्ते\u200d",
    "\ufb01\u2460\uff71\u00ad\u3002\u0130\u0131\u017fK",
]

labels = st.one_of(*(st.text(script, min_size=1, max_size=8) for script in SCRIPTS), st.text(max_size=6), st.text("xn-abc0", max_size=9))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("bob@strasse.example", "BOB@Strasse.EXAMPLE"),
        ("bob@straße.example", "bob@xn--strae-oqa.example"),
        ("bob@straße.example", "bob@XN--Strae-OQA.example"),
        ("jo\u0308rg@bu\u0308ro.example", "jörg@büro.example"),
        ("bob@acme.example", "bob@acme.example."),
    ],
)
def test_what_leads_to_one_mailbox_is_one(one: str, other: str) -> None:
    assert folded_email(one) == folded_email(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("bob@straße.example", "bob@strasse.example"),
        ("straße@acme.example", "strasse@acme.example"),
        ("bob@\u03b2\u03cc\u03bb\u03bf\u03c2.example", "bob@\u03b2\u03cc\u03bb\u03bf\u03c3.example"),
        ("\u017fam@acme.example", "sam@acme.example"),
        ("\u0131an@acme.example", "ian@acme.example"),
        ("\ufb01n@acme.example", "fin@acme.example"),
        ("JÖRG@acme.example", "jörg@acme.example"),
        ("bob@\uff41cme.example", "bob@acme.example"),
    ],
)
def test_what_may_lead_to_two_mailboxes_is_two(one: str, other: str) -> None:
    assert folded_email(one) != folded_email(other)


@pytest.mark.parametrize(
    "email", ["bob@BÜRO.example", "bob@\uff45xample.com", "bob@i♥.example", "bob@-é.example", "bob@é" + "a" * 60 + ".example"]
)
def test_a_domain_that_nobody_can_have_is_no_address(email: str) -> None:
    with pytest.raises(InvalidValue, match="its domain has a part"):
        checked_email(email)


@given(label=labels)
def test_a_name_is_what_the_package_for_names_says_or_none(label: str) -> None:
    """By one that was made from Unicode's tables, where ours is computed."""
    try:
        ours = ascii_host(label)
    except ValueError:
        return
    if not label.isascii() or ours.startswith("xn--"):
        assert idna.ulabel(ours) == idna.ulabel(idna.alabel(idna.ulabel(ours)))
        assert ours == idna.alabel(idna.ulabel(ours)).decode()


@given(label=labels)
def test_every_name_that_the_package_for_names_takes_is_one(label: str) -> None:
    try:
        theirs = idna.alabel(label).decode()
    except idna.IDNAError:
        return
    # It takes capital letters in ASCII and joiners by the shapes of the letters around them, of which Python knows nothing.
    if "\u200c" not in label:
        assert theirs.lower() == ascii_host(label)


@given(label=labels)
def test_a_name_stays_what_it_has_become(label: str) -> None:
    try:
        once = ascii_host(label)
    except ValueError:
        return
    assert once == ascii_host(once)
    assert f"https://{once}:8443/a?b#c" == in_ascii(f"https://{once}:8443/a?b#c")
