"""Whatever people write, nothing that is to stay here leaves: not for a model, a mail, a PSA or a webhook."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from attrs import define, field
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowpilot_adapters.memory import MemoryNotifier, MemoryPsa, MemoryStore, MemoryTicket, MemoryVault
from flowpilot_adapters.redaction import SecretRedactor
from flowpilot_adapters.system import new_id, new_secret
from flowpilot_adapters.typeset import HtmlLetters
from flowpilot_core.application.assessing import MakeAssessment
from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_core.application.links import Links
from flowpilot_core.application.models import Models
from flowpilot_core.application.notifications import SendDelivery
from flowpilot_core.application.posting import PostNote
from flowpilot_core.application.psa_access import Psas
from flowpilot_core.application.reactions import reactions
from flowpilot_core.application.relay import Handler, Relay
from flowpilot_core.application.rules_assistant import RulesAssistant
from flowpilot_core.application.secrets import Safe
from flowpilot_core.application.suggesting import MakeSuggestion
from flowpilot_core.application.units import Units
from flowpilot_core.application.webhook_messages import SendWebhook, SpreadEvent
from flowpilot_core.domain.branch import Option
from flowpilot_core.domain.events import EventKind, Plain
from flowpilot_core.domain.handoff import Intent
from flowpilot_core.domain.psa_connection import NoteKind
from flowpilot_core.domain.session import Ticket
from flowpilot_core.domain.step import StepKind
from flowpilot_core.domain.webhook import WebhookFormat
from flowpilot_core.ports.assistant import Opinion, Question
from flowpilot_core.ports.outbox import WorkKind
from flowpilot_core.ports.webhooks import WebhookAnswer, WebhookCall
from flowpilot_core.testing.builders import SetClock, a_staff
from flowpilot_core.testing.secrets_corpus import Sample, with_secrets

SAMPLES = list(with_secrets(11, each=1))
AROUND = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=30)
BASE = "https://flowpilot.example"
KEY = bytes(32)


@define
class Overheard:
    """Everything that anybody outside was given, as text."""

    said: list[str] = field(factory=list)
    name: str = "overheard"

    async def assess(self, question: Question) -> Opinion:
        """A model that is shown the case, and says what the rules say."""
        self.said.append(repr((question.snapshot, question.similar, question.rules)))
        return await RulesAssistant().assess(question)

    async def call(self, call: WebhookCall) -> WebhookAnswer:
        """A webhook."""
        self.said.append(call.body)
        return WebhookAnswer(status=200, body="")


async def everything_that_leaves(text: str, title: str, *, personal: bool) -> list[str]:
    """A whole story in which everything that people can write says `text`, and all that was told outside of it."""
    clock, outside, mail, vault = SetClock(), Overheard(), MemoryNotifier(), MemoryVault()
    psa = MemoryPsa(tickets={"1": MemoryTicket()}, longest=100_000)
    store = MemoryStore(clock=clock, new_token=new_id)
    staff = await a_staff().kept(store.begin)
    product = FlowPilot.of(
        begin=store.begin,
        view=store.view,
        clock=clock,
        new_id=new_id,
        new_secret=new_secret,
        vault=vault,
        psas={psa.system: psa},
        models=True,
    )
    if personal:
        await product.account.change(staff.olga, redacts_personal=True)
    for format in WebhookFormat:
        routing_key = "r" * 32 if format is WebhookFormat.PAGERDUTY else None
        kinds = frozenset({EventKind.HANDOFF_ESCALATED, EventKind.HANDOFF_CLAIMED})
        await product.webhooks.add(
            staff.olga, url="https://chat.example/x", kinds=kinds, name="Chat", format=format, routing_key=routing_key
        )
    notes: dict[str, Plain] = {str(kind): True for kind in (NoteKind.PARKED, NoteKind.ESCALATED, NoteKind.CLAIMED, NoteKind.RESOLVED)}
    await product.psa.connect(
        staff.olga, system=psa.system, name="Desk", base_url=BASE, credentials={"key": "good"}, settings={"notes": notes}
    )
    relay = _relay(store, clock, outside, mail, Psas(vendors={psa.system: psa}, safe=Safe(vault=vault, clock=clock, new_id=new_id)))

    anna, ben = staff.anna, staff.ben
    session = await product.sessions.start(anna, title=title, problem=text, client_name=title, ticket=Ticket(system=psa.system, id="1"))
    session_id = session.session.id
    step = await product.sessions.add_step(anna, session_id, kind=StepKind.ACTION, content=text, evidence=text)
    await product.sessions.fork(
        anna,
        session_id,
        at_step_id=step.id,
        reason=text,
        options=[Option(label=title, hypothesis=text), Option(label="the other", hypothesis="x")],
    )
    await product.suggestions.ask(anna, session_id)
    handed = await product.handoffs.hand_off(anna, session_id, intent=Intent.ESCALATE, reason=text, note=text)
    await _done(relay, clock)
    await product.handoffs.claim(ben, handed.handoff.id)
    await product.sessions.resolve(ben, session_id, summary=text, root_cause=text)
    await _done(relay, clock)

    mails = [repr((one.subject, one.text, one.html, one.to_name, one.account_name)) for one in mail.messages]
    posted = [repr((note.title, note.text)) for note in psa.tickets["1"].notes]
    assert len(outside.said) >= len(WebhookFormat) + 2, "every webhook and the model were told"
    assert mails, "somebody was mailed"
    assert len(posted) == 3, "an escalation, a claim and a resolution were noted"
    return [*outside.said, *mails, *posted]


def _relay(store: MemoryStore, clock: SetClock, outside: Overheard, mail: MemoryNotifier, psas: Psas) -> Relay:
    begin, redact = store.begin, SecretRedactor(KEY)
    units = Units(begin=begin, committed=lambda _: None, new_id=new_id, reactions=reactions(new_id))
    models = Models(begin=begin, clock=clock, assistants=[outside], tokens=10_000_000)
    handlers: dict[WorkKind, Handler] = {
        WorkKind.DELIVERY: SendDelivery(
            units=Units(begin=begin, committed=lambda _: None, new_id=new_id),
            notifier=mail,
            clock=clock,
            jitter=lambda: 0.0,
            links=Links.of(BASE, KEY),
            redact=redact,
            typeset=HtmlLetters(),
            mail_domain="msp.example",
        ),
        WorkKind.ASSESSMENT: MakeAssessment(units=units, view=store.view, redact=redact, clock=clock, models=models),
        WorkKind.SUGGESTION: MakeSuggestion(units=units, view=store.view, redact=redact, models=models),
        WorkKind.WEBHOOKS: SpreadEvent(begin=begin, clock=clock, new_id=new_id),
        WorkKind.WEBHOOK: SendWebhook(
            begin=begin, caller=outside, safe=psas.safe, clock=clock, jitter=lambda: 0.0, base_url=BASE, redact=redact
        ),
        WorkKind.PSA_POST: PostNote(units=units, psas=psas, clock=clock, jitter=lambda: 0.0, redact=redact, base_url=BASE),
    }
    return Relay(outbox=store.outbox, begin=begin, handlers=handlers, jitter=lambda: 0.0)


async def _done(relay: Relay, clock: SetClock) -> None:
    for _ in range(3):
        while await relay.run_once():
            pass
        clock.jump(timedelta(minutes=2))


def left(samples: Sequence[str], said: Sequence[str]) -> list[str]:
    """Which of them somebody outside was told, however it was written."""
    ways = {sample: {sample, repr(sample)[1:-1], sample.replace("&", "&amp;").replace("<", "&lt;")} for sample in samples}
    return [sample for sample, written in ways.items() if any(way in one for way in written for one in said)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sample=st.sampled_from(SAMPLES), before=AROUND, after=AROUND)
def test_whatever_people_write_no_secret_of_the_corpus_leaves(sample: Sample, before: str, after: str) -> None:
    """F31, A40, A41: in titles, problems, steps, evidence, reasons and resolutions; personal data too, where the account wants it."""
    text = f"x{before}\n{sample.text}\n{after}"
    one_line = " ".join(sample.text.split())
    title = one_line if sample.text == one_line and len(one_line) <= 200 else "Printer offline"

    said = asyncio.run(everything_that_leaves(text, title, personal=sample.personal))

    assert [] == left(sample.secrets, said)


def test_personal_data_leaves_where_the_account_says_nothing() -> None:
    """What would not notice a leak proves nothing."""
    text = "Call Nina on +49 30 901820, nina.new@contoso.example"

    free, kept = (asyncio.run(everything_that_leaves(text, "Printer", personal=personal)) for personal in (False, True))

    assert ["nina.new@contoso.example"] == left(["nina.new@contoso.example"], free)
    assert [] == left(["nina.new@contoso.example", "+49 30 901820"], kept)
