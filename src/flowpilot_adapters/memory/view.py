"""What there is to see in one account."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice

from flowpilot_core.domain.account import ApiToken
from flowpilot_core.domain.actor import Actor, Permission, Person, permits
from flowpilot_core.domain.delivery import Delivery, DeliveryState
from flowpilot_core.domain.errors import Unauthenticated
from flowpilot_core.domain.events import Event, LoggedEvent
from flowpilot_core.domain.handoff import Handoff, HandoffState, Intent
from flowpilot_core.domain.identifiers import AccountId, AssessmentId, DeliveryId, HandoffId, PsaPostId, SessionId, TeamId, UserId
from flowpilot_core.domain.psa_connection import PsaConnection
from flowpilot_core.domain.psa_post import PsaPost
from flowpilot_core.domain.session import Session, Status
from flowpilot_core.domain.similar import ResolvedSession
from flowpilot_core.domain.suggestion import Suggestion
from flowpilot_core.ports.assessments import JudgedAssessment
from flowpilot_core.ports.clock import Clock
from flowpilot_core.ports.imports import Figures, ImportedCase
from flowpilot_core.ports.invitations import Member, TeamDetail
from flowpilot_core.ports.persistence import (
    Entry,
    HandoffDetail,
    News,
    QueueFilter,
    QueueItem,
    QueuePosition,
    SessionDetail,
    SessionFilter,
    StoredSnapshot,
)
from flowpilot_core.ports.psa_ledger import PostFilter

from . import assessments, imports, psa_ledger, reading, suggestions
from .tables import Tables, Working


class MemoryView:
    """Reads what is committed in one account."""

    def __init__(self, account_id: AccountId, tables: Tables, clock: Clock) -> None:
        self._account_id = account_id
        self._tables = tables
        self._clock = clock

    async def session(self, session_id: SessionId) -> SessionDetail:
        """As `View.session` says."""
        return reading.session_detail(await self._now(), session_id)

    async def sessions(
        self, where: SessionFilter, reader: Actor, *, after: SessionId | None, limit: int
    ) -> tuple[Sequence[Session], Mapping[UserId, str]]:
        """As `View.sessions` says."""
        rows = await self._now()
        found = sorted(
            (
                reading.with_ticket(rows, session)
                for session in rows.sessions.values()
                if where.status in (None, session.status)
                and where.assignee_id in (None, session.assignee_id)
                and (after is None or session.id < after)
                and (session.status is not Status.PARKED or permits(reader, Permission.READ_PARKED, session.parked_with))
            ),
            key=lambda session: session.id,
            reverse=True,
        )[:limit]
        return found, reading.names(rows, (user_id for session in found for user_id in reading.in_session(session)))

    async def handoff(self, handoff_id: HandoffId) -> HandoffDetail:
        """As `View.handoff` says."""
        return reading.handoff_detail(await self._now(), handoff_id)

    async def snapshot(self, handoff_id: HandoffId) -> StoredSnapshot:
        """As `View.snapshot` says."""
        handoff = reading.handoff(await self._now(), handoff_id)
        return StoredSnapshot(handoff=handoff, body=self._tables.snapshots[handoff_id])

    async def queue(self, where: QueueFilter, *, after: QueuePosition | None, limit: int) -> Sequence[QueueItem]:
        """As `View.queue` says."""
        rows = await self._now()
        start = (-after.rank, after.escalated_at, after.handoff_id) if after else None
        waiting = sorted(
            (
                handoff
                for handoff in rows.handoffs.values()
                if handoff.intent is Intent.ESCALATE
                and handoff.state is HandoffState.OPEN
                and where.team_id in (None, handoff.team_id)
                and where.user_id in (None, handoff.user_id)
                and where.priority in (None, handoff.priority)
            ),
            key=_queued,
        )
        page = islice((handoff for handoff in waiting if start is None or _queued(handoff) > start), limit)
        return [_item(rows, handoff) for handoff in page]

    async def deliveries(self, handoff_id: HandoffId, *, after: DeliveryId | None, limit: int) -> Sequence[Delivery]:
        """As `View.deliveries` says."""
        rows = await self._now()
        reading.handoff(rows, handoff_id)
        return [one for one in reading.deliveries(rows, handoff_id) if after is None or one.id > after][:limit]

    async def ledger(self, states: frozenset[DeliveryState], *, before: DeliveryId | None, limit: int) -> Sequence[Delivery]:
        """As `View.ledger` says."""
        rows = await self._now()
        found = (one for one in rows.deliveries.values() if one.state in states and (before is None or one.id < before))
        return sorted(found, key=lambda one: one.id, reverse=True)[:limit]

    async def assessments(self, handoff_id: HandoffId, *, after: AssessmentId | None, limit: int) -> Sequence[JudgedAssessment]:
        """As `View.assessments` says."""
        rows = await self._now()
        reading.handoff(rows, handoff_id)
        return assessments.judged(rows, handoff_id, after=after, limit=limit)

    async def suggestions(self, session_id: SessionId) -> Sequence[Suggestion]:
        """As `View.suggestions` says."""
        return suggestions.of_session(await self._now(), session_id)[::-1]

    async def similar(self, words: Sequence[str], title: str, *, without: SessionId, limit: int) -> Sequence[ResolvedSession]:
        """As `View.similar` says."""
        return suggestions.similar(await self._now(), words, title, without=without, limit=limit)

    async def timeline(self, session_id: SessionId, reader: Actor, *, since: HandoffId | None, after: int, limit: int) -> Sequence[Entry]:
        """As `View.timeline` says."""
        rows = await self._now()
        session = reading.session(rows, session_id)
        if since is None:
            session.require_readable(reader)
        logged = [one for one in self._logged() if one.event.session_id == session_id]
        if since is not None:
            after = max(after, next((one.number for one in logged if one.event.handoff_id == since), after))
        readable = (one for one in logged if one.number > after and self._readable(rows, one.event, reader))
        return [Entry(logged=one, name=_name(rows, one.event)) for one in islice(readable, limit)]

    async def events(self, *, after: int, limit: int) -> Sequence[LoggedEvent]:
        """As `View.events` says."""
        await self._now()
        return self._logged()[max(after, 0) :][:limit]

    async def news(self, *, after: int, limit: int) -> Sequence[News]:
        """As `View.news` says."""
        rows = await self._now()
        return [
            News(entry=Entry(logged=one, name=_name(rows, one.event)), readers=_readers(rows, one.event))
            for one in self._logged()[max(after, 0) :][:limit]
        ]

    async def online(self) -> frozenset[UserId]:
        """As `View.online` says."""
        rows, now = await self._now(), self._clock.now()
        return frozenset(user_id for user_id, _, until in rows.presence.values() if until > now)

    async def last_number(self) -> int:
        """As `View.last_number` says."""
        await self._now()
        return len(self._tables.events)

    async def imported(self, log: str) -> Mapping[str, ImportedCase]:
        """As `View.imported` says."""
        return imports.imported(await self._now(), log)

    async def figures(self, log: str) -> Figures:
        """As `View.figures` says."""
        return imports.figures(await self._now(), self._tables.events, log)

    async def psa_connections(self) -> Sequence[PsaConnection]:
        """As `View.psa_connections` says."""
        return psa_ledger.connections(await self._now())

    async def psa_posts(self, where: PostFilter, *, after: PsaPostId | None, limit: int) -> Sequence[PsaPost]:
        """As `View.psa_posts` says."""
        return psa_ledger.posts(await self._now(), where, after=after, limit=limit)

    async def members(self, *, after: UserId | None, limit: int) -> Sequence[Member]:
        """As `View.members` says."""
        rows = await self._now()
        found = sorted(user.id for user in rows.users.values() if after is None or user.id > after)
        return [reading.member(rows, user_id) for user_id in found[:limit]]

    async def member(self, user_id: UserId) -> Member:
        """As `View.member` says."""
        return reading.member(await self._now(), user_id)

    async def teams(self, *, after: TeamId | None, limit: int) -> Sequence[TeamDetail]:
        """As `View.teams` says."""
        rows = await self._now()
        found = sorted(team.id for team in rows.teams.values() if after is None or team.id > after)
        return [reading.team(rows, team_id) for team_id in found[:limit]]

    async def team(self, team_id: TeamId) -> TeamDetail:
        """As `View.team` says."""
        return reading.team(await self._now(), team_id)

    async def authenticate(self, digest: bytes, *, at: datetime) -> tuple[Person, ApiToken]:
        """As `View.authenticate` says."""
        rows = await self._now()
        token = next((token for token in rows.tokens.values() if token.digest == digest and token.is_good(at)), None)
        user, account = rows.users.get(token.user_id) if token else None, rows.accounts.get(self._account_id)
        if token is None or user is None or account is None:
            raise Unauthenticated
        account.require_open()
        return user.acting(self._account_id, token.scope), token

    async def signed_in(self, digest: bytes, *, at: datetime) -> Person:
        """As `View.signed_in` says."""
        rows = await self._now()
        sign_in = rows.sign_ins.get(digest)
        user = rows.users.get(sign_in.user_id) if sign_in and sign_in.expires_at > at else None
        account = rows.accounts.get(self._account_id)
        if user is None or account is None:
            raise Unauthenticated
        account.require_open()
        return user.acting(self._account_id)

    async def _now(self) -> Working:
        """What is committed, after whoever else is ready to run has had a turn."""
        await asyncio.sleep(0)
        return Working(self._tables)

    def _logged(self) -> list[LoggedEvent]:
        return [LoggedEvent(number=number, event=event) for number, event in enumerate(self._tables.events, 1)]

    def _readable(self, rows: Working, event: Event, reader: Actor) -> bool:
        return not event.private or (event.handoff_id is not None and reading.handoff(rows, event.handoff_id).readable_by(reader))


def _readers(rows: Working, event: Event) -> frozenset[UserId] | None:
    return reading.handoff(rows, event.handoff_id).readers if event.private and event.handoff_id else None


def _queued(handoff: Handoff) -> tuple[int, datetime, HandoffId]:
    return -handoff.priority.rank, handoff.escalated_at, handoff.id


def _item(rows: Working, handoff: Handoff) -> QueueItem:
    brief = assessments.with_headline(rows, handoff).brief
    return QueueItem(
        handoff_id=handoff.id,
        session_id=handoff.session_id,
        title=brief.title,
        client_name=brief.client_name,
        ticket=brief.ticket,
        reason=handoff.reason,
        priority=handoff.priority,
        escalated_by=handoff.escalated_by,
        escalated_by_name=reading.names(rows, (handoff.escalated_by,))[handoff.escalated_by],
        team_id=handoff.team_id,
        user_id=handoff.user_id,
        escalated_at=handoff.escalated_at,
        due_at=handoff.due_at,
        headline=brief.headline,
        branch_count=brief.branch_count,
        step_count=brief.step_count,
    )


def _name(rows: Working, event: Event) -> str | None:
    return None if event.by is None else reading.names(rows, (event.by,)).get(event.by)
