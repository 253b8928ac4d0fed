"""A claim that goes quiet: where the account wants it, a claim is a lease that work renews."""

from datetime import datetime, timedelta
from enum import StrEnum

from attrs import evolve, frozen

from flowpilot_core.domain.kernel.identifiers import ClaimWatchId, HandoffId
from flowpilot_core.domain.sessions.session import Session, Status

from .handoff import Handoff

WARNED_AT = 0.7
"""How much of the quiet passes before the claimer is warned."""


class Quiet(StrEnum):
    """What is to be done about a claim."""

    ENDED = "ended"
    """It is no claim any more, or may be as quiet as it likes."""
    WAIT = "wait"
    WARN = "warn"
    LAPSE = "lapse"


@frozen(kw_only=True)
class ClaimWatch:
    """An eye on one claim."""

    id: ClaimWatchId
    handoff_id: HandoffId
    claimed_at: datetime
    warned_of: datetime | None = None
    """Since when it had been quiet as its claimer was last warned."""

    def look(self, handoff: Handoff, session: Session, minutes: int | None, *, at: datetime) -> "tuple[Quiet, ClaimWatch, datetime]":
        """What is to be done, the watch once it is done, and when to look again.

        Nobody loses a claim unwarned: who was to be warned while nobody looked is warned now and has the rest of the time from now on.
        """
        claim = handoff.claim
        theirs = claim is not None and claim.at == self.claimed_at and session.latest_handoff_id == handoff.id
        if minutes is None or claim is None or not theirs or session.status is not Status.ACTIVE or session.assignee_id != claim.by:
            return Quiet.ENDED, self, at
        since, whole = max(claim.at, session.updated_at), timedelta(minutes=minutes)
        if at < since + whole * WARNED_AT:
            return Quiet.WAIT, self, since + whole * WARNED_AT
        if self.warned_of != since:
            return Quiet.WARN, evolve(self, warned_of=since), max(since + whole, at + whole * (1 - WARNED_AT))
        if at < since + whole:
            return Quiet.WAIT, self, since + whole
        return Quiet.LAPSE, self, at
