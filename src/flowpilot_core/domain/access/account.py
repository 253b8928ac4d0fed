"""An account with its teams and people."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from attrs import Attribute, evolve, field, frozen

from flowpilot_core.domain.kernel.actor import Person, Role, Scope, WayIn
from flowpilot_core.domain.kernel.errors import InvalidValue, Unauthenticated
from flowpilot_core.domain.kernel.host_name import ascii_host
from flowpilot_core.domain.kernel.identifiers import AccountId, TeamId, TokenId, UserId
from flowpilot_core.domain.kernel.text import text
from flowpilot_core.domain.kernel.time_zone import zone
from flowpilot_core.domain.kernel.transitions import advance

LONGEST_EMAIL = 254
"""Characters, RFC 5321's bound on a path less its brackets."""
USE_NOTED = timedelta(minutes=10)
"""How often the use of a token is written down."""
MAILS_A_MINUTE = 5
MOST_MAILS_A_MINUTE = 60


@frozen(kw_only=True)
class Account:
    """A tenant: one MSP."""

    id: AccountId
    name: str
    created_at: datetime
    redacts_personal: bool = False
    """Whether personal data is taken out of what leaves FlowPilot, as secrets always are."""
    mails_a_minute: int = MAILS_A_MINUTE
    """To one person; what is more waits and is joined into one. Urgent ones go at once."""
    time_zone: str = "UTC"
    """By whose clock its days begin, where nobody says otherwise."""
    closed_at: datetime | None = None
    """Since when nobody may do anything in it and nobody is told anything; what is there stays."""

    def changed(
        self, *, redacts_personal: bool | None = None, mails_a_minute: int | None = None, time_zone: str | None = None
    ) -> "Account":
        """How it works from now on; what is None stays. Raises `InvalidValue`."""
        if mails_a_minute is not None and not 1 <= mails_a_minute <= MOST_MAILS_A_MINUTE:
            raise InvalidValue("mails_a_minute", f"must be from 1 to {MOST_MAILS_A_MINUTE}")
        if time_zone is not None:
            zone(time_zone)
        return evolve(
            self,
            time_zone=self.time_zone if time_zone is None else time_zone,
            redacts_personal=self.redacts_personal if redacts_personal is None else redacts_personal,
            mails_a_minute=self.mails_a_minute if mails_a_minute is None else mails_a_minute,
        )

    def closed(self, *, at: datetime) -> "Account":
        """Closed from now on; one that is closed stays so since when it was."""
        return evolve(self, closed_at=self.closed_at or at)

    def reopened(self) -> "Account":
        """Open again, with everything and everybody it had."""
        return evolve(self, closed_at=None)

    def require_open(self) -> None:
        """Raises `Unauthenticated` once it is closed."""
        if self.closed_at is not None:
            raise Unauthenticated

    def why_not_tell(self) -> str | None:
        """Why nothing of this account leaves any more, read at the moment of sending; None where it does."""
        return None if self.closed_at is None else "the account is closed"


@frozen(kw_only=True)
class Team:
    """Some people of one account."""

    id: TeamId
    name: str
    archived_at: datetime | None = None
    """Since when nothing new is meant for it."""


class UserState(StrEnum):
    """Whether somebody may do anything: only who is active."""

    INVITED = "invited"
    ACTIVE = "active"
    DEACTIVATED = "deactivated"


class UserMove(StrEnum):
    """What can happen to a person."""

    INVITE = "invite"
    ACCEPT = "accept"
    DEACTIVATE = "deactivate"
    REACTIVATE = "reactivate"


USER: Mapping[tuple[UserState, UserMove], UserState] = MappingProxyType(
    {
        (UserState.INVITED, UserMove.INVITE): UserState.INVITED,
        (UserState.INVITED, UserMove.ACCEPT): UserState.ACTIVE,
        (UserState.INVITED, UserMove.DEACTIVATE): UserState.DEACTIVATED,
        (UserState.ACTIVE, UserMove.DEACTIVATE): UserState.DEACTIVATED,
        (UserState.DEACTIVATED, UserMove.REACTIVATE): UserState.ACTIVE,
    }
)


@frozen(kw_only=True)
class User:
    """A person of one account. Once deactivated they can do nothing, and what they did stays readable."""

    id: UserId
    email: str
    name: str
    role: Role
    team_ids: frozenset[TeamId] = frozenset()
    deactivated_at: datetime | None = None
    """Since when they may do nothing: of somebody who has yet to accept, since they were invited."""
    invited: bool = field(default=False)
    """Whether they have yet to accept."""
    created_at: datetime

    @invited.validator
    def _not_active(self, _: "Attribute[bool]", invited: bool) -> None:
        if invited and self.deactivated_at is None:
            raise ValueError("somebody who has yet to accept is not active")

    @property
    def state(self) -> UserState:
        """Where they are between being invited and being gone."""
        if self.invited:
            return UserState.INVITED
        return UserState.ACTIVE if self.deactivated_at is None else UserState.DEACTIVATED

    def moved(self, move: UserMove, *, at: datetime) -> "User":
        """How they are after a move made at `at`. Raises `InvalidTransition`."""
        state = advance(USER, self.state, move, thing="user")
        since = {UserState.ACTIVE: None, UserState.DEACTIVATED: at}.get(state, self.deactivated_at)
        return evolve(self, invited=state is UserState.INVITED, deactivated_at=since)

    def acting(self, account_id: AccountId, *, scope: Scope = Scope.ALL, way_in: WayIn | None = None) -> Person:
        """The actor this person is, by a way in that is good for so much. Raises `Unauthenticated` once deactivated."""
        if self.deactivated_at is not None:
            raise Unauthenticated
        return Person(account_id=account_id, user_id=self.id, role=self.role, name=self.name, scope=scope, way_in=way_in)


@frozen(kw_only=True)
class ApiToken:
    """A right to act as one person, kept as the digest of a secret that is shown once."""

    id: TokenId
    user_id: UserId
    name: str = ""
    """What it is for, in its maker's words."""
    scope: Scope = Scope.ALL
    digest: bytes
    created_at: datetime
    expires_at: datetime | None = None
    """None: it is good until it is revoked."""
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    """To within `USE_NOTED`."""

    def is_good(self, at: datetime) -> bool:
        """Whether it stands for its person then."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)

    def use_is_news(self, at: datetime) -> bool:
        """Whether it is worth writing down that it was used then."""
        return self.last_used_at is None or at - self.last_used_at >= USE_NOTED


def checked_email(value: str) -> str:
    """An address that mail can be sent to. Raises `InvalidValue`.

    Only what cannot be an address at all is refused; whether anybody reads it, the first mail tells.
    """
    local, at, domain = value.rpartition("@")
    printable = value.isprintable() and " " not in value and not set(value) & set('<>,;:"()[]\\')
    if not (local and at and domain and printable) or "@" in local or len(value) > LONGEST_EMAIL:
        raise InvalidValue("email", "is not an e-mail address")
    if not domain.isascii():
        try:
            ascii_host(domain)
        except ValueError as exc:
            raise InvalidValue("email", f"is not an e-mail address: its domain {exc}") from None
    return text("email", value, most=LONGEST_EMAIL)
