"""How long somebody worked on a session, as far as what they did tells."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from attrs import frozen

from flowpilot_core.domain.kernel.identifiers import UserId
from flowpilot_core.domain.sessions.session import Session
from flowpilot_core.domain.sessions.step import Step

from .handoff import Handoff, Intent

LONGEST_PAUSE = timedelta(minutes=30)
"""Between two things that somebody did: what lies further apart was not work at this."""
A_MINUTE = timedelta(minutes=1)


@frozen(kw_only=True)
class TimeSpent:
    """When it began, and how many minutes of work it was, at least one."""

    began: datetime
    minutes: int


def time_spent(session: Session, steps: Sequence[Step], handoffs: Sequence[Handoff], *, by: UserId, until: datetime) -> TimeSpent:
    """The work of `by` from when the session last came to them, or was last handed over by them, until what they did then.

    The pauses between their steps count as work where they are short; a night does not.
    """
    began = _began(session, handoffs, by, until)
    deeds = sorted({began, *(step.created_at for step in steps if step.created_by == by and began <= step.created_at <= until), until})
    worked = sum((later - earlier for earlier, later in pairwise(deeds) if later - earlier <= LONGEST_PAUSE), timedelta())
    return TimeSpent(began=began, minutes=max(1, -(-worked // A_MINUTE)))


def _began(session: Session, handoffs: Sequence[Handoff], by: UserId, until: datetime) -> datetime:
    escalations = [handoff for handoff in handoffs if handoff.intent is Intent.ESCALATE]
    moments = [
        session.created_at,
        *(handoff.escalated_at for handoff in escalations),
        *(handoff.claim.at for handoff in escalations if handoff.claim is not None and handoff.claim.by == by),
    ]
    return max(moment for moment in moments if moment == session.created_at or moment < until)
