"""What there is to learn in one account."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Uuid, any_, bindparam, or_, select
from sqlalchemy.dialects.postgresql import ARRAY

from flowpilot_adapters.sql.insights import counting, search
from flowpilot_adapters.sql.queries import own
from flowpilot_adapters.sql.reading import SqlReading
from flowpilot_adapters.sql.schema import handoff, person, session, team
from flowpilot_adapters.sql.sessions.view import reads
from flowpilot_adapters.sql.statement import Call, Statement, compiled
from flowpilot_core.domain.handoffs.handoff import Intent
from flowpilot_core.domain.insights.analytics import GroupBy, GroupKey, Question, Subject, Tallies, Tally
from flowpilot_core.domain.insights.recount import Untold
from flowpilot_core.domain.insights.search import Hit, Place, Query, Within
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.permissions import Permission, permits

_ids: Final = bindparam("ids", type_=ARRAY(Uuid))
TEAMS: Final = compiled("names of teams", select(team.c.id, team.c.name).where(own(team), team.c.id == any_(_ids)))
PEOPLE: Final = compiled("names of people", select(person.c.id, person.c.name).where(own(person), person.c.id == any_(_ids)))
OF_SESSIONS: Final = compiled(
    "untold of sessions",
    select(session.c.id, session.c.team_id, session.c.client_name).where(
        own(session), or_(session.c.team_id.is_not(None), session.c.client_name.is_not(None))
    ),
)
OF_ESCALATIONS: Final = compiled(
    "untold of escalations",
    select(handoff.c.id, handoff.c.client_name, handoff.c.due_at).where(own(handoff), handoff.c.intent == Intent.ESCALATE),
)

COUNTED: Final[
    Mapping[Subject, tuple[tuple[Callable[[GroupBy | None], Statement], Callable[[Iterable[Any]], Mapping[GroupKey, Tally]]], ...]]
] = {
    Subject.ESCALATIONS: ((counting.escalations, counting.groups_of), (counting.sessions, counting.groups_of)),
    Subject.WORK: ((counting.work, counting.groups_of),),
    Subject.DELIVERIES: ((counting.deliveries, counting.groups_of), (counting.deliveries_by_word, counting.words_of)),
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
        names = TEAMS if group_by is GroupBy.TEAM else PEOPLE
        found = await self._read_one(names(account_id=self._account_id, ids=[UUID(str(key)) for key in keys if key is not None]))
        return {str(row.id): row.name for row in found.rows}

    async def untold(self) -> Untold:
        """As `InsightsView.untold` says."""
        sessions, escalations = await self._count(OF_SESSIONS(account_id=self._account_id), OF_ESCALATIONS(account_id=self._account_id))
        return Untold(
            teams={row.id: row.team_id for row in sessions.rows if row.team_id},
            clients={row.id: row.client_name for row in (*sessions.rows, *escalations.rows) if row.client_name},
            due={row.id: row.due_at for row in escalations.rows if row.due_at},
        )

    async def search(self, query: Query, within: Within, reader: Person, *, after: Place | None, limit: int) -> Sequence[Hit]:
        """As `InsightsView.search` says."""
        looking = search.alike_call(self._account_id, query)
        alike = [row.word for row in (await self._read_planned(looking)).rows] if looking else []
        finding = search.find_call(self._account_id, query, alike, within, reads(reader), after=after, limit=limit)
        return search.hits_of(await self._read_planned(finding), query)

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
