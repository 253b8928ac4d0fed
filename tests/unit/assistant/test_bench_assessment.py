"""The score of assessments: what it counts, and that the rules keep theirs."""

import pytest

from bench.assessment.cases import HALVES, cases
from bench.assessment.scenarios import TEST, TUNING
from bench.assessment.score import score
from bench.assessment.trees import LEAST_OFFERED, TREES, offered
from flowpilot_adapters.memory import MemoryAssistant
from flowpilot_core.application.assistant.rules_assistant import RulesAssistant
from flowpilot_core.domain.assistant.diagnosis import Draft, Said, SaidCause
from flowpilot_http.library import library

pytestmark = pytest.mark.anyio


def test_the_halves_are_kept_apart_and_both_span_every_field() -> None:
    assert {scenario.area for scenario in TUNING} == {scenario.area for scenario in TEST}
    assert not {scenario.cause for scenario in TUNING} & {scenario.cause for scenario in TEST}
    assert not {clue for scenario in TUNING for clue in scenario.clues} & {clue for scenario in TEST for clue in scenario.clues}


def test_the_same_seed_makes_the_same_cases_and_another_one_others() -> None:
    def told(seed: int) -> list[list[str]]:
        return [[step.content for step in known.case.steps] for known in cases("tuning", each=2, seed=seed)]

    assert told(1) == told(1) != told(2)


@pytest.mark.parametrize(("half", "least"), [("tuning", 0.95), ("test", 0.85)])
async def test_the_rules_are_as_good_as_the_docs_say(half: str, least: float) -> None:
    rules, _ = await score(RulesAssistant(), cases(half, each=1))

    assert rules.found >= least
    assert rules.precision >= 0.9
    assert (0.0, 0.0, 0) == (rules.misled, rules.dropped, rules.failed)


async def test_a_cause_at_the_second_place_counts_as_found_and_not_as_first() -> None:
    (known, *_) = cases("tuning", each=1)
    steps = [str(step.id) for step in known.case.steps]
    clue, other = sorted(steps, key=known.clues.__contains__)[-1], sorted(steps, key=known.clues.__contains__)[0]
    assistant = MemoryAssistant()
    assistant.script(
        Draft(
            headline="x",
            summary=(Said(text="Nobody shows this"), Said(text="nor this", cites=("made up",))),
            likely_causes=(SaidCause(cause="the moon", steps_for=(other,)), SaidCause(cause="DHCP", steps_for=(clue,))),
        )
    )

    given, _ = await score(assistant, [known])

    assert (1.0, 0.0, 0.5, 2.0, 1.0, 0) == (given.found, given.first, given.precision, given.unsupported, given.dropped, given.failed)


@pytest.mark.parametrize(
    ("headline", "advised", "misled"),
    [
        ("The spooler is stuck", "Look at the VLAN", 1.0),
        ("It is the VLAN", "Restart the spooler", 1.0),
        ("It is the VLAN", "Look at it", 0.0),
    ],
)
async def test_who_heads_or_begins_with_what_a_remedy_in_vain_was_for_was_misled(headline: str, advised: str, misled: float) -> None:
    lured = next(known for known in cases("tuning", each=1) if known.scenario.lure and "spooler" in known.scenario.lure.cause)
    assistant = MemoryAssistant()
    assistant.script(Draft(headline=headline, next_steps=(Said(text=advised), Said(text="Restart the spooler"))))

    given, _ = await score(assistant, [lured])

    assert misled == given.misled


async def test_who_refuses_has_found_nothing() -> None:
    given, _ = await score(MemoryAssistant(), list(cases("test", each=1))[:3])

    assert (3, 0.0) == (given.failed, given.found)


def test_every_scenario_has_a_tree_of_the_library_that_leads_to_its_cause() -> None:
    assert {scenario.titles[0] for scenario in (*TUNING, *TEST)} == TREES.keys()
    assert set(TREES.values()) <= {tree.name for tree in library().trees}


@pytest.mark.parametrize("half", HALVES)
def test_the_tree_that_leads_to_the_cause_is_offered_as_often_as_the_docs_say(half: str) -> None:
    shares = offered(library(), cases(half, each=1))

    assert shares.at_start >= LEAST_OFFERED
    assert shares.with_steps >= 0.95
