"""What people think of trees and script templates, and what many such opinions come to."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from attrs import frozen

from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.errors import InvalidTransition, InvalidValue
from flowpilot_core.domain.kernel.identifiers import RatingId, UserId
from flowpilot_core.domain.kernel.permissions import Permission, person, require_role
from flowpilot_core.domain.kernel.text import optional_text

from .ownership import Ref
from .template import Template

MOST_STARS: Final = 5
PRIOR_STARS: Final = 3.5
PRIOR_VOTES: Final = 5
"""What every subject begins with, so that one vote alone says little."""


TOLD_BY_STARS: Final = 10
"""One star more or less moves a rank by one part in so many."""


class Subject(StrEnum):
    """What can be rated."""

    TREE = "tree"
    SCRIPT_TEMPLATE = "script_template"


@frozen(kw_only=True)
class TemplateRating:
    """What somebody thinks of a tree or a script template; a later one replaces it."""

    id: RatingId
    subject: Subject
    of: Ref[UUID]
    user_id: UserId
    stars: int
    comment: str | None
    given_at: datetime


@frozen(kw_only=True)
class Stars:
    """How many rated something, and the stars that they gave together."""

    count: int = 0
    total: int = 0

    @property
    def mean(self) -> float:
        """The mean, drawn towards what everything begins with by so many votes."""
        return (PRIOR_VOTES * PRIOR_STARS + self.total) / (PRIOR_VOTES + self.count)

    @property
    def worth(self) -> float:
        """What these make of a rank: 1 without votes, and not so much that a tree that fits worse by far comes first."""
        return 1 + (self.mean - PRIOR_STARS) / TOLD_BY_STARS


NO_STARS: Final = Stars()


def rated(
    rating_id: RatingId,
    subject: Subject,
    template: Template[Any, Any],
    *,
    stars: int,
    comment: str | None,
    by: Actor,
    at: datetime,
) -> TemplateRating:
    """An opinion of something that was published. Raises `InvalidValue`, `RoleForbidden` or `InvalidTransition`."""
    if not 1 <= stars <= MOST_STARS:
        raise InvalidValue("stars", f"must be from 1 to {MOST_STARS}")
    comment = optional_text("comment", comment)
    require_role(by, Permission.RATE_TREES)
    if template.revision is None:
        raise InvalidTransition(template.THING, template.state, "rate")
    return TemplateRating(
        id=rating_id,
        subject=subject,
        of=Ref(id=template.id, owner=template.owner),
        user_id=person(by, Permission.RATE_TREES).user_id,
        stars=stars,
        comment=comment,
        given_at=at,
    )
