"""What documents and notes for clients wear of their account."""

import re
from base64 import b64decode, b64encode
from hashlib import sha256

import pytest

from flowpilot_core.domain.access.branding import BARE, Worn
from flowpilot_core.domain.outputs.document import as_markdown, as_note, as_page
from flowpilot_core.testing.contracts.access.branding import LOGO, a_branding

WORN = Worn(branding=a_branding().with_logo(LOGO.logo), logo=LOGO.worn)


def test_a_page_holds_all_that_it_wears_and_its_policy_allows_that_and_nothing_else() -> None:
    page = as_page("Printer offline", "It prints.", WORN)

    (rule,) = re.findall("<style>(.*?)</style>", page)
    (policy,) = re.findall('http-equiv="Content-Security-Policy" content="(.*?)"', page)
    (kind, file) = re.findall('src="data:(.*?);base64,(.*?)"', page)[0]
    digest = b64encode(sha256(rule.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:" == policy
    assert "border-top:8px solid #2563eb" in rule
    assert (LOGO.worn.type, LOGO.worn.content) == (kind, b64decode(file))
    assert "<footer>\n<p>Acme IT<br>https://acme.example<br>Acme IT<br>Vienna</p>\n</footer>" in page
    assert not re.search(r"<a |<script|url\(|src=\"http", page)


def test_a_markdown_document_is_signed() -> None:
    assert as_markdown("Printer offline", "It prints.", WORN).endswith(
        "It prints.\n\n---\n\nAcme IT  \nhttps\\://acme.example  \nAcme IT  \nVienna\n"
    )


def test_a_note_is_signed_with_what_there_is() -> None:
    assert "It prints.\n\nAcme IT\nhttps://acme.example" == as_note("It prints.", a_branding(footer=None).signature())


def test_what_an_account_that_says_nothing_gives_looks_as_it_did() -> None:
    page = as_page("Printer offline", "It prints.", BARE)

    assert "content=\"default-src 'none'\"" in page
    assert not re.search("<style|<img|<footer", page)
    assert "# Printer offline\n\nIt prints.\n" == as_markdown("Printer offline", "It prints.", BARE)
    assert "It prints." == as_note("It prints.")


@pytest.mark.parametrize("field", ["display_name", "footer"])
def test_nothing_that_an_account_says_is_taken_for_markup_a66(field: str) -> None:
    """A66."""
    worn = Worn(branding=a_branding(**{field: "<script>alert(1)</script> ![x](y)"}))

    assert "<script" not in as_page("x", "y", worn)
    assert not re.search(r"<script|!\[", as_markdown("x", "y", worn))
