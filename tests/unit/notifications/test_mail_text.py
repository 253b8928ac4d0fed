"""The words of a mail, as text and as HTML."""

import re
from html.parser import HTMLParser

import pytest
from attrs import evolve

from flowpilot_adapters.redaction import SecretRedactor
from flowpilot_adapters.typeset import HtmlLetters
from flowpilot_core.application.kernel.computing import compute_here
from flowpilot_core.application.notifications.mail_text import CLOSINGS, LEADS, MailItem, letter, subject
from flowpilot_core.domain.access.account import Account
from flowpilot_core.domain.handoffs.handoff import Handoff
from flowpilot_core.domain.notifications.delivery import DeliveryKind
from flowpilot_core.domain.sessions.session import Ticket
from flowpilot_core.ports.assistant import Clean
from flowpilot_core.ports.notifications import Letter
from flowpilot_core.testing.builders import ANNA, BEN, NOON, STAFF, an_escalation

ACME = Account(id=STAFF.account_id, name="Acme IT", created_at=NOON)
LINK = "https://flowpilot.example/claim/abc"
EVIL = """<img src="https://evil.example/pixel"><a href='https://evil.example'>x</a><script>alert(1)</script>{{ 7 * 7 }}"""


def an_urgent_case(title: str = "VPN down", note: str | None = None) -> Handoff:
    handoff = an_escalation(by=ANNA).handoff
    return evolve(handoff, note=note, brief=evolve(handoff.brief, title=title, client_name="Contoso"))


def told(handoff: Handoff, kind: DeliveryKind = DeliveryKind.ESCALATED, *, clean: Clean = str) -> MailItem:
    return MailItem(kind=kind, handoff=handoff, escalator="Anna Engineer", link=LINK, clean=clean)


def a_letter(*handoffs: Handoff, unsubscribe: str | None = None) -> Letter:
    return letter(tuple(told(handoff) for handoff in handoffs), STAFF.user(BEN), ACME, unsubscribe=unsubscribe)


class _Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "background", "srcset")]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(("system", "name"), [("connectwise", "ConnectWise"), ("halopsa", "HaloPSA"), ("our own", "our own")])
def test_a_ticket_is_called_what_people_call_it(system: str, name: str) -> None:
    handoff = an_urgent_case()

    text = a_letter(evolve(handoff, brief=evolve(handoff.brief, ticket=Ticket(system=system, id="48211")))).text

    assert f"Ticket:   {name} 48211" in text


def test_a_letter_tells_enough_to_decide() -> None:
    text = a_letter(an_urgent_case(note="Since Monday.")).text

    assert [
        "Hello Ben Engineer,",
        "Anna Engineer is stuck and needs a colleague.",
        "VPN down",
        "Client:   Contoso",
        "Urgency:  normal",
        "Asked by: Anna Engineer",
        "Reason:   I am stuck",
        "Note:     Since Monday.",
    ] == [line for line in text.splitlines() if line][:8]
    assert f"See everything that was tried, and claim it: {LINK}" in text


def test_html_says_what_the_text_says() -> None:
    said = a_letter(an_urgent_case(note="Since Monday."), unsubscribe="https://flowpilot.example/no-mails/x")
    page = _Page(HtmlLetters()(said))

    item = said.items[0]
    for words in (said.account_name, said.greeting, said.lead, said.closing, item.title, item.link_text, *dict(item.facts).values()):
        assert words in page.text
    assert [LINK, "https://flowpilot.example/no-mails/x"] == page.links


def test_html_loads_nothing_and_shows_what_people_wrote_as_text() -> None:
    """A40: markup, links and template code of theirs are words."""
    case = an_urgent_case(title=EVIL, note=EVIL)
    html = HtmlLetters()(evolve(a_letter(case), greeting=EVIL, account_name=EVIL, lead=EVIL))
    page = _Page(html)

    assert [LINK] == page.links
    assert EVIL in page.text
    assert not page.tags & {"img", "script", "iframe", "form", "object", "link", "base"}
    assert not re.search(r"url\(|@import", html)


def test_html_reads_in_the_dark_and_on_a_narrow_screen() -> None:
    html = HtmlLetters()(a_letter(an_urgent_case()))

    assert '<meta name="color-scheme" content="light dark">' in html
    assert "prefers-color-scheme: dark" in html
    assert [] == re.findall(r"(?<!max-)width:\s*\d{3,}px", html)


@pytest.mark.anyio
async def test_a_secret_that_somebody_pasted_is_in_no_part_of_a_mail() -> None:
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    case = an_urgent_case(title=f"Token {secret} rejected", note=f"It says {secret}")
    redacted = told(case, clean=await SecretRedactor(bytes(32), compute_here).cleaner(ACME.id, [], within=case.id))

    said = letter((redacted,), STAFF.user(BEN), ACME, unsubscribe=None)

    assert secret in a_letter(case).text
    assert secret not in said.text + HtmlLetters()(said) + subject((redacted,))


def test_several_in_one_say_how_many_and_how_urgent() -> None:
    first, second = an_urgent_case("VPN down"), an_urgent_case("Printer on fire")

    said = a_letter(first, second)

    assert "[normal] 2 messages in one: VPN down and others" == subject((told(first), told(second)))
    assert ["VPN down", "Printer on fire"] == [item.title for item in said.items]


@pytest.mark.parametrize("kind", DeliveryKind)
def test_every_kind_has_its_words(kind: DeliveryKind) -> None:
    said = letter((told(an_urgent_case(), kind),), STAFF.user(BEN), ACME, unsubscribe=None)

    assert kind in LEADS
    assert kind in CLOSINGS
    assert "{" not in said.text
