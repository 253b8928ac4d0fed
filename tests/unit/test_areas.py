"""The house: every ring has the same areas, and whatever else lies in a ring has a reason to."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
AREAS = frozenset(
    {
        "kernel",
        "relay",
        "access",
        "sessions",
        "handoffs",
        "assistant",
        "notifications",
        "psa",
        "outputs",
        "knowledge",
        "maintenance",
        "replay",
        "insights",
    }
)
WITHOUT = {
    "src/flowpilot_core/domain": {"relay": "it holds no rule of the product: what is due, and who holds it, is the application's business"},
    "src/flowpilot_core/ports": {},
    "src/flowpilot_core/application": {},
    "src/flowpilot_core/testing/contracts": {},
    "src/flowpilot_adapters/memory": {},
    "src/flowpilot_adapters/sql": {},
    "src/flowpilot_adapters/sql/schema": {},
    "src/flowpilot_adapters/sql/records": {
        "relay": "a lease is read where it is taken, without a value of the domain behind it",
        "replay": "what was imported is counted in SQL",
        "insights": "figures are counted in SQL, and what is found is read where it is looked up",
    },
    "src/flowpilot_http/routes": {
        "kernel": "what all routes share is beside them",
        "relay": "nobody signed in reaches it",
        "replay": "logs are replayed on the command line",
    },
    "src/flowpilot_http/schemas": dict.fromkeys(("relay", "replay"), "it has no routes"),
    "src/flowpilot_http/pages": {
        "kernel": "what all pages share is beside them",
        **dict.fromkeys(("relay", "assistant", "outputs", "replay"), "it has no page of its own"),
    },
    "tests/unit": {},
    "tests/unit/http": {
        "kernel": "what holds for every route is tested beside the areas",
        **dict.fromkeys(("relay", "replay"), "it has no routes"),
    },
}
"""The rings, each with the areas it has not, and why."""
BESIDE = {
    "src/flowpilot_core/ports": {"unit_of_work": "all areas together"},
    "src/flowpilot_core/application": {"flowpilot": "the facade over all areas"},
    "src/flowpilot_core/testing/contracts": {"contract": "what all suites share", "tenancy": "it is about all areas at once"},
    "src/flowpilot_adapters/memory": dict.fromkeys(
        ("locks", "reading", "store", "tables", "transaction", "unit_of_work"), "the store itself, which all areas are kept in"
    ),
    "src/flowpilot_adapters/sql": {
        **dict.fromkeys(
            ("connection", "database", "documents", "errors", "pool", "queries", "reading", "statement", "transaction", "unit_of_work"),
            "how all areas speak to the database",
        ),
        "matching": "how any area says to the database what a query asks for",
        **dict.fromkeys(("backups", "migrations", "policies", "roles", "tenancy"), "the database as a whole"),
        **dict.fromkeys(("schema", "records"), "tables and rows, which statements of any area may join: rooms of the same names"),
    },
    "src/flowpilot_adapters/sql/schema": {"columns": "what all tables are written with"},
    "src/flowpilot_http/routes": dict.fromkeys(("documentation", "health"), "about the server, and of no account"),
    "src/flowpilot_http/pages": {
        **dict.fromkeys(
            ("page_request", "templating", "templates", "static", "words", "assets", "kit", "moves", "settings", "beside"),
            "what all pages share",
        ),
        **dict.fromkeys(("happenings", "tried", "drawing", "colleagues"), "what the pages of sessions and of escalations both show"),
        **dict.fromkeys(("reference", "exploring"), "the pages of the API, of no account"),
        "brand": "what all pages of an account wear",
    },
    "tests/unit": {"http": "the edge, with rooms of the same names"},
}
"""What lies beside the areas of a ring, and why."""


def _rooms(ring: str) -> set[str]:
    """The packages and modules of a ring; tests that lie beside its areas are about several."""
    found = {path for path in (ROOT / ring).iterdir() if path.suffix == ".py" or (path.is_dir() and any(path.iterdir()))}
    names = {path.stem for path in found if path.name not in ("__init__.py", "conftest.py", "__pycache__")}
    return {name for name in names if not name.startswith("test_")}


@pytest.mark.parametrize("ring", WITHOUT)
def test_every_ring_has_the_same_areas(ring: str) -> None:
    assert AREAS - WITHOUT[ring].keys() | BESIDE.get(ring, {}).keys() == _rooms(ring)


def test_the_rings_are_all_of_those_that_have_areas() -> None:
    roots = [path for top in ("src", "tests/unit") for path in (ROOT / top).rglob("*") if path.is_dir() and path.name != "__pycache__"]
    with_areas = {_name(folder) for folder in [*roots, ROOT / "tests/unit"] if len(AREAS & _rooms(_name(folder))) > 2}

    assert WITHOUT.keys() == with_areas


def _name(folder: Path) -> str:
    return folder.relative_to(ROOT).as_posix()
