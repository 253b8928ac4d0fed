"""Use cases of search: what somebody finds, and how it comes to be found."""

import logging

from attrs import frozen

from flowpilot_core.application.relay.leases import drop
from flowpilot_core.domain.insights.search import Found, Place, Within
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.moment import checked_moment
from flowpilot_core.domain.kernel.query import Query
from flowpilot_core.ports.insights import InsightsView, InsightsWork
from flowpilot_core.ports.kernel import BeginWork, ViewOf
from flowpilot_core.ports.relay import Lease

log = logging.getLogger("flowpilot.search")

ANYWHERE = Within()


@frozen(kw_only=True)
class Search:
    """Finds what is in the actor's account, and the actor may read."""

    view: ViewOf[InsightsView]

    async def find(self, actor: Person, said: str, *, within: Within = ANYWHERE, after: Place | None = None, limit: int) -> Found:
        """What is found by what was said, the best first. Raises `InvalidValue`."""
        query = Query.parsed(said)
        for field, at in (("from", within.start), ("to", within.end)):
            if at is not None:
                checked_moment(field, at)
        if query.excludes_itself:
            return Found()
        return await self.view(actor.account_id).search(query, within, actor, after=after, limit=limit)


@frozen(kw_only=True)
class IndexForSearch:
    """Does the work of having one thing found as it is."""

    begin: BeginWork[InsightsWork]

    async def do(self, lease: Lease) -> None:
        """Look at it anew. Where it changes meanwhile the lease is no longer held, and somebody looks once more."""
        async with self.begin(lease.account_id) as work:
            if lease.target is not None:
                await work.search_index.refresh(lease.target)
            await work.due.finish(lease)
            await work.commit()

    async def give_up(self, lease: Lease, problem: str) -> None:
        """It stays found as it was."""
        await drop(self.begin, lease)
        log.error("not indexed for search", extra={"subject_id": str(lease.target), "problem": problem})
