"""Bringing a database to the schema this program wants, and telling whether it is there.

Alembic takes a third of a second to import, and most who ask only want to know: it is loaded with `steps`, once somebody changes a schema.
"""

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from .steps import downgrade, drift, migrate

__all__ = ["downgrade", "drift", "head", "is_at_head", "migrate"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module(".steps", __name__), name)
    raise AttributeError(f"{__name__} has no {name}")


@cache
def head() -> str:
    """The revision that this program wants: each step's file is named after its revision, and the last one is the head."""
    last = max(file.name for file in (Path(__file__).parent / "versions").glob("v*.py"))
    return last[1:].partition("_")[0]


def knows(revision: str) -> bool:
    """Whether this program can bring a database of this revision to the one that it wants."""
    return any((Path(__file__).parent / "versions").glob(f"v{revision}_*.py"))


def is_at_head(url: str) -> bool:
    """Whether the database is at the revision this program wants; any role of FlowPilot may ask."""
    with psycopg.connect(url) as connection:
        there = connection.execute("SELECT to_regclass('flowpilot.alembic_version')").fetchone()
        if there is None or there[0] is None:
            return False
        return [(head(),)] == connection.execute("SELECT version_num FROM flowpilot.alembic_version").fetchall()
