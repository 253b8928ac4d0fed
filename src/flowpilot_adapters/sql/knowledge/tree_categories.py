"""The categories of one account, and the platform's."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, Table, Uuid, and_, bindparam, delete, insert, select, union_all, update

from flowpilot_adapters.sql.queries import ACCOUNT, own
from flowpilot_adapters.sql.records import knowledge as records
from flowpilot_adapters.sql.schema import script_template, tree, tree_category
from flowpilot_adapters.sql.statement import compiled
from flowpilot_adapters.sql.transaction import Transaction
from flowpilot_core.domain.kernel.errors import CategoryInUse, NotFound
from flowpilot_core.domain.kernel.identifiers import TreeCategoryId
from flowpilot_core.domain.knowledge.category import TreeCategory

from .trees import account_of, readable

CATEGORY_ID: Final = bindparam("category_id", type_=Uuid())

OWN_FIRST: Final = (tree_category.c.account_id == ACCOUNT).desc()
GET: Final = compiled(
    "tree category", select(tree_category).where(readable(tree_category), tree_category.c.id == CATEGORY_ID).order_by(OWN_FIRST).limit(1)
)
ALL: Final = compiled("tree categories", select(tree_category).where(readable(tree_category)).order_by(tree_category.c.id))
ADD: Final = compiled("add tree category", insert(tree_category).values({column: bindparam(column.name) for column in tree_category.c}))
SAVE: Final = compiled(
    "save tree category",
    update(tree_category)
    .where(own(tree_category), tree_category.c.id == CATEGORY_ID)
    .values(name=bindparam("new_name"), parent_id=bindparam("new_parent_id")),
)


def _is_in(table: Table) -> ColumnElement[bool]:
    return and_(own(table), table.c.category_account_id == table.c.account_id, table.c.category_id == CATEGORY_ID)


MOVES: Final = tuple(
    compiled(
        f"move {table.name}s",
        update(table).where(_is_in(table)).values(category_account_id=bindparam("to_account_id"), category_id=bindparam("to_id")),
    )
    for table in (tree, script_template)
)
IN_USE: Final = compiled(
    "tree category in use",
    union_all(
        *(select(table.c.id).where(_is_in(table)) for table in (tree, script_template)),
        select(tree_category.c.id).where(own(tree_category), tree_category.c.parent_id == CATEGORY_ID),
    ).limit(1),
)
DROP: Final = compiled("drop tree category", delete(tree_category).where(own(tree_category), tree_category.c.id == CATEGORY_ID))


class SqlTreeCategories:
    """Inside one unit of work."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id

    async def get(self, category_id: TreeCategoryId) -> TreeCategory:
        """As `TreeCategories.get` says."""
        (found,) = await self._transaction.read(GET(account_id=self._account_id, category_id=category_id))
        if found.first is None:
            raise NotFound("category")
        return records.category(found.first)

    async def all(self) -> Sequence[TreeCategory]:
        """As `TreeCategories.all` says."""
        (found,) = await self._transaction.read(ALL(account_id=self._account_id))
        return [records.category(row) for row in found.rows]

    async def add(self, category: TreeCategory) -> None:
        """As `TreeCategories.add` says."""
        self._transaction.write(ADD(account_id=self._account_id, id=category.id, name=category.name, parent_id=category.parent_id))

    async def save(self, category: TreeCategory) -> None:
        """As `TreeCategories.save` says."""
        changed = SAVE(account_id=self._account_id, category_id=category.id, new_name=category.name, new_parent_id=category.parent_id)
        self._transaction.write(changed)

    async def move_all(self, category_id: TreeCategoryId, to: TreeCategory) -> None:
        """As `TreeCategories.move_all` says."""
        to_account_id = account_of(to.ref, self._account_id)
        for moved in MOVES:
            self._transaction.write(moved(account_id=self._account_id, category_id=category_id, to_account_id=to_account_id, to_id=to.id))

    async def drop(self, category_id: TreeCategoryId) -> None:
        """As `TreeCategories.drop` says; what comes into it meanwhile makes the commit fail."""
        (found,) = await self._transaction.read(IN_USE(account_id=self._account_id, category_id=category_id))
        if found.first is not None:
            raise CategoryInUse
        self._transaction.write(DROP(account_id=self._account_id, category_id=category_id))
