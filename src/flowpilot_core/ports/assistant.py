"""Reading a snapshot and saying what may be wrong: by rules, or by a model."""

from collections.abc import Mapping
from typing import Protocol

from attrs import frozen

from flowpilot_core.domain.assessment import Origin
from flowpilot_core.domain.diagnosis import Draft
from flowpilot_core.domain.events import Plain
from flowpilot_core.domain.identifiers import AccountId, HandoffId
from flowpilot_core.domain.output import OutputKind
from flowpilot_core.domain.similar import SimilarSession


@frozen(kw_only=True)
class Question:
    """What an assistant is asked about: data of one account, already redacted, and nothing else."""

    account_id: AccountId
    handoff_id: HandoffId
    snapshot: Mapping[str, Plain]
    similar: tuple[SimilarSession, ...] = ()
    """Resolved sessions of the same account, most similar first."""
    rules: Draft | None = None
    """What the rules say, for a model to start from."""
    output: OutputKind | None = None
    """A resolution output that is to be written in place of an assessment: the paragraphs of it are the draft's `summary`."""


@frozen(kw_only=True)
class Opinion:
    """What an assistant says, unchecked, and what it took."""

    draft: Draft
    origin: Origin


class NotAssessed(Exception):
    """There is no opinion. `permanent`: there will be none until somebody changes a setting.

    `retry_after`: seconds that the other end asked to be left alone for.
    """

    def __init__(self, problem: str, *, permanent: bool = False, retry_after: float | None = None, tokens: int = 0) -> None:
        super().__init__(problem)
        self.problem = problem
        """In our words, for people: nothing of the question or the answer is in it."""
        self.permanent = permanent
        self.retry_after = retry_after
        self.tokens = tokens
        """What was used up all the same."""


class Assistant(Protocol):
    """Something that assesses."""

    @property
    def name(self) -> str:
        """How people know it: `rules`, or `vendor:model`."""

    async def assess(self, question: Question) -> Opinion:
        """What it thinks of a snapshot.

        Raises `NotAssessed`, and nothing else, within a bounded time, whatever the other end does. The draft is what the
        assistant said and may be wrong, too long or made up: whoever asked checks it. Any number may be asked at once, and
        nothing of one question is ever in the answer to another.
        """
