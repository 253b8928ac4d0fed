"""What people of one account think of trees and script templates."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from attrs import evolve, frozen

from flowpilot_adapters.memory.tables import Working
from flowpilot_adapters.memory.transaction import Transaction
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import RatingId
from flowpilot_core.domain.knowledge.ownership import Owner, Ref
from flowpilot_core.domain.knowledge.rating import NO_STARS, Stars, Subject, TemplateRating
from flowpilot_core.domain.knowledge.template import Template
from flowpilot_core.ports.knowledge import Sort

from .gallery import stars_of_all

T = TypeVar("T", bound=Template[Any, Any])


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


def in_order(
    rows: Working, subject: Subject, templates: Iterable[T], wanted: Callable[[T], bool], sort: Sort, after: UUID | None
) -> list[T]:
    """Those of the account's templates that are wanted, as a list has them from there on; what is gone was never rated."""
    own: Mapping[Any, T] = {one.id: one for one in templates}

    def place(template_id: UUID) -> tuple[float, UUID]:
        given = stars(rows, subject, own[template_id]) if template_id in own else NO_STARS
        return (given.mean if sort is Sort.RATING else 0, template_id)

    places = sorted((place(one.id) for one in own.values() if wanted(one)), reverse=True)
    return [own[template_id] for mean, template_id in places if after is None or (mean, template_id) < place(after)]
