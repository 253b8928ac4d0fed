"""Claims are watched where the account lets quiet ones lapse."""

from datetime import timedelta

import pytest
from attrs import evolve

from flowpilot_core.domain.handoffs.quiet_claim import ClaimWatch
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import ClaimWatchId, EventId, HandoffId
from flowpilot_core.domain.notifications.escalation_policy import EscalationPolicy
from flowpilot_core.ports.kernel import BeginWork
from flowpilot_core.ports.relay import Outbox, WorkKind
from flowpilot_core.ports.unit_of_work import UnitOfWork
from flowpilot_core.testing.builders import MINUTE, NOON, Staff, an_escalation, new_id
from flowpilot_core.testing.contracts.contract import Contract


class ClaimWatchesContract(Contract):
    """`ClaimWatches`."""

    async def test_a_claim_is_watched_where_the_account_wants_it_and_the_claim_is_on_record(
        self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff
    ) -> None:
        case = await an_escalation(by=acme.anna).kept(begin)
        watched, unwanted, unheard = (ClaimWatchId(new_id()) for _ in range(3))
        await self._claim(begin, acme, case.handoff.id, unwanted)
        async with begin(acme.account_id) as work:
            await work.escalation.set_policy(EscalationPolicy(claim_quiet_minutes=30))
            await work.claim_watches.begin(unheard, caused_by=EventId(new_id()))
            await work.commit()
        other = await an_escalation(by=acme.anna).kept(begin)
        await self._claim(begin, acme, other.handoff.id, watched)

        leases = await outbox.take({WorkKind.QUIET_CLAIM: 10}, lease_for=timedelta(minutes=5))

        assert [watched] == [lease.work_id for lease in leases if lease.account_id == acme.account_id]
        async with begin(acme.account_id) as work:
            watch = await work.claim_watches.get(watched)
            claim = (await work.handoffs.get(other.handoff.id)).claim
            assert ClaimWatch(id=watched, handoff_id=other.handoff.id, claimed_at=claim.at if claim else NOON) == watch
            await work.claim_watches.keep(evolve(watch, warned_of=NOON))
            await work.commit()
        async with begin(acme.account_id) as work:
            assert NOON == (await work.claim_watches.get(watched)).warned_of
            for nothing in (unwanted, unheard):
                with pytest.raises(NotFound):
                    await work.claim_watches.get(nothing)

    async def test_anothers_watch_is_nothing_here(self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff) -> None:
        """A27, A28: not read, not changed."""
        case = await an_escalation(by=acme.anna).kept(begin)
        watch_id = ClaimWatchId(new_id())
        async with begin(acme.account_id) as work:
            await work.escalation.set_policy(EscalationPolicy(claim_quiet_minutes=30))
            await work.commit()
        await self._claim(begin, acme, case.handoff.id, watch_id)

        async with begin(globex.account_id) as work:
            with pytest.raises(NotFound):
                await work.claim_watches.get(watch_id)
            await work.claim_watches.keep(ClaimWatch(id=watch_id, handoff_id=case.handoff.id, claimed_at=NOON, warned_of=NOON))
            await work.commit()

        async with begin(acme.account_id) as work:
            assert (await work.claim_watches.get(watch_id)).warned_of is None

    async def _claim(self, begin: BeginWork[UnitOfWork], staff: Staff, handoff_id: HandoffId, watch_id: ClaimWatchId) -> None:
        async with begin(staff.account_id) as work:
            event_id = EventId(new_id())
            await work.claim_watches.begin(watch_id, caused_by=event_id)
            await work.handoffs.claim(
                handoff_id,
                by=staff.ben,
                at=NOON + MINUTE,
                event_id=event_id,
                request_id=None,
                expected=None,
                commit=True,
            )
