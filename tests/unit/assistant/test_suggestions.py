"""Where suggestions come from: whoever has a source of their own plugs it in beside ours."""

from collections.abc import Sequence

import pytest
from attrs import evolve, field, frozen

from flowpilot_adapters.memory import MemoryStore
from flowpilot_adapters.system import SystemClock, new_id
from flowpilot_core.application.assistant.suggestions import SOURCES, Suggestions
from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_core.domain.assistant.suggestion import MOST_PROPOSED, Proposal, Record, Suggestion, SuggestionState, ranked
from flowpilot_core.domain.kernel.identifiers import SessionId
from flowpilot_core.domain.sessions.feedback import Thumbs
from flowpilot_core.domain.sessions.step import StepKind, StepResult
from flowpilot_core.ports.assistant import Question, SuggestionSource
from flowpilot_core.ports.unit_of_work import UnitOfWork
from flowpilot_core.testing.builders import Staff, a_staff
from tests.support.product import a_product

pytestmark = pytest.mark.anyio


@frozen
class Scripts:
    """A library of scripts, as somebody may plug one in."""

    proposals: Sequence[Proposal]
    asked: list[Question] = field(factory=list)

    def propose(self, question: Question) -> Sequence[Proposal]:
        self.asked.append(question)
        return self.proposals


@frozen
class Broken:
    """A source that does not keep its promise."""

    def propose(self, question: Question) -> Sequence[Proposal]:
        raise ConnectionError("the library is closed")


def script(content: str, *cites: str) -> Proposal:
    return Proposal(content=content, cites=cites, kind=StepKind.SCRIPT, source="scripts")


@frozen
class Office:
    staff: Staff
    product: FlowPilot

    @classmethod
    async def opened(cls) -> "Office":
        store = MemoryStore(clock=SystemClock(), new_token=new_id)
        product = a_product(store)
        return cls(await a_staff().kept(store.begin), product)

    def suggestions(self, *sources: SuggestionSource) -> Suggestions[UnitOfWork]:
        return evolve(self.product.suggestions, sources=sources)

    async def stuck(self) -> SessionId:
        session = (await self.product.sessions.start(self.staff.anna, title="No sign-in", problem="Since this morning")).session
        await self.product.sessions.add_step(
            self.staff.anna, session.id, kind=StepKind.ACTION, content="Signed in again", result=StepResult.FAILED, evidence="AADSTS53003"
        )
        return session.id

    async def asked(self, *sources: SuggestionSource, session_id: SessionId | None = None) -> Sequence[Suggestion]:
        return await self.suggestions(*sources).ask(self.staff.anna, session_id or await self.stuck())


async def test_another_source_proposes_beside_ours() -> None:
    office = await Office.opened()
    session_id = await office.stuck()
    (step,) = (await office.product.sessions.get(office.staff.anna, session_id)).steps
    scripts = Scripts([script("Run Test-SignIn.ps1", str(step.id), "made up")])

    made = await office.asked(*SOURCES, scripts, session_id=session_id)

    theirs = made[-1]
    assert {"rules", "scripts"} == {one.source for one in made}
    assert (SuggestionState.PROPOSED, StepKind.SCRIPT, "Run Test-SignIn.ps1", (step.id,)) == (
        theirs.state,
        theirs.kind,
        theirs.content,
        theirs.cites,
    )
    assert [office.staff.account_id] == [question.account_id for question in scripts.asked]


async def test_what_two_sources_propose_is_proposed_once_and_never_too_much_at_once() -> None:
    office = await Office.opened()
    ours = await office.asked(*SOURCES)
    many = [script(f"Run {number}") for number in range(MOST_PROPOSED)]

    made = await office.asked(*SOURCES, Scripts([script(f" {ours[0].content}\n"), *many]))

    assert MOST_PROPOSED == len(made)
    assert [ours[0].content] == [one.content for one in made if one.source == "rules"]
    assert len(made) == len({one.content for one in made})


async def test_what_was_accepted_before_stands_higher_whatever_its_source_wrote_it_like() -> None:
    """It is kept as text on one line, and found again by that."""
    office = await Office.opened()
    scripts = Scripts([script("Run first"), script("Run <b>second</b>\n as said on https://wiki.example/x")])
    session_id = await office.stuck()
    first, second = await office.asked(scripts, session_id=session_id)
    await office.suggestions(scripts).decide(office.staff.anna, session_id, second.id, accept=True)

    again = await office.asked(scripts)

    assert ["Run first", "Run second as said on [link]"] == [first.content, second.content]
    assert [second.content, first.content] == [one.content for one in again]


async def test_what_was_rejected_before_stands_lower() -> None:
    office = await Office.opened()
    scripts = Scripts([script("Run first"), script("Run second")])
    session_id = await office.stuck()
    first, _ = await office.asked(scripts, session_id=session_id)
    await office.suggestions(scripts).decide(office.staff.anna, session_id, first.id, accept=False, reason="no")

    assert ["Run second", "Run first"] == [one.content for one in await office.asked(scripts)]


async def test_a_source_that_fails_costs_the_others_nothing() -> None:
    office = await Office.opened()

    ours = await office.asked(*SOURCES)

    assert [one.content for one in ours] == [one.content for one in await office.asked(Broken(), *SOURCES)]


async def test_what_was_done_here_in_vain_is_proposed_by_nobody() -> None:
    office = await Office.opened()
    session_id = await office.stuck()
    await office.product.sessions.add_step(
        office.staff.anna, session_id, kind=StepKind.ACTION, content="Restarted the sync service", result=StepResult.FAILED
    )

    proposed = await office.asked(
        Scripts([script("Restart the sync service, and wait"), script("Read the sync log")]), session_id=session_id
    )

    assert ["Read the sync log"] == [one.content for one in proposed]


def test_what_people_think_of_the_steps_it_became_moves_a_suggestion() -> None:
    proposals = [Proposal(content=content, source="rules") for content in ("disliked", "unknown", "liked")]
    record = {"disliked": Record(accepted=1, thumbs=Thumbs(down=3)), "liked": Record(accepted=1, thumbs=Thumbs(up=1))}

    assert ["liked", "unknown", "disliked"] == [one.content for one in ranked(proposals, record, ())]
