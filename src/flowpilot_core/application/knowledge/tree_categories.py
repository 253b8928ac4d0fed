"""Use cases of categories: what trees and script templates are found under."""

from collections.abc import Sequence
from typing import Protocol

from attrs import frozen

from flowpilot_core.application.kernel.units import PLAIN, Request, Units
from flowpilot_core.domain.access.audit import Deed, DeedKind
from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.identifiers import TreeCategoryId
from flowpilot_core.domain.kernel.permissions import Permission
from flowpilot_core.domain.knowledge.category import TreeCategory
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.kernel import Clock, NewId, ViewOf
from flowpilot_core.ports.knowledge import CategoryListed, KnowledgeView, KnowledgeWork


class CategoriesNeeds(KnowledgeWork, AccessWork, Protocol):
    """What is done here asks this of a unit of work."""


@frozen(kw_only=True)
class TreeCategories:
    """Categories of the actor's account, and the platform's. Everything raises `NotFound` for what is not there."""

    units: Units[CategoriesNeeds]
    view: ViewOf[KnowledgeView]
    clock: Clock
    new_id: NewId

    async def list(self, actor: Actor) -> Sequence[CategoryListed]:
        """All that the account may use, by id."""
        return await self.view(actor.account_id).tree_categories(actor)

    async def require(self, actor: Actor, category_id: TreeCategoryId) -> None:
        """Raises `NotFound`."""
        async with self.units.begin(actor.account_id) as work:
            await work.tree_categories.get(category_id)

    async def make(self, actor: Actor, *, name: str, parent_id: TreeCategoryId | None = None, request: Request = PLAIN) -> TreeCategory:
        """A new one, or one within another. Raises `InvalidValue`."""

        async def unit(work: CategoriesNeeds) -> TreeCategory:
            parent = await self._parent(work, parent_id)
            made = TreeCategory.made(TreeCategoryId(self.new_id()), name=name, parent=parent, by=actor)
            await work.tree_categories.add(made)
            await self._enter(work, DeedKind.CATEGORY_ADDED, made, actor, request)
            return made

        return await self.units.run(actor, unit, request)

    async def change(
        self,
        actor: Actor,
        category_id: TreeCategoryId,
        *,
        name: str | None = None,
        parent_id: TreeCategoryId | None = None,
        on_top: bool = False,
        request: Request = PLAIN,
    ) -> TreeCategory:
        """Another name or place; what is None stays, but `on_top` takes it out of its parent. Raises `InvalidValue`."""

        async def unit(work: CategoriesNeeds) -> TreeCategory:
            before = await work.tree_categories.get(category_id)
            parent = None if on_top else await self._parent(work, parent_id or before.parent_id)
            below = any(one.parent_id == category_id for one in await work.tree_categories.all())
            changed = before.changed(name=name or before.name, parent=parent, has_children=below, by=actor)
            await work.tree_categories.save(changed)
            await self._enter(work, DeedKind.CATEGORY_CHANGED, changed, actor, request)
            return changed

        return await self.units.run(actor, unit, request)

    async def drop(
        self, actor: Actor, category_id: TreeCategoryId, *, move_to: TreeCategoryId | None = None, request: Request = PLAIN
    ) -> None:
        """Forget one, whose trees go to another where one is named. Raises `CategoryInUse`, or `InvalidValue`."""

        async def unit(work: CategoriesNeeds) -> None:
            category = await work.tree_categories.get(category_id)
            to = await self._parent(work, move_to)
            category.owner.require_own(actor, Permission.MANAGE_CATEGORIES)
            if to is not None:
                if to.id == category_id:
                    raise InvalidValue("move_to", "must be another category")
                await work.tree_categories.move_all(category_id, to)
            await work.tree_categories.drop(category_id)
            await self._enter(work, DeedKind.CATEGORY_REMOVED, category, actor, request)

        await self.units.run(actor, unit, request)

    async def _parent(self, work: CategoriesNeeds, category_id: TreeCategoryId | None) -> TreeCategory | None:
        return None if category_id is None else await work.tree_categories.get(category_id)

    async def _enter(self, work: CategoriesNeeds, kind: DeedKind, category: TreeCategory, actor: Actor, request: Request) -> None:
        deed = Deed.of(kind, by=actor, at=self.clock.now(), thing_id=category.id, changed={"name": category.name}, request_id=request.id)
        await work.audit.add(deed)
