"""Use cases of analytics: figures of the actor's account, and a recount of them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

from attrs import evolve, frozen

from flowpilot_core.application.kernel.computing import compute_here
from flowpilot_core.domain.insights.analytics import (
    GROUPS,
    MOST_GROUPS,
    NAMED,
    GroupBy,
    GroupKey,
    Question,
    Tallies,
    Tally,
    called,
    differences,
)
from flowpilot_core.domain.insights.facts import Facts
from flowpilot_core.domain.insights.figures import FIGURES, Figure, Subject
from flowpilot_core.domain.insights.gaps import MOST_SESSIONS, Gap, TreeAbout, gaps, words_of
from flowpilot_core.domain.insights.period import MOST_DAYS, Period
from flowpilot_core.domain.insights.recount import Recount
from flowpilot_core.domain.insights.tallying import tallied
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import Unavailable
from flowpilot_core.domain.kernel.identifiers import AccountId, TeamId, TreeId
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.insights import InsightsView
from flowpilot_core.ports.kernel import BeginWork, Clock, Compute, KernelView, ViewOf
from flowpilot_core.ports.knowledge import KnowledgeView

PAGE: Final = 5_000
"""Events that are read at once."""
MOST_LOOKS: Final = 20
"""At one account in which something happens between the recount and the look at what is kept."""


class Sees(InsightsView, KnowledgeView, KernelView, Protocol):
    """What is done here asks this of a view."""


@frozen(kw_only=True)
class Group:
    """The figures of one group."""

    key: str | None
    """None: of those that have none, such as escalations that are for no team."""
    label: str
    tally: Tally


@frozen(kw_only=True)
class Answer:
    """What a question comes to."""

    question: Question
    figures: tuple[Figure, ...]
    total: Tally
    groups: tuple[Group, ...]
    made_at: datetime
    gaps: tuple[Gap, ...] | None = None
    """Of knowledge, in all: what no tree leads through."""


@frozen(kw_only=True)
class Difference:
    """A group whose figures are not what the event log says."""

    subject: Subject
    group_by: GroupBy | None
    key: str | None
    figures: Sequence[str]


@frozen(kw_only=True)
class Analytics:
    """Figures of what happened in an account."""

    begin: BeginWork[AccessWork]
    view: ViewOf[Sees]
    clock: Clock
    compute: Compute = compute_here

    async def ask(
        self,
        actor: Person,
        subject: Subject,
        *,
        start: date | None = None,
        end: date | None = None,
        time_zone: str | None = None,
        group_by: GroupBy | None = None,
        team_id: TeamId | None = None,
    ) -> Answer:
        """The figures of a time, in all and by group; without days of the last ones, without a zone in the account's.

        Raises `InvalidValue`, `TooManyGroups` or, for figures of each person, `RoleForbidden`.
        """
        at = self.clock.now()
        if time_zone is None:
            async with self.begin(actor.account_id) as work:
                time_zone = (await work.people.account()).time_zone
        question = Question(subject=subject, period=Period.of(start, end, time_zone, at=at), group_by=group_by, team_id=team_id)
        question.require_answerable(actor)
        view = self.view(actor.account_id)
        found = await view.tallies(question, actor, at=at, most=MOST_GROUPS)
        labels = await view.labels(group_by, found.groups) if group_by in NAMED else {}
        if subject is Subject.KNOWLEDGE and group_by is GroupBy.TREE:
            found = await _rated(view, found)
        return Answer(
            question=question,
            figures=FIGURES[subject],
            total=found.total,
            groups=tuple(_group(question, key, found.groups[key], labels) for key in sorted(found.groups, key=_place)),
            made_at=at,
            gaps=await self._gaps(actor, view, question) if subject is Subject.KNOWLEDGE and group_by is None else None,
        )

    async def _gaps(self, actor: Person, view: Sees, question: Question) -> tuple[Gap, ...]:
        sessions = await view.unguided(question.period, question.team_id, actor, limit=MOST_SESSIONS)
        return await self.compute(actor.account_id, gaps, sessions, await _trees_about(view, words_of(sessions)))

    async def verify(self, account_id: AccountId) -> tuple[Difference, ...]:
        """Where the figures are not what the account's event log says, in all its time, in all and in every group.

        Raises `Unavailable` where so much goes on that the two are never of one state.
        """
        view, recount, number = self.view(account_id), Recount(), 0
        found: list[Difference] = []
        for _ in range(MOST_LOOKS):
            while events := await view.events(after=number, limit=PAGE):
                for logged in events:
                    recount.read(logged.event)
                number = events[-1].number
            untold = await view.untold()
            found = await self._compared(view, recount.facts(untold))
            # What no event tells may have changed without one.
            if await view.last_number() == number and await view.untold() == untold:
                return tuple(found)
        raise Unavailable("quiet moment in the account")

    async def _compared(self, view: Sees, facts: Facts) -> list[Difference]:
        at = self.clock.now()
        period = _all_time(facts.moments())
        found: list[Difference] = []
        for subject in Subject:
            for group_by in (None, *GROUPS[subject]):
                question = Question(subject=subject, period=period, group_by=group_by)
                kept = await view.tallies(question, None, at=at, most=MOST_DAYS)
                for key, figures in differences(kept, tallied(facts, question, at=at), subject).items():
                    found.append(Difference(subject=subject, group_by=group_by, key=called(question, key), figures=tuple(figures)))
        return found


def _all_time(moments: Sequence[datetime]) -> Period:
    """Days that all of it is in, by any clock; where it is more than a period may be, the latest of them."""
    day = timedelta(days=1)
    end = max(moments).date() + 2 * day if moments else date(2000, 1, 1)
    start = min(moments).date() - day if moments else end - day
    return Period(start=max(start, end - MOST_DAYS * day), end=end)


async def _rated(view: Sees, found: Tallies) -> Tallies:
    """With what people gave the trees that the groups are."""
    stars = await view.stars([TreeId(UUID(str(key))) for key in found.groups])
    rated = {str(tree_id): Tally(counts={"ratings": one.count, "rating": one.total}) for tree_id, one in stars.items()}
    return evolve(found, groups={key: tally.beside(rated.get(str(key), Tally())) for key, tally in found.groups.items()})


async def _trees_about(view: Sees, words: Collection[str]) -> Sequence[TreeAbout]:
    """Of what they are searched by alone: they may go to another process."""
    trees = await view.trees_about(words)
    return [TreeAbout(name=tree.name, description=tree.description, words=tree.words) for tree, _ in trees]


def _group(question: Question, key: GroupKey, tally: Tally, labels: Mapping[str, str]) -> Group:
    name = called(question, key)
    return Group(key=name, label=labels.get(name or "", name or "none"), tally=tally)


def _place(key: GroupKey) -> tuple[bool, int, str]:
    """Units of time in their order, others by their letters, and what has none last."""
    return key is None, key if isinstance(key, int) else 0, str(key)
