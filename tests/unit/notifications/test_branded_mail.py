"""What mails wear of their account: nothing where it says nothing, else its name, colour, logo and lines."""

import email
import email.policy
from email.message import EmailMessage

import pytest
from attrs import evolve

from flowpilot_adapters.smtp.message import written
from flowpilot_adapters.typeset import HtmlLetters
from flowpilot_core.application.notifications.mail_text import letter
from flowpilot_core.domain.access.branding import Branding, LogoFiles, Worn
from flowpilot_core.domain.kernel.image import Image, PictureType
from flowpilot_core.ports.notifications import LOGO_ID, Letter
from flowpilot_core.testing.builders import BEN, NOON, STAFF
from flowpilot_core.testing.contracts.access.branding import LOGO, a_branding
from flowpilot_core.testing.contracts.notifications.notifier import a_message

from .test_mail_text import ACME, EVIL, an_urgent_case, told

WORN = Worn(branding=a_branding().with_logo(LOGO.logo), logo=LOGO.worn)


def a_letter(worn: Worn) -> Letter:
    return letter((told(an_urgent_case()),), STAFF.user(BEN), ACME, unsubscribe=None, worn=worn)


def sent(logo: Image | None) -> EmailMessage:
    """A mail, as a program reads it."""
    raw = written(evolve(a_message(), html="<p>Hello</p>", logo=logo), sender="flowpilot@msp.example", at=NOON).content
    mail = email.message_from_bytes(raw.removesuffix(b".\r\n"), _class=EmailMessage, policy=email.policy.SMTPUTF8)
    assert isinstance(mail, EmailMessage)
    return mail


def test_a_letter_wears_what_its_account_says() -> None:
    html, text = HtmlLetters()(a_letter(WORN)), a_letter(WORN).text

    assert f'<img src="cid:{LOGO_ID}" alt="" width="160"' in html
    assert "background:#2563eb;color:#ffffff" in html
    assert "#6ea8fe" not in html
    assert ">Acme IT</p>" in html
    assert "https://acme.example\nAcme IT\nVienna</p>" in html
    assert text.endswith("\n\nAcme IT\nhttps://acme.example\nAcme IT\nVienna\n")


def test_a_letter_of_an_account_that_says_nothing_looks_as_it_did() -> None:
    html = HtmlLetters()(a_letter(Worn()))

    assert "background:#1d4ed8;color:#ffffff" in html
    assert ".go { background: #6ea8fe !important; color: #10131a !important; }" in html
    assert "<img" not in html
    assert a_letter(Worn()).text.endswith("at Acme IT.\n")


@pytest.mark.parametrize("field", ["display_name", "footer", "mail_sender_name"])
def test_nothing_that_an_account_says_is_taken_for_markup_a66(field: str) -> None:
    """A66."""
    evil = EVIL.replace("https://evil.example", "evil")

    html = HtmlLetters()(a_letter(Worn(branding=a_branding(**{field: evil}))))

    assert "<script" not in html
    assert "<img" not in html


@pytest.mark.parametrize("kind", list(PictureType))
def test_the_logo_comes_along_and_is_shown_by_its_id(kind: PictureType) -> None:
    mail = sent(evolve(LOGO.worn, type=kind))

    text, shown = mail.iter_parts()
    html, logo = shown.iter_parts()
    assert ("multipart/alternative", "text/plain", "multipart/related", "text/html") == tuple(
        part.get_content_type() for part in (mail, text, shown, html)
    )
    assert (kind, f"<{LOGO_ID}>", "inline") == (logo.get_content_type(), logo["Content-ID"], logo.get_content_disposition())
    assert LOGO.worn.content == logo.get_content()


def test_a_mail_with_a_logo_is_the_same_at_every_attempt() -> None:
    assert sent(LOGO.worn).as_bytes() == sent(LOGO.worn).as_bytes()


def test_a_mail_without_a_logo_has_its_two_texts_alone() -> None:
    assert ["text/plain", "text/html"] == [part.get_content_type() for part in sent(None).iter_parts()]


def test_a_logo_alone_changes_nothing_else_of_a_letter() -> None:
    worn = Worn(branding=Branding().with_logo(LogoFiles(whole=LOGO.whole, worn=LOGO.worn).logo), logo=LOGO.worn)

    assert a_letter(Worn()).text == a_letter(worn).text
