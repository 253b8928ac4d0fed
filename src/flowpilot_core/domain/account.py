"""An account with its teams and people."""

from datetime import datetime

from attrs import frozen

from .actor import Person, Role
from .errors import InvalidValue, Unauthenticated
from .identifiers import AccountId, TeamId, TokenId, UserId
from .text import TITLE, text

LONGEST_EMAIL = 254
"""Characters, RFC 5321's bound on a path less its brackets."""


@frozen(kw_only=True)
class Account:
    """A tenant: one MSP."""

    id: AccountId
    name: str
    created_at: datetime


@frozen(kw_only=True)
class Team:
    """Some people of one account."""

    id: TeamId
    name: str


@frozen(kw_only=True)
class User:
    """A person of one account. Once deactivated they can do nothing, and what they did stays readable."""

    id: UserId
    email: str
    name: str
    role: Role
    team_ids: frozenset[TeamId] = frozenset()
    deactivated_at: datetime | None = None
    created_at: datetime

    def acting(self, account_id: AccountId) -> Person:
        """The actor this person is. Raises `Unauthenticated` once deactivated."""
        if self.deactivated_at is not None:
            raise Unauthenticated
        return Person(account_id=account_id, user_id=self.id, role=self.role, name=self.name)


@frozen(kw_only=True)
class ApiToken:
    """A right to act as one person, kept as the digest of a secret that is shown once."""

    id: TokenId
    user_id: UserId
    digest: bytes
    created_at: datetime


def checked_name(value: str) -> str:
    """What an account, team or person is called: one line. Raises `InvalidValue`."""
    if any(ord(character) < ord(" ") for character in value):
        raise InvalidValue("name", "must be one line")
    return text("name", value, most=TITLE).strip()


def checked_email(value: str) -> str:
    """An address that mail can be sent to. Raises `InvalidValue`.

    Only what cannot be an address at all is refused; whether anybody reads it, the first mail tells.
    """
    local, at, domain = value.rpartition("@")
    printable = value.isprintable() and " " not in value and not set(value) & set('<>,;:"()[]\\')
    if not (local and at and domain and printable) or "@" in local or len(value) > LONGEST_EMAIL:
        raise InvalidValue("email", "is not an e-mail address")
    return text("email", value, most=LONGEST_EMAIL)
