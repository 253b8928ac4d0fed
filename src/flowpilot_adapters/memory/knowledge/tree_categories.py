"""The categories of one account, and the platform's."""

from collections.abc import Sequence
from typing import Any

from attrs import evolve, frozen

from flowpilot_adapters.memory.tables import Working
from flowpilot_adapters.memory.transaction import Transaction
from flowpilot_core.domain.kernel.errors import CategoryInUse, NotFound
from flowpilot_core.domain.kernel.identifiers import TreeCategoryId
from flowpilot_core.domain.knowledge.category import TreeCategory
from flowpilot_core.domain.knowledge.ownership import Ref
from flowpilot_core.domain.knowledge.template import Template


@frozen
class MemoryTreeCategories:
    """Inside one unit of work."""

    _work: Transaction

    async def get(self, category_id: TreeCategoryId) -> TreeCategory:
        """As `TreeCategories.get` says."""
        found = category(self._work.rows, category_id)
        if found is None:
            raise NotFound("category")
        return found

    async def all(self) -> Sequence[TreeCategory]:
        """As `TreeCategories.all` says."""
        return categories(self._work.rows)

    async def add(self, category: TreeCategory) -> None:
        """As `TreeCategories.add` says."""
        self._work.rows.tree_categories.put(category.id, category)

    async def save(self, category: TreeCategory) -> None:
        """As `TreeCategories.save` says."""
        self._work.rows.tree_categories.put(category.id, category)

    async def move_all(self, category_id: TreeCategoryId, to: TreeCategory) -> None:
        """As `TreeCategories.move_all` says."""
        for tree in list(self._work.rows.trees.values()):
            if _is_in(tree, category_id):
                self._work.rows.trees.put(tree.id, evolve(tree, category=to.ref))
        for script in list(self._work.rows.script_templates.values()):
            if _is_in(script, category_id):
                self._work.rows.script_templates.put(script.id, evolve(script, category=to.ref))

    async def drop(self, category_id: TreeCategoryId) -> None:
        """As `TreeCategories.drop` says."""
        rows = self._work.rows
        below = any(one.parent_id == category_id for one in rows.tree_categories.values())
        templates: tuple[Template[Any, Any], ...] = (*rows.trees.values(), *rows.script_templates.values())
        if below or any(_is_in(one, category_id) for one in templates):
            raise CategoryInUse
        rows.tree_categories.drop(category_id)


def _is_in(template: Template[Any, Any], category_id: TreeCategoryId) -> bool:
    return template.category == Ref(id=category_id)


def category(rows: Working, category_id: TreeCategoryId) -> TreeCategory | None:
    """One that the account may use."""
    return rows.tree_categories.get(category_id) or rows.platform.tree_categories.get(category_id)


def categories(rows: Working) -> list[TreeCategory]:
    """All that the account may use, by id."""
    return sorted((*rows.tree_categories.values(), *rows.platform.tree_categories.values()), key=lambda one: one.id)
