"""Ratings as clients write and read them."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from flowpilot_core.domain.kernel.identifiers import UserId
from flowpilot_core.domain.knowledge.rating import MOST_STARS, Stars, Subject, TemplateRating
from flowpilot_http.schemas.kernel import Closed, Instant, MaybeText, Page, PersonOut, person


class NewRating(Closed, kw_only=True, frozen=True):
    """What you think of something, in place of what you said before."""

    subject: Subject
    subject_id: UUID
    stars: Annotated[int, Meta(extra_json_schema={"minimum": 1, "maximum": MOST_STARS})]
    comment: MaybeText | None = None


class WhichRatings(Page, kw_only=True, frozen=True):
    """Of what."""

    subject: Subject
    subject_id: UUID


class TemplateRatingOut(msgspec.Struct, kw_only=True, frozen=True):
    """What somebody thinks of a tree or a script template."""

    id: UUID
    subject: Subject
    subject_id: UUID
    stars: int
    comment: str | None
    by: PersonOut
    at: Instant

    @classmethod
    def of(cls, one: TemplateRating, names: Mapping[UserId, str]) -> "TemplateRatingOut":
        """As clients read it."""
        return cls(
            id=one.id,
            subject=one.subject,
            subject_id=one.of.id,
            stars=one.stars,
            comment=one.comment,
            by=person(one.user_id, names),
            at=one.given_at,
        )


class StarsOut(msgspec.Struct, kw_only=True, frozen=True):
    """What many think of something."""

    stars: Annotated[float, Meta(description="The mean, drawn towards 3.5 by five votes.")]
    count: Annotated[int, Meta(description="How many rated it.")]

    @classmethod
    def of(cls, stars: Stars) -> "StarsOut":
        """As clients read it."""
        return cls(stars=stars.mean, count=stars.count)
