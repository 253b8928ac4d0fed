"""What is known of each session and escalation, and figures counted from that, one after the other."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from attrs import frozen

from flowpilot_core.domain.handoffs.handoff import HandoffState
from flowpilot_core.domain.kernel.identifiers import HandoffId, SessionId, TeamId, UserId
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.domain.notifications.delivery import REACHED, Channel
from flowpilot_core.domain.sessions.feedback import Verdict
from flowpilot_core.domain.sessions.session import Priority, Status

from .analytics import NOT_OF_SESSIONS, GroupBy, GroupKey, Question, Subject, Tallies, Tally
from .spread import Spread

UNSAID = "unknown"
"""Why a message is dead of which nobody said it."""


@frozen(kw_only=True)
class SessionFacts:
    """What figures ask of a session."""

    id: SessionId
    started_at: datetime
    status: Status = Status.ACTIVE
    priority: Priority
    team_id: TeamId | None
    client: str | None
    assignee_id: UserId
    escalations: int = 0
    reopenings: int = 0
    resolved_at: datetime | None = None
    helped: bool = False
    steps: int = 0
    forks: int = 0
    dead_ends: int = 0


@frozen(kw_only=True)
class EscalationFacts:
    """What figures ask of an escalation."""

    id: HandoffId
    session_id: SessionId
    escalated_at: datetime
    escalated_by: UserId
    state: HandoffState = HandoffState.OPEN
    priority: Priority
    team_id: TeamId | None
    client: str | None
    due_at: datetime | None
    claimed_by: UserId | None = None
    claimed_at: datetime | None = None
    first_step_at: datetime | None = None
    verdict: Verdict | None = None
    reroutes: int = 0
    lapses: int = 0
    unclaims: int = 0


@frozen(kw_only=True)
class DeliveryFacts:
    """What figures ask of a message that tells somebody of an escalation."""

    made_at: datetime
    channel: Channel
    state: DeliveryState
    team_id: TeamId | None
    """The one that the escalation is for."""
    updated_at: datetime
    seen_at: datetime | None = None
    last_error: str | None = None


@frozen(kw_only=True)
class Facts:
    """All of an account."""

    sessions: Mapping[SessionId, SessionFacts]
    escalations: Collection[EscalationFacts]
    deliveries: Collection[DeliveryFacts] = ()

    def moments(self) -> list[datetime]:
        """When sessions began and escalations were made."""
        return [*(one.started_at for one in self.sessions.values()), *(one.escalated_at for one in self.escalations)]

    def tallied(self, question: Question, *, at: datetime) -> Tallies:
        """What a question comes to as it is `at`."""
        if question.subject is Subject.DELIVERIES:
            told = [one for one in self.deliveries if one.made_at in question.period and _of_team(question, one.team_id)]
            return Tallies(total=_deliveries(told), groups={key: _deliveries(group) for key, group in _grouped(question, told).items()})
        sessions = [one for one in self.sessions.values() if one.started_at in question.period and _of_team(question, one.team_id)]
        if question.subject is Subject.WORK:
            return Tallies(total=_work(sessions), groups={key: _work(group) for key, group in _grouped(question, sessions).items()})
        made = [one for one in self.escalations if one.escalated_at in question.period and _of_team(question, one.team_id)]
        groups = {key: _escalations(group, at) for key, group in _grouped(question, made).items()}
        for key, group in self._sessions_of(question, sessions, made).items():
            groups[key] = groups.get(key, Tally()).beside(_sessions(group))
        return Tallies(total=_sessions(sessions).beside(_escalations(made, at)), groups=groups)

    def _sessions_of(
        self, question: Question, started: Collection[SessionFacts], made: Collection[EscalationFacts]
    ) -> Mapping[GroupKey, Collection[SessionFacts]]:
        if question.group_by not in NOT_OF_SESSIONS:
            return _grouped(question, started)
        return {
            key: [self.sessions[session_id] for session_id in {one.session_id for one in group} if session_id in self.sessions]
            for key, group in _grouped(question, made).items()
        }


def _of_team(question: Question, team_id: TeamId | None) -> bool:
    return question.team_id in (None, team_id)


F = TypeVar("F", SessionFacts, EscalationFacts, DeliveryFacts)


def _grouped(question: Question, facts: Iterable[F]) -> dict[GroupKey, list[F]]:
    groups: dict[GroupKey, list[F]] = defaultdict(list)
    if question.group_by is not None:
        for one in facts:
            groups[_key(question, one)].append(one)
    return groups


def _key(question: Question, one: SessionFacts | EscalationFacts | DeliveryFacts) -> GroupKey:
    if question.unit:
        return question.period.number(question.unit, _at(one))
    found = getattr(one, _ATTRIBUTES[question.group_by]) if question.group_by else None
    return None if found is None else str(found)


def _at(one: SessionFacts | EscalationFacts | DeliveryFacts) -> datetime:
    match one:
        case SessionFacts():
            return one.started_at
        case EscalationFacts():
            return one.escalated_at
        case DeliveryFacts():
            return one.made_at


_ATTRIBUTES = {
    GroupBy.TEAM: "team_id",
    GroupBy.PRIORITY: "priority",
    GroupBy.CLIENT: "client",
    GroupBy.ESCALATOR: "escalated_by",
    GroupBy.CLAIMER: "claimed_by",
    GroupBy.ASSIGNEE: "assignee_id",
    GroupBy.CHANNEL: "channel",
}


def _sessions(group: Collection[SessionFacts]) -> Tally:
    return Tally(
        counts={
            "sessions": len(group),
            "escalated_sessions": sum(one.escalations > 0 for one in group),
            "reopened": sum(one.reopenings for one in group),
        },
        spreads={"time_to_resolve": _to_resolve(group)},
    )


def _escalations(group: Collection[EscalationFacts], at: datetime) -> Tally:
    claimed = [one for one in group if one.state is HandoffState.CLAIMED]
    waiting = [one for one in group if one.state is HandoffState.OPEN]
    worked = _waits((one.claimed_at, one.first_step_at) for one in claimed)
    verdicts = Counter(one.verdict or "none" for one in claimed)
    return Tally(
        counts={
            "escalations": len(group),
            "reroutes": sum(one.reroutes for one in group),
            "claimed": len(claimed),
            "withdrawn": sum(one.state is HandoffState.WITHDRAWN for one in group),
            "lapsed": sum(one.lapses for one in group),
            "unclaimed": sum(one.unclaims for one in group),
            "waiting": len(waiting),
            "overdue": sum(one.due_at is not None and one.due_at < at for one in waiting),
            "claimed_without_step": len(claimed) - len(worked),
            **{f"verdicts.{verdict}": count for verdict, count in verdicts.items()},
        },
        spreads={
            "time_to_claim": Spread.of(_waits((one.escalated_at, one.claimed_at) for one in claimed)),
            "time_to_first_step": Spread.of(worked),
        },
    )


def _work(group: Collection[SessionFacts]) -> Tally:
    statuses = Counter(one.status for one in group)
    return Tally(
        counts={
            **{f"sessions.{status}": count for status, count in statuses.items()},
            "steps": sum(one.steps for one in group),
            "forks": sum(one.forks for one in group),
            "dead_ends": sum(one.dead_ends for one in group),
            "helped": sum(one.helped for one in group),
            "resolved_without_escalation": sum(one.status is Status.RESOLVED and not one.escalations for one in group),
        },
        spreads={"time_to_resolve": _to_resolve(group)},
    )


def _deliveries(group: Collection[DeliveryFacts]) -> Tally:
    told = Counter(f"{one.channel}_{one.state}" for one in group)
    dead = Counter(one.last_error or UNSAID for one in group if one.state is DeliveryState.DEAD)
    seen = _waits((one.made_at, one.seen_at) for one in group if one.seen_at and one.seen_at >= one.made_at)
    return Tally(
        counts={
            **{f"told.{word}": count for word, count in told.items()},
            "seen": len(seen),
            **{f"dead.{word}": count for word, count in dead.items()},
        },
        spreads={
            "time_to_tell": Spread.of([one.updated_at - one.made_at for one in group if one.state in REACHED]),
            "time_to_seen": Spread.of(seen),
        },
    )


def _to_resolve(group: Collection[SessionFacts]) -> Spread:
    return Spread.of(_waits((one.started_at, one.resolved_at) for one in group))


def _waits(pairs: Iterable[tuple[datetime | None, datetime | None]]) -> list[timedelta]:
    return [until - since for since, until in pairs if since is not None and until is not None]
