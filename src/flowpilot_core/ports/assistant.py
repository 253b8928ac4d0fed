"""Who assesses and suggests, by rules or by a model; where that is kept; and what takes secrets out of what leaves."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from attrs import frozen

from flowpilot_core.domain.assistant.assessment import Assessment, AssessmentFeedback, Origin
from flowpilot_core.domain.assistant.diagnosis import Draft
from flowpilot_core.domain.assistant.similar_sessions import ResolvedSession, SimilarSession
from flowpilot_core.domain.assistant.suggestion import Proposal, Record, Suggestion
from flowpilot_core.domain.handoffs.handoff import Handoff
from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.identifiers import AccountId, AssessmentId, HandoffId, SessionId, SuggestionId, UserId
from flowpilot_core.domain.outputs.output import OutputKind

from .kernel import KernelWork


@frozen(kw_only=True)
class JudgedAssessment:
    """An assessment with what people think of it."""

    assessment: Assessment
    feedback: tuple[AssessmentFeedback, ...]
    """Oldest first."""
    names: Mapping[UserId, str]
    """What everybody on record here is called."""


class Assessments(Protocol):
    """The assessments of one account, inside one unit of work."""

    async def add(self, assessment: Assessment) -> None:
        """Keep a new one, with the work of making it due at once."""

    async def get(self, assessment_id: AssessmentId) -> Assessment:
        """Raises `NotFound`."""

    async def save(self, assessment: Assessment) -> None:
        """Keep a changed one.

        Once it is ready it stands in its session's escalation package too, where that is of its handoff; the session's
        version stays as it is.
        """

    async def judge(self, feedback: AssessmentFeedback) -> None:
        """Keep what somebody thinks of one, in place of what they thought before."""


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


Clean = Callable[[str], str]
"""A text of a case as it may leave: placeholders stand in the place of its secrets. What was cleaned stays as it is when cleaned again."""


class Redactor(Protocol):
    """Knows passwords, keys, tokens, cards and the like. What is stored stays as it is."""

    async def cleaner(self, account_id: AccountId, texts: Iterable[str], *, within: UUID, personal: bool = False) -> Clean:
        """What takes the secrets out of any text of a case of an account, given all `texts` that are on record in it.

        What is a secret in one of these, or in the text that is cleaned, is one however else it stands there. The same secret has
        the same placeholder inside the handoff or session `within`, and another elsewhere. With `personal`, e-mail addresses,
        telephone numbers and the like go too. The work is bounded: what was not looked through does not leave, and a mark says so.
        The same texts are looked through once, however many ask. Raises `Unavailable` where too much of this account waits already.
        """

    async def cleaned(self, account_id: AccountId, plain: Mapping[str, Plain], clean: Clean) -> dict[str, Plain]:
        """Plain data of such a case with each of its texts cleaned, however large; ids, times and states stay. Raises as `cleaner`."""


class SuggestionSource(Protocol):
    """Something that knows what to do next: rules, similar sessions, a tree, a library of scripts."""

    def propose(self, question: Question) -> Sequence[Proposal]:
        """What to do next in the session that is asked about, best first; it reads nothing but the question, and never waits.

        One that raises proposes nothing, and costs the others nothing.
        """


class Suggestions(Protocol):
    """The suggestions of one account, inside one unit of work."""

    async def add(self, suggestions: Sequence[Suggestion]) -> None:
        """Keep new ones; a pending one with the work of making it due at once."""

    async def get(self, suggestion_id: SuggestionId) -> Suggestion:
        """Raises `NotFound`."""

    async def save(self, suggestion: Suggestion) -> None:
        """Keep a changed one."""

    async def of(self, session_id: SessionId) -> tuple[Suggestion, ...]:
        """All of a session, oldest first; empty where there is no such session."""

    async def record(self, contents: Sequence[str]) -> Mapping[str, Record]:
        """What became of suggestions with these contents in the account, and what people think of the steps that they became."""


class TokenUse(Protocol):
    """The tokens that one account has used, inside one unit of work."""

    async def reserve(self, month: str, tokens: int, *, most: int) -> bool:
        """Set tokens of a month (`2026-11`) aside, before they are used; False, and nothing changes, where that would be more than `most`.

        Of any number at once, no more are set aside together than there are.
        """

    async def settle(self, month: str, *, reserved: int, used: int) -> None:
        """Count what was used in place of what was set aside for it."""

    async def used(self, month: str) -> int:
        """Used or set aside so far."""


class AssistantWork(KernelWork, Protocol):
    """A unit of work over assessments and suggestions."""

    @property
    def suggestions(self) -> Suggestions:
        """Next steps that were proposed."""

    @property
    def assessments(self) -> Assessments:
        """The assessments."""

    @property
    def token_use(self) -> TokenUse:
        """What models used up."""


class AssistantView(Protocol):
    """What there is to see of assessments and suggestions in one account."""

    async def assessments(
        self, handoff_id: HandoffId, *, after: AssessmentId | None, limit: int
    ) -> tuple[Handoff, Sequence[JudgedAssessment]]:
        """Those of a handoff, newest (greatest id) first, with the handoff. Raises `NotFound` for a handoff that does not exist."""

    async def suggestions(self, session_id: SessionId) -> Sequence[Suggestion]:
        """All of a session, newest first; empty where there is no such session."""

    async def similar(self, words: Sequence[str], title: str, *, without: SessionId, limit: int) -> Sequence[ResolvedSession]:
        """Resolved sessions that have some of the words, or a title like this one, those most like it first.

        Only the account's latest sessions need be looked through. `words` are letters and digits.
        """
