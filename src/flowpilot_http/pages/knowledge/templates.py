"""What the pages of a tree and of a script template have alike: what people think of it, and the buttons that put it away."""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, TypeVar
from uuid import UUID

from attrs import frozen

from flowpilot_core.application.kernel.units import Request
from flowpilot_core.domain.kernel.actor import Actor, Person
from flowpilot_core.domain.kernel.identifiers import RatingId
from flowpilot_core.domain.knowledge.rating import MOST_STARS, Subject
from flowpilot_http.pages.moves import Made, Move, Moves
from flowpilot_http.pages.page_request import Visit
from flowpilot_http.schemas.knowledge.ratings import TemplateRatingOut

I_contra = TypeVar("I_contra", bound=UUID, contravariant=True)
STARS: Final = tuple((number, f"{number} star{'s' if number > 1 else ''}") for number in range(1, MOST_STARS + 1))
MOST_RATINGS: Final = 500


@frozen(kw_only=True)
class Ratings:
    """What people of the account think of something, and which of it is the reader's."""

    all: Sequence[TemplateRatingOut]
    mine: TemplateRatingOut | None

    @classmethod
    async def of(cls, request: Visit, person: Person, subject: Subject, subject_id: UUID) -> "Ratings":
        """The newest that fit on a page."""
        found, names = await request.flowpilot.ratings.of(person, subject, subject_id, after=None, limit=MOST_RATINGS)
        shown = [TemplateRatingOut.of(one, names) for one in found]
        return cls(all=shown, mine=next((one for one in shown if one.by.id == person.user_id), None))


class About(Move, kw_only=True, frozen=True):
    """What it is called, what for, and where it is found."""

    name: str = ""
    description: str | None = None
    category: UUID | None = None


class Rename(About, kw_only=True, frozen=True):
    """What it is called from now on, and the version that was read."""

    version: int | None = None


class AsRead(Move, kw_only=True, frozen=True):
    """A button, and the version that was read."""

    version: int | None = None


class Publish(AsRead, kw_only=True, frozen=True):
    """What is said of the revision."""

    note: str | None = None


class Rate(Move, kw_only=True, frozen=True):
    """How many stars, and why."""

    stars: int
    comment: str | None = None


class Unrate(Move, kw_only=True, frozen=True):
    """Which rating is taken back."""

    rating: UUID


class Templates(Protocol[I_contra]):
    """Use cases of either."""

    async def archive(self, actor: Actor, template_id: I_contra, /, *, request: Request) -> Any:
        """Offered to nobody any more."""

    async def restore(self, actor: Actor, template_id: I_contra, /, *, request: Request) -> Any:
        """Offered again."""


def put_away_and_rated(move: Moves, which: Callable[[Visit], tuple[Templates[Any], UUID]], subject: Subject) -> None:
    """The buttons of a page that is about `which`."""

    @move("archive", AsRead)
    async def archive(request: Visit, person: Person, form: AsRead) -> Made:
        templates, template_id = which(request)
        await request.do(form, lambda change: templates.archive(person, template_id, request=change), version=form.version)
        return None

    @move("restore", AsRead)
    async def restore(request: Visit, person: Person, form: AsRead) -> Made:
        templates, template_id = which(request)
        await request.do(form, lambda change: templates.restore(person, template_id, request=change), version=form.version)
        return None

    @move("rate", Rate)
    async def rate(request: Visit, person: Person, form: Rate) -> Made:
        ratings, (_, template_id) = request.flowpilot.ratings, which(request)
        await request.do(
            form, lambda change: ratings.rate(person, subject, template_id, stars=form.stars, comment=form.comment, request=change)
        )
        return None

    @move("unrate", Unrate)
    async def unrate(request: Visit, person: Person, form: Unrate) -> Made:
        await request.do(form, lambda change: request.flowpilot.ratings.drop(person, RatingId(form.rating), request=change))
        return None
