"""Every link that a message has leads who follows it to a page: over the sign-in, in a browser that nobody is signed in with."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from attrs import define, field, frozen

from flowpilot_adapters.memory import MemoryStore, MemoryVault
from flowpilot_adapters.system import new_id
from flowpilot_core.application.access.secrets import Safe
from flowpilot_core.application.handoffs.quiet_claims import WatchClaims
from flowpilot_core.application.kernel.units import Units
from flowpilot_core.application.notifications.telling import Telling
from flowpilot_core.application.notifications.webhook_messages import SendWebhook, SpreadEvent
from flowpilot_core.application.relay.relay import Handler, Relay
from flowpilot_core.domain.notifications.webhook import WebhookFormat
from flowpilot_core.ports.notifications import WebhookAnswer, WebhookCall
from flowpilot_core.ports.relay import WorkKind
from flowpilot_core.testing.builders import SetClock
from flowpilot_core.testing.redaction import as_it_is
from tests.support.browser import Browser
from tests.support.http import BASE, Somebody, World, a_world_in

pytestmark = pytest.mark.anyio

_LINK = re.compile(rf"{re.escape(BASE)}(/[^\s\"<>|)\\]*)")


@define
class Receiver:
    """Takes whatever a webhook is sent."""

    bodies: list[str] = field(factory=list)

    async def call(self, call: WebhookCall) -> WebhookAnswer:
        self.bodies.append(call.body)
        return WebhookAnswer(status=200, body="ok")


@frozen
class Office:
    """A world whose webhooks are called too, and whose time passes for the relay as well."""

    world: World
    relay: Relay
    receiver: Receiver
    time: SetClock

    @classmethod
    async def open(cls) -> "Office":
        time, vault, receiver = SetClock(), MemoryVault(), Receiver()
        store = MemoryStore(clock=time, new_token=new_id)
        world = await a_world_in(store.begin, store.view, store.outbox, vault=vault)
        sending = SendWebhook(
            begin=store.begin,
            caller=receiver,
            safe=Safe(vault=vault, clock=world.clock, new_id=new_id),
            clock=world.clock,
            jitter=lambda: 0.0,
            base_url=BASE,
            redact=as_it_is,
        )
        handlers: dict[WorkKind, Handler] = {
            **world.relay.handlers,
            WorkKind.WEBHOOK: sending,
            WorkKind.QUIET_CLAIM: WatchClaims(
                units=Units(begin=store.begin, committed=lambda _: None, new_id=new_id),
                clock=world.clock,
                followers=(Telling(new_id=new_id),),
            ),
            WorkKind.WEBHOOKS: SpreadEvent(begin=store.begin, clock=world.clock, new_id=new_id),
        }
        relay = Relay(outbox=store.outbox, begin=store.begin, handlers=handlers, jitter=lambda: 0.0)
        return cls(world, relay, receiver, time)

    async def relay_runs(self) -> None:
        while await self.relay.run_once():
            pass

    def passes(self, time: timedelta) -> None:
        self.world.clock.jump(time)
        self.time.jump(time)

    def mail_to(self, who: Somebody, words: str) -> str:
        """The link of their last mail that says this."""
        text = [mail.text for mail in self.world.mailbox.messages if mail.to == who.user.email and words in mail.text][-1]
        return linked(text)

    async def follows(self, who: Somebody, link: str) -> Browser:
        """Their browser, where the link led it, with a code of theirs on the way."""
        browser = Browser(self.world.app)
        browser.client.headers["accept"] = "text/html,application/xhtml+xml,*/*;q=0.8"
        await browser.open(link)
        assert browser.path.startswith(f"/sign-in/{who.account_id}?next="), (link, browser.path)
        await browser.send(email=who.user.email)
        await self.relay_runs()
        code = re.findall(r"^    (\S+)$", self.world.mailbox.messages[-1].text, re.MULTILINE)[-1]
        await browser.send(code=code)
        assert (200, True) == (browser.page.status_code, browser.page.headers["content-type"].startswith("text/html")), browser.path
        return browser


@pytest.fixture
async def office() -> Office:
    return await Office.open()


def linked(text: str) -> str:
    """The one link that a person would follow: not the one out of mails."""
    found = [link for link in _LINK.findall(text) if not link.startswith("/no-mails/")]
    assert found, text
    return str(found[0])


async def test_the_mail_of_an_escalation_leads_to_what_was_tried(office: Office) -> None:
    world = office.world
    handoff = await world.junior.escalation()
    await office.relay_runs()

    browser = await office.follows(world.senior, office.mail_to(world.senior, "is stuck"))
    (tried,) = re.findall(r'href="([^"]+)">See everything that was tried', browser.page.text)
    await browser.open(tried)

    assert f"/escalations/{handoff['id']}" == browser.path
    assert "What was tried" in browser.page.text


async def test_a_debrief_leads_to_the_escalation(office: Office) -> None:
    world = office.world
    handoff = await world.junior.escalation()
    await world.senior.made(f"/handoffs/{handoff['id']}/claim")
    await world.senior.made(f"/ai-sessions/{handoff['session_id']}/resolve", {"summary": "New certificate"})
    await office.relay_runs()

    browser = await office.follows(world.junior, office.mail_to(world.junior, "is solved"))

    assert browser.path.startswith(f"/escalations/{handoff['id']}")
    assert "New certificate" in browser.page.text


async def test_a_wake_up_leads_to_the_parked_session(office: Office) -> None:
    world = office.world
    session = await world.junior.session()
    park = {"intent": "park", "reason": "The disk comes tomorrow", "wake_at": "2026-03-03T10:00:00Z"}
    await world.junior.made(f"/ai-sessions/{session['id']}/handoff", park)
    office.passes(timedelta(days=1))
    await office.relay_runs()

    browser = await office.follows(world.junior, office.mail_to(world.junior, "asked to be reminded"))

    assert browser.path.startswith(f"/sessions/{session['id']}")
    assert "The disk comes tomorrow" in browser.page.text


async def test_the_warning_that_a_claim_lapses_leads_to_the_escalation(office: Office) -> None:
    world = office.world
    await world.owner.client.put("/escalation-policy", json={"claim_quiet_minutes": 30})
    handoff = await world.junior.escalation()
    await world.senior.made(f"/handoffs/{handoff['id']}/claim")
    office.passes(timedelta(minutes=28))
    await office.relay_runs()

    browser = await office.follows(world.senior, office.mail_to(world.senior, "It will soon go back to the queue"))

    assert browser.path.startswith(f"/escalations/{handoff['id']}")
    assert "This has been yours" in browser.page.text


@pytest.mark.parametrize("format_", WebhookFormat)
async def test_what_a_chat_is_told_leads_to_the_escalation(office: Office, format_: WebhookFormat) -> None:
    world = office.world
    await hook(world, format_)
    handoff = await world.junior.escalation()
    await office.relay_runs()

    browser = await office.follows(world.senior, linked(office.receiver.bodies[-1]))

    assert browser.path.startswith(f"/escalations/{handoff['id']}")


@pytest.mark.parametrize("format_", [format_ for format_ in WebhookFormat if format_ is not WebhookFormat.PAGERDUTY])
async def test_a_test_message_leads_to_where_one_begins(office: Office, format_: WebhookFormat) -> None:
    world = office.world
    webhook = await hook(world, format_)
    await world.owner.made(f"/webhooks/{webhook['id']}/test")
    await office.relay_runs()

    browser = await office.follows(world.owner, linked(office.receiver.bodies[-1]))

    assert "/queue" == browser.path


async def test_a_test_of_pagerduty_opens_nothing_and_links_nowhere(office: Office) -> None:
    """PagerDuty takes links with what opens an incident alone."""
    world = office.world
    webhook = await hook(world, WebhookFormat.PAGERDUTY)
    await world.owner.made(f"/webhooks/{webhook['id']}/test")
    await office.relay_runs()

    (body,) = office.receiver.bodies
    assert {"routing_key": "R0UT1NG", "event_action": "resolve", "dedup_key": "flowpilot-test"} == json.loads(body)


async def test_what_happens_to_a_session_leads_to_its_page(office: Office) -> None:
    world = office.world
    new = {"url": "https://hooks.example/x", "kinds": ["session.resolved"], "name": "x"}
    await world.owner.made("/webhooks", new)
    session = await world.junior.session()
    await world.junior.made(f"/ai-sessions/{session['id']}/resolve", {"summary": "Rebooted it"})
    await office.relay_runs()

    browser = await office.follows(world.senior, linked(office.receiver.bodies[-1]))

    assert browser.path.startswith(f"/sessions/{session['id']}")


async def test_the_notes_on_a_ticket_lead_to_the_escalation_and_the_session(office: Office) -> None:
    world = office.world
    new = {"system": "memory", "name": "Desk", "base_url": "https://psa.example", "credentials": {"key": "good"}}
    await world.owner.made("/psa-connections", new)
    handoff = await world.junior.escalation_of(ticket={"system": "memory", "id": "1001"})
    session = await world.junior.session(ticket={"system": "memory", "id": "1002"})
    await world.junior.made(f"/ai-sessions/{session['id']}/resolve", {"summary": "Rebooted it"})
    for _ in range(3):
        await office.relay_runs()
        office.passes(timedelta(seconds=15))
    notes = [world.psa.tickets[number].notes[-1].text for number in ("1001", "1002")]

    pages = [(await office.follows(world.senior, linked(note))).path.partition("?")[0] for note in notes]

    assert [f"/escalations/{handoff['id']}", f"/sessions/{session['id']}"] == pages


async def hook(world: World, format_: WebhookFormat) -> Any:
    """A webhook of that form."""
    routing = {"routing_key": "R0UT1NG"} if format_ is WebhookFormat.PAGERDUTY else {}
    new = {"url": "https://hooks.example/x", "kinds": ["handoff.escalated"], "name": "x", "format": format_, **routing}
    return await world.owner.made("/webhooks", new)
