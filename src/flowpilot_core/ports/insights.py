"""What an account can learn from what happened in it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from flowpilot_core.domain.insights.analytics import GroupBy, GroupKey, Question, Tallies
from flowpilot_core.domain.insights.gaps import Unguided
from flowpilot_core.domain.insights.period import Period
from flowpilot_core.domain.insights.recount import Untold
from flowpilot_core.domain.insights.search import Found, Place, Within
from flowpilot_core.domain.insights.weekly_digest import WeeklyDigest
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.identifiers import TeamId, TreeId, UserId
from flowpilot_core.domain.kernel.query import Query
from flowpilot_core.domain.knowledge.rating import Stars

from .relay import RelayWork


class SearchIndex(Protocol):
    """What search looks things up in, where a store keeps such a thing: whatever is written has `WorkKind.INDEX` due for it."""

    async def refresh(self, subject_id: UUID) -> None:
        """Have a session with its handoffs and outputs, a tree or a script template found as it is now; or no more, if it is gone."""


class WeeklyDigests(Protocol):
    """Who of one account is mailed the figures of each week, inside one unit of work."""

    async def add(self, weekly_digest: WeeklyDigest) -> None:
        """Keep a new one. Raises `NotFound` (now or at the commit) for somebody who is not of this account."""

    async def get(self, user_id: UserId) -> WeeklyDigest | None:
        """Somebody's; None where they wish none."""

    async def save(self, weekly_digest: WeeklyDigest) -> None:
        """Keep how far it has got; nothing happens where it is no longer there."""

    async def drop(self, user_id: UserId) -> None:
        """Forget somebody's, if they have one."""


class InsightsWork(RelayWork, Protocol):
    """A unit of work over what is learnt."""

    @property
    def search_index(self) -> SearchIndex:
        """What search looks things up in."""

    @property
    def weekly_digests(self) -> WeeklyDigests:
        """Who is mailed the figures of each week."""


class InsightsView(Protocol):
    """What there is to learn in one account."""

    async def tallies(self, question: Question, reader: Person | None, *, at: datetime, most: int) -> Tallies:
        """What a question comes to, all of it of one state; `at` is when waiting escalations may be overdue.

        Sessions that are parked and private to others than `reader` (None: to nobody) are left out. Raises `TooManyGroups` where more
        than `most` groups have anything in them.
        """

    async def labels(self, group_by: GroupBy, keys: Collection[GroupKey]) -> Mapping[str, str]:
        """What groups are called whose keys are ids, by their keys; a node by its text in the newest revision of its tree.

        What is not there any more is left out.
        """

    async def stars(self, tree_ids: Collection[TreeId]) -> Mapping[TreeId, Stars]:
        """What people of the account gave trees; those that nobody rated are left out."""

    async def unguided(self, period: Period, team_id: TeamId | None, reader: Person, *, limit: int) -> Sequence[Unguided]:
        """Sessions that `reader` may read, were started in the time, are resolved or were escalated, and follow no tree, newest first."""

    async def untold(self) -> Untold:
        """What figures ask and no event tells, of the whole account, all of it of one state."""

    async def search(self, query: Query, within: Within, reader: Person, *, after: Place | None, limit: int) -> Found:
        """What a query finds and `reader` may read, the best first, from below `after` on.

        Found are the best `MOST_HITS` of the first of `CANDIDATES` that have the query's rarest word: those with it in their title, then
        the newest. Where none of these is what was asked for, more are looked at, as far as `looks`, `MOST_READ` and `MOST_TEXT` let it;
        the answer says after how many that ended. A word also stands for those of titles that are a typo apart, and the last one for those
        that it begins, at a lower score.
        Of what is written it finds what it is to find once the due `WorkKind.INDEX` is done; a title that is drafted, put away, or private
        to others it never finds.
        """
