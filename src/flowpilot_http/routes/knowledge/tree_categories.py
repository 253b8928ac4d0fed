"""Categories: what trees and script templates are found under."""

from typing import Final
from uuid import UUID

from msgspec import UNSET

from flowpilot_core.domain.kernel.identifiers import TreeCategoryId
from flowpilot_http.api_request import Call
from flowpilot_http.operations import Part
from flowpilot_http.responses import Body
from flowpilot_http.schemas.kernel import Listed, Nothing
from flowpilot_http.schemas.knowledge.trees import CategoryListedOut, CategoryOut, ChangeCategory, DropCategory, NewCategory

part = Part("Trees")

CATEGORY: Final = "/tree-categories/{category_id:str}"


@part.reads("/tree-categories", Listed[CategoryListedOut], query=Nothing)
async def list_categories(request: Call) -> Body:
    """The categories that you can use: your account's and the platform's, with how many trees of your account are there for you."""
    await request.wanted(Nothing)
    found = await request.flowpilot.tree_categories.list(request.user)
    return request.shown(Listed(items=[CategoryListedOut.counted(one) for one in found], next_cursor=None))


@part.makes("/tree-categories", CategoryOut, body=NewCategory, problems=("not_found",))
async def make_category(request: Call) -> Body:
    """Make a category, or one within another; there are two levels."""
    new = await request.read(NewCategory)
    return await request.changed(
        lambda change: request.flowpilot.tree_categories.make(
            request.user, name=new.name, parent_id=_category_id(new.parent_id), request=change
        ),
        CategoryOut.of,
        status=201,
    )


@part.mends(CATEGORY, CategoryOut, body=ChangeCategory)
async def change_category(request: Call) -> Body:
    """Give a category another name or place; what is left out stays."""
    new = await request.read(ChangeCategory)
    return await request.changed(
        lambda change: request.flowpilot.tree_categories.change(
            request.user,
            request.category_id,
            name=new.name,
            parent_id=None if new.parent_id is UNSET else _category_id(new.parent_id),
            on_top=new.parent_id is None,
            request=change,
        ),
        CategoryOut.of,
    )


@part.drops(CATEGORY, query=DropCategory, problems=("category_in_use",))
async def drop_category(request: Call) -> Body:
    """Delete a category. What is in it keeps it, or goes to another one."""
    await request.read(Nothing, query=DropCategory)
    asked = await request.wanted(DropCategory)
    return await request.changed(
        lambda change: request.flowpilot.tree_categories.drop(
            request.user, request.category_id, move_to=_category_id(asked.move_to), request=change
        ),
        lambda _: None,
        status=204,
    )


def _category_id(given: UUID | None) -> TreeCategoryId | None:
    return None if given is None else TreeCategoryId(given)


ROUTES = (list_categories, make_category, change_category, drop_category)
