"""The gallery: what the platform shows of trees and scripts, to be copied; its own people decide here what that is."""

import asyncio
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.identifiers import PLATFORM_ACCOUNT
from flowpilot_core.domain.kernel.permissions import Permission, permits
from flowpilot_core.domain.kernel.query import Query
from flowpilot_core.domain.knowledge.gallery import LAST_POSITION
from flowpilot_core.domain.knowledge.rating import Subject
from flowpilot_core.ports.knowledge import GalleryFilter, GalleryPlace
from flowpilot_http.pages.moves import Made, Move, Moves, Shown, formed
from flowpilot_http.pages.page_request import OfAccount, Visit
from flowpilot_http.responses import Body
from flowpilot_http.schemas.knowledge.gallery import CopyOut, GalleryOut, PlacedOut

from .shelf import GALLERY, SCRIPTS, TREES, categories, category_id, shelved, to_choose

KINDS: Final = ((Subject.TREE, "Trees"), (Subject.SCRIPT_TEMPLATE, "Scripts"))
MOST: Final = 100
"""Lines of a page."""
AT: Final = {Subject.TREE: TREES, Subject.SCRIPT_TEMPLATE: SCRIPTS}
move: Final = Moves()


class Chosen(OfAccount, kw_only=True, frozen=True):
    """What of the gallery."""

    kind: Subject | None = None
    category: UUID | None = None
    q: str | None = None
    after: UUID | None = None
    """What the page before ended with; where that stood is said by the others."""
    later: bool = False
    position: Annotated[int, Meta(ge=0, le=LAST_POSITION)] = 0
    name: str = ""

    @property
    def place(self) -> GalleryPlace | None:
        """Where the page begins."""
        return None if self.after is None else GalleryPlace(self.later, self.position, self.name, self.after)


async def _shown(request: Visit, made: Shown, refusal: Exception | None) -> Body:
    wanted = await request.wanted(Chosen)
    person, gallery = request.person_for(wanted.account), request.flowpilot.gallery
    where = GalleryFilter(subject=wanted.kind, category_id=category_id(wanted.category), query=Query.narrowing(wanted.q))
    decides = person.account_id == PLATFORM_ACCOUNT and permits(person, Permission.MANAGE_GALLERY, ())
    found, named = await asyncio.gather(
        (gallery.all if decides else gallery.list)(person, where, after=wanted.place, limit=MOST + 1), categories(request, person)
    )
    return await shelved(
        request,
        "library_gallery.html",
        made,
        refusal,
        wanted=wanted,
        items=[(GalleryOut.shown(one), PlacedOut.placed(one)) for one in found[:MOST]],
        last=found[MOST - 1].place if len(found) > MOST else None,
        at=AT,
        kinds=KINDS,
        decides=decides,
        named=named,
        to_choose=to_choose,
    )


class Which(Move, kw_only=True, frozen=True):
    """A tree or a script template."""

    kind: Subject
    id: UUID


@move("copy", Which)
async def copy(request: Visit, person: Person, form: Which) -> Made:
    """A draft of one's own."""
    gallery = request.flowpilot.gallery
    copied = await request.do(form, lambda change: gallery.copy(person, form.kind, form.id, request=change))
    return f"{AT[form.kind]}/{CopyOut.of(copied).id}" if copied else AT[form.kind]


class Place(Which, kw_only=True, frozen=True):
    """Whether and where it is shown."""

    listed: bool = False
    featured: bool = False
    position: int = 0


@move("place", Place)
async def place(request: Visit, person: Person, form: Place) -> Made:
    """For everybody, from now on."""
    gallery = request.flowpilot.gallery
    await request.do(
        form,
        lambda change: gallery.place(
            person, form.kind, form.id, listed=form.listed, featured=form.featured, position=form.position, request=change
        ),
    )
    return None


ROUTES = formed(GALLERY, _shown, move)
