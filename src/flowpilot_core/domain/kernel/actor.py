"""Who acts: a person of an account, in a role, or the system for a reason of its own."""

from enum import StrEnum
from uuid import UUID

from attrs import field, frozen

from .identifiers import AccountId, UserId


class Role(StrEnum):
    """What a person is in their account."""

    OWNER = "owner"
    ADMIN = "admin"
    ENGINEER = "engineer"
    VIEWER = "viewer"


class Scope(StrEnum):
    """How much of what its person may do a token is good for."""

    READ = "read"
    """Reading; nothing is changed."""
    WORK = "work"
    """Reading, and all that is done on sessions and handoffs."""
    ALL = "all"
    """Whatever its person may."""


class Way(StrEnum):
    """By what somebody is let in."""

    TOKEN = "token"  # noqa: S105  (the name of a way)
    """An API token."""
    PROVIDER = "provider"
    """An identity provider vouched for them."""
    CODE = "code"
    """A code that was mailed to them."""
    LINK = "link"
    """A sign-in link, which the operator made."""
    INVITATION = "invitation"
    """The link of the invitation that they accepted."""


@frozen(kw_only=True)
class WayIn:
    """The way by which somebody came in, and which token or identity provider it was."""

    way: Way
    id: UUID | None = None
    """None for ways that are used up on coming in."""


@frozen(kw_only=True)
class Person:
    """Somebody signed in to their account."""

    account_id: AccountId
    user_id: UserId
    role: Role
    name: str
    """What colleagues read beside what this person did."""
    scope: Scope = Scope.ALL
    """What they signed in with is good for so much."""
    way_in: WayIn | None = None
    """None: nobody signed in, as where a history is played; or it was before this was kept."""


@frozen(kw_only=True)
class System:
    """What time, webhooks and policies do, under the account they act for."""

    account_id: AccountId
    cause: str = field()
    """Why it acts, for whoever reads the timeline: `claim went quiet`."""


Actor = Person | System


def acts(actor: Actor) -> UserId | None:
    """Whose id goes on record; None for the system."""
    return actor.user_id if isinstance(actor, Person) else None
