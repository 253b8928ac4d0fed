"""What an account wants to happen while nobody takes an escalation, how its people want to be told, and how far that has got."""

from typing import Protocol

from flowpilot_core.domain.delivery import Delivery
from flowpilot_core.domain.escalation_policy import EscalationPolicy, PolicyRun
from flowpilot_core.domain.identifiers import ClaimWatchId, EventId, HandoffId, PolicyRunId, UserId
from flowpilot_core.domain.preferences import Preferences
from flowpilot_core.domain.quiet_claim import ClaimWatch
from flowpilot_core.domain.telling import Member


class Escalation(Protocol):
    """The escalation policy of one account, inside one unit of work."""

    async def policy(self) -> EscalationPolicy:
        """The account's; one that tells nobody anything where none was set."""

    async def set_policy(self, policy: EscalationPolicy) -> None:
        """Keep it in place of the one before."""

    async def members(self) -> tuple[Member, ...]:
        """Everybody who is active, with how they want to be told, oldest first."""

    async def told_the_same(self, delivery: Delivery) -> tuple[Member, ...]:
        """The active people who are told of the same handoff over the same channel, by deliveries of the same kind and number."""

    async def preferences(self, user_id: UserId) -> Preferences:
        """How somebody wants to be told; what everybody starts with where they never said."""

    async def prefer(self, preferences: Preferences) -> None:
        """Keep them in place of those before. Raises `NotFound` (now or at the commit) for somebody who is not of this account."""

    async def run(self, run_id: PolicyRunId) -> PolicyRun | None:
        """How far the policy of an escalation has got; None where another run took its place."""

    async def run_of(self, handoff_id: HandoffId) -> PolicyRun | None:
        """The same by its escalation, if a policy ever began."""

    async def begin_run(self, run: PolicyRun) -> None:
        """Keep a new one, in place of any other of the same escalation. Raises `NotFound` (now or at the commit) where there is none."""

    async def keep_run(self, run: PolicyRun) -> None:
        """Keep how far it has got, unless another took its place."""

    async def watch_claim(self, watch_id: ClaimWatchId, *, caused_by: EventId) -> None:
        """Where the account lets quiet claims lapse, watch the claim that is recorded here as that event.

        The work of looking at it is due once its claimer would have to be warned. Nothing happens where that event is not recorded.
        """

    async def watch(self, watch_id: ClaimWatchId) -> ClaimWatch:
        """Raises `NotFound`."""

    async def keep_watch(self, watch: ClaimWatch) -> None:
        """Keep what is known of a watched claim."""
