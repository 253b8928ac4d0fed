"""Whose something is: the account's own, or the platform's, which every account may read."""

from enum import StrEnum
from typing import Generic, TypeVar
from uuid import UUID

from attrs import frozen

from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.errors import RoleForbidden
from flowpilot_core.domain.kernel.identifiers import PLATFORM_ACCOUNT, AccountId
from flowpilot_core.domain.kernel.permissions import Permission, require_role

I_co = TypeVar("I_co", bound=UUID, covariant=True)


class Owner(StrEnum):
    """Whose a tree, a script template or a category is. To the platform's own people, what is theirs is the platform's."""

    ACCOUNT = "account"
    PLATFORM = "platform"

    @classmethod
    def of(cls, account_id: AccountId) -> "Owner":
        """Whose the rows of an account are."""
        return cls.PLATFORM if account_id == PLATFORM_ACCOUNT else cls.ACCOUNT

    def require_own(self, actor: Actor, permission: Permission) -> None:
        """Raises `RoleForbidden` for who may not do it to their own, and to everybody else for what is the platform's."""
        require_role(actor, permission)
        if self is not Owner.of(actor.account_id):
            raise RoleForbidden("somebody outside the platform's account", permission)


@frozen(kw_only=True)
class Ref(Generic[I_co]):
    """What a row of an account refers to: a row of its own, or one of the platform's."""

    id: I_co
    owner: Owner = Owner.ACCOUNT
