"""What people of one account think of trees and script templates."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from attrs import evolve, frozen

from flowpilot_adapters.memory.tables import Working
from flowpilot_adapters.memory.transaction import Transaction
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import RatingId
from flowpilot_core.domain.knowledge.ownership import Owner, Ref
from flowpilot_core.domain.knowledge.rating import Stars, Subject, TemplateRating
from flowpilot_core.domain.knowledge.template import Template

from .gallery import stars_of_all


@frozen
class MemoryRatings:
    """Inside one unit of work."""

    _work: Transaction

    async def get(self, rating_id: RatingId) -> TemplateRating:
        """As `Ratings.get` says."""
        await asyncio.sleep(0)
        found = self._work.rows.template_ratings.get(rating_id)
        if found is None:
            raise NotFound("rating")
        return found

    async def of(self, subject: Subject, ref: Ref[UUID], *, after: RatingId | None, limit: int) -> Sequence[TemplateRating]:
        """As `Ratings.of` says."""
        await asyncio.sleep(0)
        found = [one for one in self._work.rows.template_ratings.values() if (one.subject, one.of) == (subject, ref)]
        return sorted((one for one in found if after is None or one.id > after), key=lambda one: one.id)[:limit]

    async def save(self, rating: TemplateRating) -> TemplateRating:
        """As `Ratings.save` says."""
        about = (rating.subject, rating.of, rating.user_id)
        before = (one for one in self._work.rows.template_ratings.values() if (one.subject, one.of, one.user_id) == about)
        kept = evolve(rating, id=next((one.id for one in before), rating.id))
        self._work.rows.template_ratings.put(kept.id, kept)
        return kept

    async def drop(self, rating_id: RatingId) -> None:
        """As `Ratings.drop` says."""
        self._work.rows.template_ratings.drop(rating_id)


def stars(rows: Working, subject: Subject, template: Template[Any, Any]) -> Stars:
    """What people of the account gave something of its own; of what is the platform's, what those of all accounts did."""
    if template.owner is Owner.PLATFORM:
        return stars_of_all(rows, subject, template.id)
    found = [one.stars for one in rows.template_ratings.values() if (one.subject, one.of.id) == (subject, template.id)]
    return Stars(count=len(found), total=sum(found))
