"""What assessments are worth, in figures."""

import re
from collections.abc import Iterable, Sequence
from statistics import mean
from uuid import UUID

from attrs import frozen

from flowpilot_core.domain.assistant.diagnosis import Diagnosis, checked
from flowpilot_core.domain.handoffs.case_file import snapshot_of
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.ports.assistant import Assistant, NotAssessed, Question

from .cases import KnownCase

ACCOUNT = AccountId(UUID(int=7))


@frozen(kw_only=True)
class Score:
    """Of one assistant on some cases."""

    cases: int
    found: float
    """Share whose cause is among the first three."""
    first: float
    """Share whose cause is the first."""
    misled: float
    """Share of those with a remedy for something else that did not help, over which that stands, or is advised first."""
    precision: float
    """Of the steps cited for causes, the share that are clues of the true one."""
    unsupported: float
    """Statements without a citation that holds, per case."""
    dropped: float
    """Citations of what is no step, per case."""
    words: float
    """Length of an assessment."""
    failed: int
    """Cases without any."""


async def score(assistant: Assistant, cases: Iterable[KnownCase]) -> tuple[Score, list[tuple[KnownCase, Diagnosis | None]]]:
    """The score, and what was said of each case."""
    said = [(known, await _asked(assistant, known)) for known in cases]
    made = [(known, diagnosis) for known, diagnosis in said if diagnosis]
    cited = [(known, step) for known, diagnosis in made for cause in diagnosis.likely_causes for step in cause.steps_for]
    lured = [(known, diagnosis) for known, diagnosis in made if known.scenario.lure]
    count = max(1, len(said))
    return (
        Score(
            cases=len(said),
            found=sum(place_of(known, diagnosis) in (1, 2, 3) for known, diagnosis in made) / count,
            first=sum(place_of(known, diagnosis) == 1 for known, diagnosis in made) / count,
            misled=sum(_misled(known, diagnosis) for known, diagnosis in lured) / max(1, len(lured)),
            precision=sum(str(step) in known.clues for known, step in cited) / max(1, len(cited)),
            unsupported=_mean([diagnosis.unsupported for _, diagnosis in made]),
            dropped=_mean([diagnosis.dropped_citations for _, diagnosis in made]),
            words=_mean([_words(diagnosis) for _, diagnosis in made]),
            failed=len(said) - len(made),
        ),
        said,
    )


def place_of(known: KnownCase, diagnosis: Diagnosis) -> int | None:
    """Where the true cause stands, from 1; None where it is not named."""
    wanted = re.compile(known.scenario.cause, re.IGNORECASE)
    return next((place for place, cause in enumerate(diagnosis.likely_causes, 1) if wanted.search(cause.cause)), None)


def _misled(known: KnownCase, diagnosis: Diagnosis) -> bool:
    """Whether what a remedy in vain was for is the headline, or what to do first."""
    first = [diagnosis.headline, *(said.text for said in diagnosis.next_steps[:1])]
    return bool(known.scenario.lure and re.search(known.scenario.lure.cause, "\n".join(first), re.IGNORECASE))


async def _asked(assistant: Assistant, known: KnownCase) -> Diagnosis | None:
    case = known.case
    question = Question(account_id=ACCOUNT, handoff_id=case.handoff.id, snapshot=snapshot_of(case.snapshot.body))
    try:
        opinion = await assistant.assess(question)
    except NotAssessed:
        return None
    return checked(opinion.draft, {step.id for step in case.steps})


def _words(diagnosis: Diagnosis) -> int:
    texts = [one.text for one in (*diagnosis.summary, *diagnosis.ruled_out, *diagnosis.next_steps, *diagnosis.questions)]
    return sum(len(text.split()) for text in (*texts, *(cause.cause for cause in diagnosis.likely_causes)))


def _mean(values: Sequence[int]) -> float:
    return float(mean(values)) if values else 0.0
