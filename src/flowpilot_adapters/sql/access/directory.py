"""Which accounts there are, for an operator, as the one role that reads across them."""

from datetime import datetime
from typing import Final
from uuid import UUID

import psycopg
from attrs import frozen
from psycopg.rows import class_row

from flowpilot_adapters.sql.errors import translated

PROGRAMS_OWN: Final = UUID(int=1)
"""What the program itself keeps is under this one."""

_ALL: Final = (
    "SELECT account_id AS id, name, created_at, closed_at FROM flowpilot.account WHERE account_id <> %s ORDER BY created_at, account_id"
)


class SeesNotAll(Exception):
    """The role may not read what is every account's."""


@frozen(kw_only=True)
class ListedAccount:
    """An account, as far as a list of them goes."""

    id: UUID
    name: str
    created_at: datetime
    closed_at: datetime | None


def accounts(url: str) -> list[ListedAccount]:
    """All there are, oldest first. `url` connects as the backup's role, who may change nothing. Raises `Unavailable` or `SeesNotAll`."""
    try:
        with psycopg.connect(url) as connection:
            # Whom row security binds gets an error in place of no accounts.
            connection.execute("SET row_security = off")
            return connection.cursor(row_factory=class_row(ListedAccount)).execute(_ALL, [PROGRAMS_OWN]).fetchall()
    except psycopg.errors.InsufficientPrivilege as error:
        raise SeesNotAll from error
    except psycopg.Error as error:
        raise translated(error) from error
