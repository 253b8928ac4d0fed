"""A model may better an output; what the rules wrote stands until then, and where nothing comes of it."""

from collections.abc import Mapping

import pytest
from attrs import frozen

from flowpilot_adapters.memory import MemoryAssistant, MemoryStore
from flowpilot_adapters.system import new_id
from flowpilot_core.application.assistant.models import SET_ASIDE, Models
from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_core.application.kernel.units import Units
from flowpilot_core.application.outputs.rewriting import BetterOutput
from flowpilot_core.application.relay.relay import Relay
from flowpilot_core.domain.assistant.diagnosis import Draft, Said
from flowpilot_core.domain.outputs.output import Author, Output, OutputKind
from flowpilot_core.domain.sessions.step import StepKind
from flowpilot_core.ports.assistant import NotAssessed
from flowpilot_core.ports.relay import WorkKind
from flowpilot_core.testing.builders import Case, SetClock, Staff, a_session, a_staff
from flowpilot_core.testing.redaction import as_it_is
from tests.support.product import a_product

pytestmark = pytest.mark.anyio

SECRET = "The CFO is difficult today"


@frozen(kw_only=True)
class Desk:
    """A resolved session, a model, and whoever asks it."""

    staff: Staff
    case: Case
    product: FlowPilot
    relay: Relay
    model: MemoryAssistant

    async def made(self, kind: OutputKind = OutputKind.PSA_NOTE) -> Output:
        """An output as it is made."""
        return (await self.product.outputs.make(self.staff.anna, self.case.id, kind)).output

    async def after(self, output: Output) -> Output:
        """The same once the relay has run."""
        while await self.relay.run_once():
            pass
        return (await self.product.outputs.get(self.staff.anna, self.case.id, output.id)).output


async def a_desk(*, tokens: int = SET_ASIDE) -> Desk:
    store, clock, model = MemoryStore(clock=SetClock(), new_token=new_id), SetClock(), MemoryAssistant()
    staff = await a_staff().kept(store.begin)
    case = a_session(by=staff.anna).step("swapped the cable").step(SECRET, kind=StepKind.NOTE, result=None)
    case = await case.resolved("Moved it to port 7", "a dead port").kept(store.begin)
    product = a_product(store, clock=clock, new_secret=lambda: b"s" * 32, models=True, redact=as_it_is)
    better = BetterOutput(
        units=Units(begin=store.begin, committed=lambda _: None, new_id=new_id),
        redact=as_it_is,
        clock=clock,
        models=Models(begin=store.begin, clock=clock, assistants=[model], tokens=tokens),
    )
    relay = Relay(outbox=store.outbox, begin=store.begin, handlers={WorkKind.OUTPUT: better}, jitter=lambda: 0.0)
    return Desk(staff=staff, case=case, product=product, relay=relay, model=model)


def paragraphs(*texts: str) -> Draft:
    return Draft(headline="Solved", summary=tuple(Said(text=text) for text in texts))


async def test_a_models_paragraphs_are_the_next_version_and_the_facts_of_the_rules_stay() -> None:
    desk = await a_desk()
    desk.model.script(paragraphs("The port was dead.", "See [this](https://evil.example)."))

    made = await desk.made()
    better = await desk.after(made)

    assert (True, 1, Author.RULES) == (made.pending, made.version, made.versions[-1].made_by)
    assert (False, 2, Author.MODEL, "scripted:a-script") == (
        better.pending,
        better.version,
        better.versions[-1].made_by,
        better.versions[-1].model,
    )
    assert f"## In short\n\nThe port was dead.\n\nSee this.\n\n{made.body}" == better.body
    assert made.body == better.versions[0].body


@pytest.mark.parametrize(
    ("outcome", "problem"),
    [
        (NotAssessed("it is overloaded"), "scripted:a-script: it is overloaded"),
        (RuntimeError(), "scripted:a-script: it failed (RuntimeError)"),
        (paragraphs("", "  "), "it had nothing to add"),
    ],
)
async def test_where_no_model_betters_it_the_one_of_the_rules_stands_and_says_so(outcome: Draft | Exception, problem: str) -> None:
    desk = await a_desk()
    desk.model.script(outcome)

    made = await desk.made()
    left = await desk.after(made)

    assert (False, 1, made.body, problem) == (left.pending, left.version, left.body, left.problem)


async def test_an_account_without_tokens_is_left_with_the_rules() -> None:
    desk = await a_desk(tokens=SET_ASIDE - 1)

    left = await desk.after(await desk.made())

    assert ("the account's tokens for this month are used up", []) == (left.problem, desk.model.questions)


async def test_who_takes_it_up_as_it_is_keeps_it_so() -> None:
    desk = await a_desk()
    desk.model.script(paragraphs("Too late"))
    made = await desk.made()
    approved = (await desk.product.outputs.approve(desk.staff.anna, desk.case.id, made.id)).output

    assert approved == await desk.after(made)


async def test_for_a_client_a_model_is_told_nothing_that_was_said_among_colleagues_and_can_say_nothing_of_it() -> None:
    desk = await a_desk()
    desk.model.script(paragraphs("We moved it.", f"By the way: {SECRET.lower()}!"))

    better = await desk.after(await desk.made(OutputKind.CLIENT_SUMMARY))

    (question,) = desk.model.questions
    assert SECRET not in str(question.snapshot)
    assert "swapped the cable" not in str(question.snapshot)
    assert isinstance(question.snapshot["resolution"], Mapping)
    first, middle, last = better.body.split("\n\n")
    assert ("The problem “Printer offline” is solved.", "We moved it.", True) == (first, middle, last.startswith("If it comes back"))
