"""Categories of trees and script templates, on two levels."""

from attrs import evolve, frozen

from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.identifiers import TreeCategoryId
from flowpilot_core.domain.kernel.name import checked_name
from flowpilot_core.domain.kernel.permissions import Permission

from .ownership import Owner, Ref


@frozen(kw_only=True)
class TreeCategory:
    """A category, or with a parent one within another."""

    id: TreeCategoryId
    owner: Owner
    name: str
    parent_id: TreeCategoryId | None = None

    @classmethod
    def made(cls, category_id: TreeCategoryId, *, name: str, parent: "TreeCategory | None", by: Actor) -> "TreeCategory":
        """A new one. Raises `RoleForbidden`, or `InvalidValue` for a third level."""
        name = checked_name(name)
        owner = Owner.of(by.account_id)
        owner.require_own(by, Permission.MANAGE_CATEGORIES)
        return cls(id=category_id, owner=owner, name=name, parent_id=_within(parent, owner))

    def changed(self, *, name: str, parent: "TreeCategory | None", has_children: bool, by: Actor) -> "TreeCategory":
        """With another name or place. Raises `RoleForbidden` or `InvalidValue`."""
        name = checked_name(name)
        self.owner.require_own(by, Permission.MANAGE_CATEGORIES)
        if parent is not None and (has_children or parent.id == self.id):
            raise InvalidValue("parent_id", "would make a third level")
        return evolve(self, name=name, parent_id=_within(parent, self.owner))

    @property
    def ref(self) -> Ref[TreeCategoryId]:
        """What a tree in it refers to."""
        return Ref(id=self.id, owner=self.owner)


def _within(parent: TreeCategory | None, owner: Owner) -> TreeCategoryId | None:
    if parent is None:
        return None
    if parent.owner is not owner:
        raise InvalidValue("parent_id", "must be a category of your own account")
    if parent.parent_id is not None:
        raise InvalidValue("parent_id", "would make a third level")
    return parent.id
