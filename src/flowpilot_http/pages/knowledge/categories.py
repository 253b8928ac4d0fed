"""The categories that trees and script templates are found under."""

from typing import Final
from uuid import UUID

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.identifiers import TreeCategoryId
from flowpilot_core.domain.kernel.permissions import Permission, permits
from flowpilot_core.domain.knowledge.category import TreeCategory
from flowpilot_core.domain.knowledge.ownership import Owner
from flowpilot_http.pages.moves import Made, Move, Moves, Shown, formed
from flowpilot_http.pages.page_request import OfAccount, Visit
from flowpilot_http.pages.settings import shown_as
from flowpilot_http.responses import Body

from .shelf import CATEGORIES, categories, category_id, shelved, to_choose

move: Final = Moves()


def _said(name: str, parent_id: UUID | None) -> str:
    return shown_as([name, parent_id])


async def _shown(request: Visit, made: Shown, refusal: Exception | None) -> Body:
    person = request.person_for((await request.wanted(OfAccount)).account)
    found = await categories(request, person)
    own = [one for one in found if one.owner is Owner.of(person.account_id)]
    return await shelved(
        request,
        "library_categories.html",
        made,
        refusal,
        found=found,
        own={one.id for one in own},
        tops=[one for one in own if one.parent_id is None],
        to_choose=to_choose,
        shown_as=_said,
        may_manage=permits(person, Permission.MANAGE_CATEGORIES, ()),
    )


class Make(Move, kw_only=True, frozen=True):
    """What it is called, and what it is within."""

    name: str = ""
    parent: UUID | None = None


@move("make", Make)
async def make_category(request: Visit, person: Person, form: Make) -> Made:
    """One more."""
    uses = request.flowpilot.tree_categories
    await request.do(form, lambda change: uses.make(person, name=form.name, parent_id=category_id(form.parent), request=change))
    return None


class Change(Make, kw_only=True, frozen=True):
    """Which one, and how it was shown."""

    category: UUID
    shown: str = ""


@move("change", Change)
async def change_category(request: Visit, person: Person, form: Change) -> Made:
    """Another name or place; unless somebody else has given it one meanwhile."""
    uses = request.flowpilot.tree_categories
    now = await _now(request, person, form.category)
    if now and form.shown not in ("", _said(now.name, now.parent_id)) and (form.name, form.parent) != (now.name, now.parent_id):
        return {"stale": form}
    await request.do(
        form,
        lambda change: uses.change(
            person,
            TreeCategoryId(form.category),
            name=form.name,
            parent_id=category_id(form.parent),
            on_top=form.parent is None,
            request=change,
        ),
    )
    return None


async def _now(request: Visit, person: Person, category: UUID) -> TreeCategory | None:
    return next((one for one in await categories(request, person) if one.id == category), None)


class Drop(Move, kw_only=True, frozen=True):
    """Which one, where what is in it goes, and how it was shown."""

    category: UUID
    to: UUID | None = None
    shown: str = ""


@move("remove", Drop)
async def drop_category(request: Visit, person: Person, form: Drop) -> Made:
    """What is in it keeps it, unless it goes to another; and unless somebody else has changed it meanwhile."""
    uses = request.flowpilot.tree_categories
    now = await _now(request, person, form.category)
    if now and form.shown not in ("", _said(now.name, now.parent_id)):
        return {"stale": form}
    await request.do(form, lambda change: uses.drop(person, TreeCategoryId(form.category), move_to=category_id(form.to), request=change))
    return None


ROUTES = formed(CATEGORIES, _shown, move)
