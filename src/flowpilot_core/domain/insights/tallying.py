"""Figures counted from facts, one after the other."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from typing import TypeVar

from flowpilot_core.domain.assistant.suggestion import SuggestionState
from flowpilot_core.domain.handoffs.handoff import HandoffState
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.domain.notifications.delivery import REACHED
from flowpilot_core.domain.psa.post import PostState
from flowpilot_core.domain.sessions.session import Status

from .analytics import NOT_OF_SESSIONS, GroupBy, GroupKey, Question, Tallies, Tally, node_key
from .facts import (
    NOBODY,
    UNSAID,
    AssessmentFacts,
    DeliveryFacts,
    EscalationFacts,
    Facts,
    PostFacts,
    SessionFacts,
    SuggestionFacts,
    WalkFacts,
)
from .figures import Subject
from .spread import Spread, classed

F = TypeVar("F", SessionFacts, EscalationFacts, DeliveryFacts, PostFacts, AssessmentFacts, SuggestionFacts)
Fact = SessionFacts | EscalationFacts | DeliveryFacts | PostFacts | AssessmentFacts | SuggestionFacts
SUGGESTED = frozenset({SuggestionState.PROPOSED, SuggestionState.ACCEPTED, SuggestionState.REJECTED})
"""The states of what somebody could read."""


def tallied(facts: Facts, question: Question, *, at: datetime) -> Tallies:
    """What a question comes to as it is `at`."""
    of = _Counting(facts, question)
    match question.subject:
        case Subject.DELIVERIES:
            return of.each(facts.deliveries, _deliveries)
        case Subject.PSA:
            return of.each(facts.posts, _posts)
        case Subject.ASSISTANT:
            return _beside(of.each(facts.assessments, _assessments), of.each(facts.suggestions, _suggestions))
        case Subject.WORK:
            return of.each(facts.sessions.values(), _work)
        case Subject.KNOWLEDGE:
            return of.walks()
        case Subject.ESCALATIONS:
            return _beside(of.each(facts.escalations, lambda group: _escalations(group, at)), of.sessions())


class _Counting:
    def __init__(self, facts: Facts, question: Question) -> None:
        self.facts = facts
        self.question = question

    def each(self, all: Collection[F], tally: Callable[[Collection[F]], Tally]) -> Tallies:
        """What was made in the time, each in its group."""
        asked = self.asked(all)
        return Tallies(total=tally(asked), groups={key: tally(group) for key, group in self.grouped(asked).items()})

    def sessions(self) -> Tallies:
        """Sessions, as escalations are asked about them."""
        if self.question.group_by not in NOT_OF_SESSIONS:
            return self.each(self.facts.sessions.values(), _sessions)
        made = self.grouped(self.asked(self.facts.escalations))
        of = {key: {one.session_id for one in group} & self.facts.sessions.keys() for key, group in made.items()}
        groups = {key: _sessions([self.facts.sessions[one] for one in ids]) for key, ids in of.items()}
        return Tallies(total=_sessions(self.asked(self.facts.sessions.values())), groups=groups)

    def walks(self) -> Tallies:
        """Sessions that follow a tree, with the nodes that the group is about."""
        walks = [(one, one.walk) for one in self.asked(self.facts.sessions.values()) if one.walk]
        groups: dict[GroupKey, list[tuple[SessionFacts, WalkFacts, Collection[str]]]] = defaultdict(list)
        for session, walk in walks:
            if self.question.group_by is GroupBy.TREE:
                groups[str(walk.tree_id)].append((session, walk, walk.nodes))
            elif self.question.group_by is GroupBy.NODE:
                for node in walk.nodes:
                    groups[node_key(walk.tree_id, node)].append((session, walk, (node,)))
        total = _walks([(session, walk, walk.nodes) for session, walk in walks])
        return Tallies(total=total, groups={key: _walks(group) for key, group in groups.items()})

    def asked(self, all: Iterable[F]) -> list[F]:
        """Those in the time, of the team."""
        return [one for one in all if _at(one) in self.question.period and self.question.team_id in (None, one.team_id)]

    def grouped(self, asked: Iterable[F]) -> dict[GroupKey, list[F]]:
        groups: dict[GroupKey, list[F]] = defaultdict(list)
        if self.question.group_by is not None:
            for one in asked:
                groups[self.key(one, self.question.group_by)].append(one)
        return groups

    def key(self, one: Fact, group_by: GroupBy) -> GroupKey:
        if self.question.unit:
            return self.question.period.number(self.question.unit, _at(one))
        if group_by is GroupBy.TREE:
            session = self.facts.sessions.get(one.session_id) if isinstance(one, EscalationFacts) else one
            walk = session.walk if isinstance(session, SessionFacts) else None
            return str(walk.tree_id) if walk else None
        found = getattr(one, _ATTRIBUTES[group_by], None) if group_by is not GroupBy.PROVIDER else _provider(one)
        return None if found is None else str(found)


def _beside(one: Tallies, other: Tallies) -> Tallies:
    names = {**one.groups, **other.groups}
    groups = {name: one.groups.get(name, Tally()).beside(other.groups.get(name, Tally())) for name in names}
    return Tallies(total=one.total.beside(other.total), groups=groups)


def _at(one: Fact) -> datetime:
    match one:
        case SessionFacts():
            return one.started_at
        case EscalationFacts():
            return one.escalated_at
        case DeliveryFacts() | PostFacts():
            return one.made_at
        case AssessmentFacts() | SuggestionFacts():
            return one.asked_at


def _provider(one: Fact) -> str | None:
    return one.source if isinstance(one, SuggestionFacts) else getattr(one, "provider", None)


_ATTRIBUTES = {
    GroupBy.TEAM: "team_id",
    GroupBy.PRIORITY: "priority",
    GroupBy.CLIENT: "client",
    GroupBy.ESCALATOR: "escalated_by",
    GroupBy.CLAIMER: "claimed_by",
    GroupBy.ASSIGNEE: "assignee_id",
    GroupBy.CHANNEL: "channel",
    GroupBy.CONNECTION: "connection_id",
    GroupBy.KIND: "kind",
    GroupBy.PROMPT_VERSION: "prompt_version",
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
    to_claim = _waits((one.escalated_at, one.claimed_at) for one in claimed)
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
            **{f"time_to_claim_classes.{name}": count for name, count in classed(to_claim).items()},
            **{f"time_to_first_step_classes.{name}": count for name, count in classed(worked).items()},
        },
        spreads={
            "time_to_claim": Spread.of(to_claim),
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


def _posts(group: Collection[PostFacts]) -> Tally:
    posts = Counter(f"{one.kind}_{one.action}_{one.state}" for one in group)
    dead = Counter(one.last_error or UNSAID for one in group if one.state is PostState.DEAD)
    return Tally(
        counts={
            **{f"posts.{word}": count for word, count in posts.items()},
            "attempts": sum(one.attempts for one in group),
            "hours_booked": sum(one.minutes or 0 for one in group if one.state is PostState.POSTED),
            **{f"dead.{word}": count for word, count in dead.items()},
        },
        spreads={"time_to_post": Spread.of(_waits((one.made_at, one.posted_at) for one in group))},
    )


def _assessments(group: Collection[AssessmentFacts]) -> Tally:
    assessments = Counter(f"{one.state}_{one.provider or NOBODY}" for one in group)
    verdicts = Counter(verdict for one in group for verdict in one.verdicts)
    return Tally(
        counts={
            **{f"assessments.{word}": count for word, count in assessments.items()},
            **{str(verdict): count for verdict, count in verdicts.items()},
            "cited": sum(one.cited for one in group),
            "dropped": sum(one.dropped for one in group),
            "tokens": sum(one.tokens for one in group),
        }
    )


def _suggestions(group: Collection[SuggestionFacts]) -> Tally:
    states = Counter(one.state for one in group)
    return Tally(
        counts={
            "suggestions": sum(states[state] for state in SUGGESTED),
            "accepted": states[SuggestionState.ACCEPTED],
            "rejected": states[SuggestionState.REJECTED],
        }
    )


def _walks(group: Collection[tuple[SessionFacts, WalkFacts, Collection[str]]]) -> Tally:
    nodes = [[walk.nodes[name] for name in names] for _, walk, names in group]
    return Tally(
        counts={
            "walks": len(group),
            "solved": sum(walk.solved for _, walk, _ in group),
            "escalated": sum(session.escalations > 0 for session, _, _ in group),
            "left": sum(any(node.left for node in of) for of in nodes),
            "reached": sum(map(len, nodes)),
            "thumbs.up": sum(node.up for of in nodes for node in of),
            "thumbs.down": sum(node.down for of in nodes for node in of),
        },
        spreads={"time_to_resolve": _to_resolve([session for session, _, _ in group])},
    )


def _to_resolve(group: Collection[SessionFacts]) -> Spread:
    return Spread.of(_waits((one.started_at, one.resolved_at) for one in group))


def _waits(pairs: Iterable[tuple[datetime | None, datetime | None]]) -> list[timedelta]:
    return [until - since for since, until in pairs if since is not None and until is not None]
