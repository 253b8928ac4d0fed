"""What tables are written with: columns, keys, and checks of what may stand in them."""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKeyConstraint, Integer, MetaData, PrimaryKeyConstraint, Text, Uuid, text

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
