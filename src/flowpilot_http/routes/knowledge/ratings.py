"""Ratings of trees and script templates by people of the account."""

from uuid import UUID

from flowpilot_core.domain.kernel.identifiers import RatingId, UserId
from flowpilot_core.domain.knowledge.rating import TemplateRating
from flowpilot_http.api_request import Call
from flowpilot_http.operations import Part
from flowpilot_http.responses import Body
from flowpilot_http.schemas.kernel import Listed, Nothing
from flowpilot_http.schemas.knowledge.ratings import NewRating, TemplateRatingOut, WhichRatings

part = Part("Ratings")


@part.makes("/ratings", TemplateRatingOut, body=NewRating, problems=("not_found", "invalid_transition"))
async def rate(request: Call) -> Body:
    """Say what you think of a tree or a script template; it replaces what you said before."""
    new = await request.read(NewRating)
    return await request.changed(
        lambda change: request.flowpilot.ratings.rate(
            request.user, new.subject, new.subject_id, stars=new.stars, comment=new.comment, request=change
        ),
        lambda one: TemplateRatingOut.of(one, {request.user.user_id: request.user.name}),
        status=201,
    )


@part.reads("/ratings", Listed[TemplateRatingOut], query=WhichRatings, problems=("invalid_cursor", "not_found"))
async def list_ratings(request: Call) -> Body:
    """What people of your account think of a tree or a script template, the oldest rating first."""
    page = await request.wanted(WhichRatings)
    names: dict[UserId, str] = {}

    async def more(after: UUID | None, limit: int) -> list[TemplateRating]:
        last = None if after is None else RatingId(after)
        found, called = await request.flowpilot.ratings.of(request.user, page.subject, page.subject_id, after=last, limit=limit)
        names.update(called)
        return list(found)

    return await request.listed(
        page,
        f"ratings of {page.subject} {page.subject_id}",
        UUID,
        more,
        shown=lambda one: TemplateRatingOut.of(one, names),
        at=lambda one: one.id,
    )


@part.drops("/ratings/{rating_id:str}")
async def drop_rating(request: Call) -> Body:
    """Take a rating of yours back."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.ratings.drop(request.user, request.rating_id, request=change), lambda _: None, status=204
    )


ROUTES = (rate, list_ratings, drop_rating)
