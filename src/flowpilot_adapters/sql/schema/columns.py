"""What tables are written with: columns, keys, and checks of what may stand in them."""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKeyConstraint, Integer, MetaData, PrimaryKeyConstraint, Text, Uuid, text

from flowpilot_core.domain.kernel.identifiers import PLATFORM_ACCOUNT

SCHEMA: Final = "flowpilot"

metadata = MetaData(schema=SCHEMA)


def uuid_column(name: str, *, null: bool = False) -> Column[Any]:
    """An id."""
    return Column(name, Uuid, nullable=null)


def text_column(name: str, *, null: bool = False) -> Column[Any]:
    """Text of any length: how long it may be is the domain's to say."""
    return Column(name, Text, nullable=null)


def time_column(name: str, *, null: bool = False) -> Column[Any]:
    """A moment."""
    return Column(name, DateTime(timezone=True), nullable=null)


def integer_column(name: str, *, null: bool = False) -> Column[Any]:
    """A number."""
    return Column(name, Integer, nullable=null)


def counting_column(name: str) -> Column[Any]:
    """How often something happened, from nought."""
    return Column(name, Integer, nullable=False, server_default=text("0"))


def primary_key(table: str, *columns: str) -> PrimaryKeyConstraint:
    """A primary key in the account."""
    return PrimaryKeyConstraint("account_id", *columns, name=f"pk_{table}")


def foreign_key(
    table: str, what: str, columns: tuple[str, ...], to: str, key: tuple[str, ...], *, late: bool = False
) -> ForeignKeyConstraint:
    """A foreign key in the account. `late`: checked at the commit, where two tables point at each other."""
    return ForeignKeyConstraint(
        ("account_id", *columns),
        [f"{SCHEMA}.{to}.{column}" for column in ("account_id", *key)],
        name=f"fk_{table}_{what}",
        use_alter=late,
        deferrable=late or None,
        initially="DEFERRED" if late else None,
    )


def of_account(table: str) -> ForeignKeyConstraint:
    """The foreign key of what belongs to an account and to nothing else."""
    return foreign_key(table, "account", (), "account", ())


def listed(values: Iterable[str]) -> str:
    """Values as SQL lists them, where they are words of our own."""
    return ", ".join(f"'{value}'" for value in values)


def one_of(table: str, column: str, values: Iterable[str]) -> CheckConstraint:
    """A check that a column holds one of these."""
    return CheckConstraint(f"{column} IN ({listed(values)})", name=f"ck_{table}_{column}")


_KEYS: Final = {"tree_revision": "tree_id", "script_template_revision": "template_id"}
"""What tables are referred to by that have no `id`."""


def to_own_or_platform(
    table: str, what: str, to: str, *more: tuple[str, str], circular: bool = False
) -> tuple[ForeignKeyConstraint, CheckConstraint]:
    """A foreign key from `<what>_account_id` and `<what>_id`, and `more` columns, and the check that it leads nowhere else.

    `circular`: it leads to a table that leads back.
    """
    pairs = ((f"{what}_account_id", "account_id"), (f"{what}_id", _KEYS.get(to, "id")), *more)
    return (
        ForeignKeyConstraint(
            [own for own, _ in pairs], [f"{SCHEMA}.{to}.{theirs}" for _, theirs in pairs], name=f"fk_{table}_{what}", use_alter=circular
        ),
        CheckConstraint(
            f"({what}_account_id IS NULL) = ({what}_id IS NULL)"
            f" AND ({what}_account_id IS NULL OR {what}_account_id IN (account_id, '{PLATFORM_ACCOUNT}'))",
            name=f"ck_{table}_{what}",
        ),
    )
