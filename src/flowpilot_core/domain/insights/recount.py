"""The same facts once more, from the event log alone: for who wants to know whether what is kept is right."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from attrs import Factory, define, evolve, field, frozen

from flowpilot_core.domain.handoffs.handoff import HandoffState
from flowpilot_core.domain.kernel.events import Event, EventKind, Plain
from flowpilot_core.domain.kernel.identifiers import HandoffId, SessionId, TeamId, TreeId, UserId
from flowpilot_core.domain.sessions.branch import Outcome
from flowpilot_core.domain.sessions.feedback import Verdict
from flowpilot_core.domain.sessions.session import Priority, Status

from .facts import AssessmentFacts, DeliveryFacts, EscalationFacts, Facts, PostFacts, SessionFacts, SuggestionFacts, WalkFacts


@frozen(kw_only=True)
class Untold:
    """What figures ask and no event tells: taken from what is kept, row by row."""

    teams: Mapping[SessionId, TeamId] = field(factory=dict)
    clients: Mapping[SessionId | HandoffId, str] = field(factory=dict)
    """Of sessions, and of escalations as they were made."""
    due: Mapping[HandoffId, datetime] = field(factory=dict)
    walks: Mapping[SessionId, WalkFacts] = field(factory=dict)
    deliveries: Collection[DeliveryFacts] = ()
    posts: Collection[PostFacts] = ()
    assessments: Collection[AssessmentFacts] = ()
    suggestions: Collection[SuggestionFacts] = ()


@define
class Recount:
    """Reads an account's events, in the order of their numbers, and says what has become of everything."""

    _sessions: dict[SessionId, SessionFacts] = Factory(dict)
    _escalations: dict[HandoffId, EscalationFacts] = Factory(dict)
    _fresh: dict[SessionId, HandoffId] = Factory(dict)
    """Claims whose claimer has yet to do something."""
    _verdicts: dict[tuple[HandoffId, UserId], Verdict] = Factory(dict)

    def read(self, event: Event) -> None:
        """One more event."""
        told = _TOLD.get(event.kind)
        if told is not None:
            told(self, event)

    def facts(self, untold: Untold) -> Facts:
        """How everything is after the events so far."""
        return Facts(
            sessions={
                one.id: evolve(
                    one,
                    team_id=untold.teams.get(one.id),
                    client=untold.clients.get(one.id),
                    walk=one.walk and evolve(untold.walks.get(one.id, one.walk), tree_id=one.walk.tree_id),
                )
                for one in self._sessions.values()
            },
            escalations=[
                evolve(
                    one,
                    client=untold.clients.get(one.id),
                    due_at=untold.due.get(one.id),
                    verdict=self._verdicts.get((one.id, one.claimed_by)) if one.claimed_by else None,
                )
                for one in self._escalations.values()
            ],
            deliveries=untold.deliveries,
            posts=untold.posts,
            assessments=untold.assessments,
            suggestions=untold.suggestions,
        )

    def _started(self, event: Event) -> None:
        self._sessions[event.session_id] = SessionFacts(
            id=event.session_id,
            started_at=event.at,
            priority=Priority(str(event.changed["priority"])),
            team_id=None,
            client=None,
            assignee_id=_person(event.by),
        )

    def _step_added(self, event: Event) -> None:
        self._change(event, steps=self._sessions[event.session_id].steps + 1)
        self._worked(event)

    def _forked(self, event: Event) -> None:
        self._change(event, forks=self._sessions[event.session_id].forks + 1)
        self._worked(event)

    def _branch_closed(self, event: Event) -> None:
        if event.changed["outcome"] == Outcome.DEAD_END:
            self._change(event, dead_ends=self._sessions[event.session_id].dead_ends + 1)
        self._worked(event)

    def _worked(self, event: Event) -> None:
        claim = self._escalations.get(self._fresh[event.session_id]) if event.session_id in self._fresh else None
        if claim and claim.claimed_by == event.by:
            del self._fresh[event.session_id]
            self._escalations[claim.id] = evolve(claim, first_step_at=event.at)

    def _walking(self, event: Event) -> None:
        self._change(event, walk=WalkFacts(tree_id=TreeId(UUID(str(event.changed["tree_id"])))))

    def _parked(self, event: Event) -> None:
        self._change(event, status=Status.PARKED)

    def _resumed(self, event: Event) -> None:
        self._change(event, status=Status.ACTIVE)

    def _reassigned(self, event: Event) -> None:
        self._change(event, assignee_id=_user(event.changed["assignee_id"]))

    def _joined(self, event: Event) -> None:
        self._change(event, helped=True)

    def _resolved(self, event: Event) -> None:
        self._end(event)
        self._change(event, status=Status.RESOLVED, resolved_at=event.at)

    def _abandoned(self, event: Event) -> None:
        self._end(event)
        self._change(event, status=Status.ABANDONED)

    def _reopened(self, event: Event) -> None:
        reopenings = self._sessions[event.session_id].reopenings + 1
        self._change(event, status=Status.ACTIVE, reopenings=reopenings, assignee_id=_user(event.changed["assignee_id"]))

    def _escalated(self, event: Event) -> None:
        self._end(event)
        self._change(event, status=Status.ESCALATED, escalations=self._sessions[event.session_id].escalations + 1)
        handoff_id = _handoff(event)
        self._escalations[handoff_id] = EscalationFacts(
            id=handoff_id,
            session_id=event.session_id,
            escalated_at=event.at,
            escalated_by=_person(event.by),
            priority=Priority(str(event.changed["priority"])),
            team_id=_team(event.changed["team_id"]),
            client=None,
            due_at=None,
        )

    def _claimed(self, event: Event) -> None:
        by = _person(event.by)
        self._change(event, status=Status.ACTIVE, assignee_id=by)
        self._change_escalation(event, state=HandoffState.CLAIMED, claimed_by=by, claimed_at=event.at, first_step_at=None)
        self._fresh[event.session_id] = _handoff(event)

    def _unclaimed(self, event: Event) -> None:
        self._given_back(event, unclaims=self._escalations[_handoff(event)].unclaims + 1)

    def _lapsed(self, event: Event) -> None:
        self._given_back(event, lapses=self._escalations[_handoff(event)].lapses + 1)

    def _given_back(self, event: Event, **counted: int) -> None:
        self._end(event)
        self._change(event, status=Status.ESCALATED, assignee_id=_user(event.changed["assignee_id"]))
        self._change_escalation(event, state=HandoffState.OPEN, claimed_by=None, claimed_at=None, first_step_at=None, **counted)

    def _rerouted(self, event: Event) -> None:
        self._change_escalation(
            event,
            team_id=_team(event.changed["team_id"]),
            priority=Priority(str(event.changed["priority"])),
            reroutes=self._escalations[_handoff(event)].reroutes + 1,
        )

    def _withdrawn(self, event: Event) -> None:
        self._change(event, status=Status.ACTIVE)
        self._change_escalation(event, state=HandoffState.WITHDRAWN)

    def _judged(self, event: Event) -> None:
        self._verdicts[_handoff(event), _person(event.by)] = Verdict(str(event.changed["verdict"]))

    def _end(self, event: Event) -> None:
        """Whatever its claimer does from now on is no first step."""
        self._fresh.pop(event.session_id, None)

    def _change(self, event: Event, **changed: Any) -> None:
        self._sessions[event.session_id] = evolve(self._sessions[event.session_id], **changed)

    def _change_escalation(self, event: Event, **changed: Any) -> None:
        handoff_id = _handoff(event)
        self._escalations[handoff_id] = evolve(self._escalations[handoff_id], **changed)


