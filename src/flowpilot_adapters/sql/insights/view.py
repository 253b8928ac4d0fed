"""What there is to learn in one account."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Table, Uuid, and_, any_, bindparam, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import ARRAY

from flowpilot_adapters.sql import documents
from flowpilot_adapters.sql.insights import assessments, escalations, search, sending, untold, walks
from flowpilot_adapters.sql.insights.counting import groups_of, words_of
from flowpilot_adapters.sql.knowledge.trees import readable
from flowpilot_adapters.sql.queries import LIMIT, own
from flowpilot_adapters.sql.reading import SqlReading
from flowpilot_adapters.sql.schema import person, psa_connection, session, team, template_rating, tree, tree_revision
from flowpilot_adapters.sql.sessions.view import reads
from flowpilot_adapters.sql.statement import Call, Statement, compiled
from flowpilot_core.domain.insights.analytics import GroupBy, GroupKey, Question, Tallies, Tally, node_key
from flowpilot_core.domain.insights.figures import Subject
from flowpilot_core.domain.insights.gaps import Unguided
from flowpilot_core.domain.insights.period import Period
from flowpilot_core.domain.insights.recount import Untold
from flowpilot_core.domain.insights.search import Found, Place, Within
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.identifiers import TeamId, TreeId
from flowpilot_core.domain.kernel.permissions import Permission, permits
from flowpilot_core.domain.kernel.query import Query
from flowpilot_core.domain.knowledge.content import Content
from flowpilot_core.domain.knowledge.rating import Stars
from flowpilot_core.domain.sessions.session import Status

_ids: Final = bindparam("ids", type_=ARRAY(Uuid))
_named: Final[Mapping[GroupBy, Table]] = {
    GroupBy.TEAM: team,
    GroupBy.ESCALATOR: person,
    GroupBy.CLAIMER: person,
    GroupBy.ASSIGNEE: person,
    GroupBy.CONNECTION: psa_connection,
}
NAMES: Final[Mapping[GroupBy, Statement]] = {
    **{
        group_by: compiled(f"names of {table.name}", select(table.c.id, table.c.name).where(own(table), table.c.id == any_(_ids)))
        for group_by, table in _named.items()
    },
    GroupBy.TREE: compiled("names of trees", select(tree.c.id, tree.c.name).where(readable(tree), tree.c.id == any_(_ids))),
}
_newest = and_(
    tree_revision.c.account_id == tree.c.account_id, tree_revision.c.tree_id == tree.c.id, tree_revision.c.number == tree.c.revision
)
CONTENTS: Final = compiled(
    "newest contents of trees",
    select(tree.c.id, tree_revision.c.content)
    .select_from(tree.join(tree_revision, _newest))
    .where(readable(tree), tree.c.id == any_(_ids)),
)
STARS: Final = compiled(
    "stars of trees",
    select(template_rating.c.tree_id, func.count().label("count"), func.sum(template_rating.c.stars).label("total"))
    .where(own(template_rating), template_rating.c.tree_id == any_(_ids))
    .group_by(template_rating.c.tree_id),
)
UNGUIDED: Final = compiled(
    "sessions without a tree",
    select(
        session.c.id,
        session.c.title,
        session.c.problem,
        session.c.client_name,
        (session.c.escalations > literal_column("0")).label("escalated"),
    )
    .where(
        escalations.started(),
        escalations.READABLE,
        session.c.walk_tree_id.is_(None),
        or_(session.c.status == Status.RESOLVED, session.c.escalations > literal_column("0")),
    )
    .order_by(session.c.created_at.desc(), session.c.id.desc())
    .limit(LIMIT),
)

COUNTED: Final[
    Mapping[Subject, tuple[tuple[Callable[[GroupBy | None], Statement], Callable[[Iterable[Any]], Mapping[GroupKey, Tally]]], ...]]
] = {
    Subject.ESCALATIONS: ((escalations.escalations, groups_of), (escalations.sessions, groups_of)),
    Subject.WORK: ((escalations.work, groups_of),),
    Subject.DELIVERIES: ((sending.deliveries, groups_of), (sending.deliveries_by_word, words_of)),
    Subject.PSA: ((sending.posts, groups_of), (sending.posts_by_word, words_of)),
    Subject.ASSISTANT: (
        (assessments.assessments, groups_of),
        (assessments.assessments_by_word, words_of),
        (assessments.suggestions, groups_of),
    ),
    Subject.KNOWLEDGE: ((walks.walks, groups_of),),
}
"""What is counted for each subject, and how its rows are read."""


class SqlInsightsView(SqlReading):
    """As `InsightsView` says."""

    async def tallies(self, question: Question, reader: Person | None, *, at: datetime, most: int) -> Tallies:
        """As `InsightsView.tallies` says."""
        given = self._given(question, reader, at=at, most=most)
        ways = (None,) if question.group_by is None else (None, question.group_by)
        counted = COUNTED[question.subject]
        results = await self._count(*(_call(count(way), given) for way in ways for count, _ in counted))
        total, groups = Tally(), dict[GroupKey, Tally]()
        for (way, (_, read)), result in zip([(way, one) for way in ways for one in counted], results, strict=True):
            for key, tally in read(result.rows).items():
                if way is None:
                    total = total.beside(tally)
                else:
                    groups[key] = groups.get(key, Tally()).beside(tally)
        return Tallies(total=total, groups=groups).not_empty(most)

    async def labels(self, group_by: GroupBy, keys: Collection[GroupKey]) -> Mapping[str, str]:
        """As `InsightsView.labels` says."""
        named = [str(key) for key in keys if key is not None]
        if group_by is GroupBy.NODE:
            found = await self._read_one(CONTENTS(account_id=self._account_id, ids=sorted({UUID(key.partition("/")[0]) for key in named})))
            texts = {node_key(row.id, node.id): node.text for row in found.rows for node in documents.read(row.content, Content).nodes}
            return {key: texts[key] for key in named if key in texts}
        found = await self._read_one(NAMES[group_by](account_id=self._account_id, ids=[UUID(key) for key in named]))
        return {str(row.id): row.name for row in found.rows}

    async def stars(self, tree_ids: Collection[TreeId]) -> Mapping[TreeId, Stars]:
        """As `InsightsView.stars` says."""
        found = await self._read_one(STARS(account_id=self._account_id, ids=list(tree_ids)))
        return {row.tree_id: Stars(count=row.count, total=row.total) for row in found.rows}

    async def unguided(self, period: Period, team_id: TeamId | None, reader: Person, *, limit: int) -> Sequence[Unguided]:
        """As `InsightsView.unguided` says."""
        question = Question(subject=Subject.KNOWLEDGE, period=period, team_id=team_id)
        (found,) = await self._count(_call(UNGUIDED, self._given(question, reader, at=period.since, most=limit - 1)))
        return [
            Unguided(id=row.id, title=row.title, problem=row.problem, client_name=row.client_name, escalated=row.escalated)
            for row in found.rows
        ]

    async def untold(self) -> Untold:
        """As `InsightsView.untold` says."""
        return untold.read(await self._count(*(statement(account_id=self._account_id) for statement in untold.STATEMENTS)))

    async def search(self, query: Query, within: Within, reader: Person, *, after: Place | None, limit: int) -> Found:
        """As `InsightsView.search` says."""
        looking = search.alike_call(self._account_id, query)
        alike = [row.word for row in (await self._read_planned(looking)).rows] if looking else []
        found = Found()
        for finding in search.find_calls(self._account_id, query, alike, within, reads(reader), after=after, limit=limit):
            result = await self._read_planned(finding)
            found = search.found(result, query)
            if found.hits or search.is_over(result):
                break
        return found

    def _given(self, question: Question, reader: Person | None, *, at: datetime, most: int) -> Mapping[str, Any]:
        """All that any of the statements may ask for."""
        changes, offsets = zip(*question.period.offsets, strict=True)
        return {
            "account_id": self._account_id,
            "since": question.period.since,
            "until": question.period.until,
            "changes": list(changes),
            "offsets": [int(offset.total_seconds()) for offset in offsets],
            "team_id": question.team_id,
            "reader": reader and reader.user_id,
            "reads_parked": reader is None or permits(reader, Permission.READ_PARKED, ()),
            "at": at,
            "most": most + 1,
        }


def _call(statement: Statement, given: Mapping[str, Any]) -> Call:
    return statement(**{name: given[name] for name, _ in statement.parameters})
