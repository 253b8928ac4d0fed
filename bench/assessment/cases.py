"""Cases made from scenarios: the clues among what means nothing, in another order each time."""

import random
from collections.abc import Iterator

from attrs import frozen

from flowpilot_core.domain.sessions.branch import Outcome
from flowpilot_core.domain.sessions.step import StepKind, StepResult
from flowpilot_core.testing.builders import Case, a_session

from .scenarios import TEST, TUNING, Scenario

HALVES = {"tuning": TUNING, "test": TEST}
NOISE = (
    ("Called the client back", "they are at lunch"),
    ("Looked for other tickets of today", "nothing else from this client"),
    ("Checked the uptime", "14 days, no errors in the last hour"),
    ("Asked since when", "since this morning, nobody changed anything"),
    ("Pinged the gateway", "answers in 1 ms, 0 % loss"),
    ("Noted the machine's name", "WS-0412"),
)


@frozen(kw_only=True)
class KnownCase:
    """An escalated case, and what is known of it that nobody who assesses it is told."""

    scenario: Scenario
    case: Case
    clues: frozenset[str]
    """The steps that show the cause."""


def cases(half: str, *, each: int, seed: int = 1) -> Iterator[KnownCase]:
    """So many of each scenario of a half; the same for the same seed."""
    chance = random.Random(f"{half} {seed}")
    for scenario in HALVES[half]:
        for _ in range(each):
            yield _case(scenario, chance)


def _case(scenario: Scenario, chance: random.Random) -> KnownCase:
    case = a_session(
        title=chance.choice(scenario.titles), problem=chance.choice(("Reported by phone.", "Urgent, several people.", "As in the title."))
    )
    entries = [("clue", *clue) for clue in scenario.clues]
    entries += [("noise", *noise) for noise in chance.sample(NOISE, 2)]
    entries += [("vain", content, "") for content in scenario.in_vain]
    entries += [("vain", lure.content, lure.seen) for lure in (scenario.lure,) if lure]
    chance.shuffle(entries)
    clues = set()
    for number, (sort, content, seen) in enumerate(entries):
        if number == 2:
            case = _ruled_out(case, scenario)
        if sort == "vain":
            case = case.step(content, result=StepResult.FAILED, evidence=seen or None)
        else:
            case = case.step(content, kind=StepKind.OBSERVATION, result=None, evidence=seen)
        if sort == "clue":
            clues.add(str(case.steps[-1].id))
    return KnownCase(scenario=scenario, case=case.escalated("Out of ideas"), clues=frozenset(clues))


def _ruled_out(case: Case, scenario: Scenario) -> Case:
    """With a fork whose first branch turned out to be a dead end."""
    label, check, why = scenario.ruled_out
    case = case.fork(hypotheses={label: f"it is the {label}", **dict([scenario.supposed])}).step(
        check, kind=StepKind.OBSERVATION, result=StepResult.WORKED, evidence=why
    )
    return case.closed(label, Outcome.DEAD_END, why)
