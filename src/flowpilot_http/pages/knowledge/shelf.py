"""What the pages under `/library` share: where they are, who is offered them, and the sentences of a refusal."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.identifiers import TreeCategoryId
from flowpilot_core.domain.kernel.permissions import Permission, permits
from flowpilot_core.domain.kernel.query import Query
from flowpilot_core.domain.knowledge.category import TreeCategory
from flowpilot_core.domain.knowledge.template import TemplateState
from flowpilot_core.ports.knowledge import Sort
from flowpilot_http.pages.moves import Shown, framed
from flowpilot_http.pages.page_request import OfAccount, Visit, shows
from flowpilot_http.responses import Body

LIBRARY: Final = "/library"
TREES: Final = f"{LIBRARY}/trees"
SCRIPTS: Final = f"{LIBRARY}/scripts"
GALLERY: Final = f"{LIBRARY}/gallery"
CATEGORIES: Final = f"{LIBRARY}/categories"
PROPOSALS: Final = f"{LIBRARY}/proposals"
PLACES: Final = (
    (TREES, "Trees", None),
    (SCRIPTS, "Scripts", None),
    (GALLERY, "Gallery", None),
    (PROPOSALS, "Proposals", Permission.READ_PROPOSALS),
    (CATEGORIES, "Categories", None),
)
"""Each with what it takes to be offered it, if that is anything."""
MOST: Final = 50
"""Lines of a list."""
SORTS: Final = ((Sort.NEWEST, "Newest first"), (Sort.RATING, "Best rated first"))
STATES: Final = tuple((state, state.capitalize()) for state in TemplateState)

Choice = tuple[UUID | str, str]


class Asked(OfAccount, kw_only=True, frozen=True):
    """What is open on a page."""

    do: str | None = None
    """Which dialog."""


class Sought(Asked, kw_only=True, frozen=True):
    """Which trees or script templates, and from where on."""

    mine: bool = False
    state: TemplateState | None = None
    category: UUID | None = None
    q: str | None = None
    sort: Sort = Sort.NEWEST
    after: UUID | None = None

    def by(self, person: Person) -> Mapping[str, Any]:
        """What the filter of either takes."""
        return {
            "state": self.state,
            "category_id": category_id(self.category),
            "created_by": person.user_id if self.mine else None,
            "query": Query.narrowing(self.q),
            "sort": self.sort,
        }


@shows(LIBRARY)
async def library_home(request: Visit) -> Body:
    """To the first of them."""
    return request.see(TREES)


async def shelved(request: Visit, template: str, made: Shown, refusal: Exception | None, **facts: object) -> Body:
    """A page of the library, as `framed` has it."""
    return await framed(
        request,
        template,
        made,
        refusal,
        sections=[(at, name) for at, name, takes in PLACES if takes is None or permits(request.user, takes, ())],
        sorts=SORTS,
        may_write=permits(request.user, Permission.WRITE_TREES, ()),
        **facts,
    )


async def categories(request: Visit, person: Person) -> Sequence[TreeCategory]:
    """All that the account may use, each that is within another after it, by name."""
    found = [one.category for one in await request.flowpilot.tree_categories.list(person)]
    above = {one.id: one.name for one in found}
    return sorted(
        found, key=lambda one: (above.get(one.parent_id or one.id, one.name).casefold(), one.parent_id is not None, one.name.casefold())
    )


def to_choose(found: Sequence[TreeCategory], none: str) -> list[Choice]:
    """Categories to choose from, or none of them."""
    above = {one.id: one.name for one in found}
    return [("", none), *((one.id, f"{above[one.parent_id]}: {one.name}" if one.parent_id in above else one.name) for one in found)]


def category_id(chosen: UUID | None) -> TreeCategoryId | None:
    """The category that was chosen."""
    return None if chosen is None else TreeCategoryId(chosen)


ROUTES = (library_home,)
