"""How accounts use what the platform offers: noted where they do, and counted by the relay."""

from contextlib import suppress
from datetime import datetime
from typing import Any, Protocol

from attrs import evolve, frozen

from flowpilot_core.application.kernel.units import Units
from flowpilot_core.application.relay.leases import drop
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import PLATFORM_ACCOUNT
from flowpilot_core.domain.knowledge.gallery import Figures
from flowpilot_core.domain.knowledge.ownership import Owner, Ref
from flowpilot_core.domain.knowledge.rating import Subject
from flowpilot_core.ports.kernel import NewId
from flowpilot_core.ports.knowledge import KnowledgeWork
from flowpilot_core.ports.relay import Lease, RelayWork, Work, WorkKind


class CountNeeds(KnowledgeWork, RelayWork, Protocol):
    """What is done here asks this of a unit of work."""


async def note_use(work: RelayWork, used: Ref[Any], *, new_id: NewId, at: datetime) -> None:
    """Have it counted after the commit how the account uses something, where that is the platform's."""
    if used.owner is Owner.PLATFORM:
        await work.due.add(Work(id=new_id(), kind=WorkKind.GALLERY_USE, due_at=at, target=used.id))


@frozen(kw_only=True)
class CountUse:
    """Does the work of counting how an account uses something of the platform's.

    What it counts is a state, so that counting it again changes nothing.
    """

    units: Units[CountNeeds]

    async def do(self, lease: Lease) -> None:
        """Look in the account, keep it in the platform's, which alone adds accounts up."""
        async with self.units.begin(lease.account_id) as work:
            if lease.target is None or not await work.due.holds(lease):
                return
            used = {subject: await work.gallery.used(subject, lease.target) for subject in Subject}
        async with self.units.begin(PLATFORM_ACCOUNT) as work:
            for subject, one in used.items():
                with suppress(NotFound):
                    entry = await work.gallery.held(subject, lease.target)
                    tallies = {**await work.gallery.tallies(subject, lease.target), lease.account_id: one}
                    await work.gallery.tally(subject, lease.target, lease.account_id, one)
                    await work.gallery.save(evolve(entry, figures=Figures.of(tallies.values())))
            await work.commit()
        await drop(self.units.begin, lease)

    async def give_up(self, lease: Lease, problem: str) -> None:
        """The figures stay as they are until the next use."""
        await drop(self.units.begin, lease)
