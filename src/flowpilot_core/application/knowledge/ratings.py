"""Use cases of ratings: say what one thinks of a tree or a script template, and read what colleagues think."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from attrs import frozen

from flowpilot_core.application.kernel.units import PLAIN, Request, Units
from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import RatingId, ScriptTemplateId, TreeId, UserId
from flowpilot_core.domain.kernel.permissions import Permission, person, require_role
from flowpilot_core.domain.knowledge.ownership import Ref
from flowpilot_core.domain.knowledge.rating import Subject, TemplateRating, rated
from flowpilot_core.domain.knowledge.template import Template
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.kernel import Clock, NewId
from flowpilot_core.ports.knowledge import KnowledgeWork
from flowpilot_core.ports.relay import RelayWork

from .names import names_of
from .uses import note_use


class RatingNeeds(KnowledgeWork, AccessWork, RelayWork, Protocol):
    """What is done here asks this of a unit of work."""


@frozen(kw_only=True)
class Ratings:
    """Ratings by people of the actor's account. Everything raises `NotFound` for what is not there."""

    units: Units[RatingNeeds]
    clock: Clock
    new_id: NewId

    async def rate(
        self, actor: Actor, subject: Subject, subject_id: UUID, *, stars: int, comment: str | None = None, request: Request = PLAIN
    ) -> TemplateRating:
        """The actor's, in place of an earlier one. Raises `InvalidValue`, and `InvalidTransition` for what was never published."""

        async def unit(work: RatingNeeds) -> TemplateRating:
            template = await subject_of(work, actor, subject, subject_id)
            rating = rated(RatingId(self.new_id()), subject, template, stars=stars, comment=comment, by=actor, at=self.clock.now())
            await note_use(work, rating.of, new_id=self.new_id, at=rating.given_at)
            return await work.ratings.save(rating)

        return await self.units.run(actor, unit, request)

    async def of(
        self, actor: Actor, subject: Subject, subject_id: UUID, *, after: RatingId | None, limit: int
    ) -> tuple[Sequence[TemplateRating], Mapping[UserId, str]]:
        """What people of the account think of it, the oldest rating (least id) first, with their names."""
        async with self.units.begin(actor.account_id) as work:
            template = await subject_of(work, actor, subject, subject_id)
            found = await work.ratings.of(subject, Ref(id=template.id, owner=template.owner), after=after, limit=limit)
            return found, await names_of(work, {one.user_id for one in found})

    async def drop(self, actor: Actor, rating_id: RatingId, *, request: Request = PLAIN) -> TemplateRating:
        """Take one's own back; another's does not exist."""

        async def unit(work: RatingNeeds) -> TemplateRating:
            rating = await work.ratings.get(rating_id)
            if rating.user_id != person(actor, Permission.RATE_TREES).user_id:
                raise NotFound("rating")
            require_role(actor, Permission.RATE_TREES)
            await work.ratings.drop(rating_id)
            await note_use(work, rating.of, new_id=self.new_id, at=self.clock.now())
            return rating

        return await self.units.run(actor, unit, request)


async def subject_of(work: KnowledgeWork, actor: Actor, subject: Subject, subject_id: UUID) -> Template[Any, Any]:
    """What is named, if the actor may know of it. Raises `NotFound`."""
    template: Template[Any, Any]
    if subject is Subject.TREE:
        template = await work.trees.get(TreeId(subject_id))
    else:
        template = await work.script_templates.get(ScriptTemplateId(subject_id))
    template.require_readable(actor)
    return template
