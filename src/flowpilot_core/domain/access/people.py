"""Who may do what to the people of an account: invite, change, deactivate and reactivate them."""

from collections.abc import Collection, Iterable
from datetime import datetime

from attrs import evolve

from flowpilot_core.domain.kernel.actor import Person, Role
from flowpilot_core.domain.kernel.errors import LastAccountOwner, RoleForbidden
from flowpilot_core.domain.kernel.identifiers import TeamId, UserId
from flowpilot_core.domain.kernel.name import checked_name
from flowpilot_core.domain.kernel.permissions import Permission, permits, require_role, require_scope

from .account import User, UserMove, checked_email


def invited(user_id: UserId, *, email: str, name: str, role: Role, team_ids: Collection[TeamId] = (), by: Person, at: datetime) -> User:
    """Somebody new, who can do nothing until they accept. Raises `RoleForbidden` or `InvalidValue`."""
    require_role(by, Permission.MANAGE_PEOPLE)
    _require_owner_for(by, role)
    return User(
        id=user_id,
        email=checked_email(email),
        name=checked_name(name),
        role=role,
        team_ids=frozenset(team_ids),
        invited=True,
        deactivated_at=at,
        created_at=at,
    )


def invited_again(user: User, *, by: Person, at: datetime) -> User:
    """Still invited. Raises `RoleForbidden`, or `InvalidTransition` for somebody who is not."""
    require_role(by, Permission.MANAGE_PEOPLE)
    _require_owner_for(by, user.role)
    return user.moved(UserMove.INVITE, at=at)


def changed(
    user: User,
    *,
    name: str | None = None,
    role: Role | None = None,
    team_ids: Collection[TeamId] | None = None,
    by: Person,
    owners: Collection[UserId],
) -> User:
    """Somebody with what is said anew; None leaves a thing as it is. `owners` are the active account owners.

    Raises `RoleForbidden`, `InvalidValue` or `LastAccountOwner`.
    """
    require_role(by, Permission.MANAGE_PEOPLE)
    role = user.role if role is None else role
    if role is not user.role:
        _require_owner_for(by, role, user.role)
        require_another_owner(user, owners)
    return evolve(
        user,
        name=user.name if name is None else checked_name(name),
        role=role,
        team_ids=user.team_ids if team_ids is None else frozenset(team_ids),
    )


def deactivated(user: User, *, by: Person, owners: Collection[UserId], at: datetime) -> User:
    """Somebody who can do nothing from now on; what they did stays readable. Anybody may leave like this themselves.

    Raises `RoleForbidden`, `LastAccountOwner`, or `InvalidTransition` where they are deactivated already.
    """
    require_scope(by, Permission.DEACTIVATE)
    if not permits(by, Permission.DEACTIVATE, (user.id,)):
        raise RoleForbidden(by.role, Permission.DEACTIVATE)
    _require_owner_for(by, user.role)
    require_another_owner(user, owners)
    return user.moved(UserMove.DEACTIVATE, at=at)


def reactivated(user: User, *, by: Person, at: datetime) -> User:
    """Somebody back as they were. Raises `RoleForbidden`, or `InvalidTransition` unless they are deactivated."""
    require_role(by, Permission.MANAGE_PEOPLE)
    _require_owner_for(by, user.role)
    return user.moved(UserMove.REACTIVATE, at=at)


def _require_owner_for(by: Person, *roles: Role) -> None:
    """Raises `RoleForbidden` where one of `roles` is an account owner's, and `by` is none."""
    if Role.OWNER in roles:
        require_role(by, Permission.MANAGE_OWNERS)


def active_owners(people: Iterable[User]) -> tuple[UserId, ...]:
    """Who of them is an account owner, and may act as one."""
    return tuple(one.id for one in people if one.role is Role.OWNER and one.deactivated_at is None)


def require_another_owner(user: User, owners: Collection[UserId]) -> None:
    """Raises `LastAccountOwner` where nobody else of `owners` would be left."""
    if set(owners) == {user.id}:
        raise LastAccountOwner(user.id)