_TOLD: Mapping[EventKind, Callable[[Recount, Event], None]] = MappingProxyType(
    {
        EventKind.SESSION_STARTED: Recount._started,
        EventKind.STEP_ADDED: Recount._step_added,
        EventKind.PICTURE_ADDED: Recount._worked,
        EventKind.STEP_CHANGED: Recount._worked,
        EventKind.BRANCH_FORKED: Recount._forked,
        EventKind.BRANCH_ACTIVATED: Recount._worked,
        EventKind.BRANCH_CLOSED: Recount._branch_closed,
        EventKind.WALK_STARTED: Recount._walking,
        EventKind.SESSION_PARKED: Recount._parked,
        EventKind.SESSION_RESUMED: Recount._resumed,
        EventKind.SESSION_REASSIGNED: Recount._reassigned,
        EventKind.SESSION_JOINED: Recount._joined,
        EventKind.SESSION_RESOLVED: Recount._resolved,
        EventKind.SESSION_ABANDONED: Recount._abandoned,
        EventKind.SESSION_REOPENED: Recount._reopened,
        EventKind.HANDOFF_ESCALATED: Recount._escalated,
        EventKind.HANDOFF_CLAIMED: Recount._claimed,
        EventKind.HANDOFF_UNCLAIMED: Recount._unclaimed,
        EventKind.HANDOFF_LAPSED: Recount._lapsed,
        EventKind.HANDOFF_REROUTED: Recount._rerouted,
        EventKind.HANDOFF_WITHDRAWN: Recount._withdrawn,
        EventKind.HANDOFF_JUDGED: Recount._judged,
    }
)


def _person(user_id: UserId | None) -> UserId:
    if user_id is None:
        raise ValueError("only a person does that")
    return user_id


def _handoff(event: Event) -> HandoffId:
    if event.handoff_id is None:
        raise ValueError(f"{event.kind} without a handoff")
    return event.handoff_id


def _user(told: Plain) -> UserId:
    return UserId(UUID(str(told)))


def _team(told: Plain) -> TeamId | None:
    return TeamId(UUID(str(told))) if told else None
