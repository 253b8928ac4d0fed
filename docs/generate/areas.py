"""The areas and the rings, as the folders of the code have them."""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from attrs import frozen

from .source import ROOT, SRC, Module, imported, inside, modules


def _areas() -> tuple[str, ...]:
    """As the import contract of the use cases has them, which leaves none out; without the facade, which is none."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    floors = next(contract["layers"] for contract in contracts if contract["name"] == "Areas of the application")
    return tuple(area.strip() for floor in reversed(floors) for area in floor.split("|") if area != "flowpilot")


AREAS = _areas()
"""From the ground up."""

Arrows = frozenset[tuple[str, str]]


@frozen
class Ring:
    """A place where each area has a room, or could have one."""

    title: str
    package: str
    """Of modules; a folder of the project where it is none."""


DOMAIN = Ring("domain", "flowpilot_core.domain")
PORTS = Ring("ports", "flowpilot_core.ports")
APPLICATION = Ring("use cases", "flowpilot_core.application")
CORE = (
    DOMAIN,
    PORTS,
    APPLICATION,
    Ring("contract suites", "flowpilot_core.testing.contracts"),
    Ring("unit tests", "tests/unit"),
    Ring("tests over HTTP", "tests/unit/http"),
)
EDGES = (
    Ring("SQL", "flowpilot_adapters.sql"),
    Ring("its tables", "flowpilot_adapters.sql.schema"),
    Ring("rows as values", "flowpilot_adapters.sql.records"),
    Ring("memory", "flowpilot_adapters.memory"),
    Ring("routes", "flowpilot_http.routes"),
    Ring("requests and answers", "flowpilot_http.schemas"),
    Ring("pages", "flowpilot_http.pages"),
)


def room(ring: Ring, area: str) -> Path | None:
    """Where an area lives in a ring: a folder or a file, if it does."""
    folder = ROOT / ring.package if "/" in ring.package else SRC.joinpath(*ring.package.split("."))
    return next((path for path in (folder / area, folder / f"{area}.py") if path.exists()), None)


def purpose(area: str) -> str:
    """What an area is for, as its lowest package says."""
    package = next(f"{ring.package}.{area}" for ring in (DOMAIN, APPLICATION) if f"{ring.package}.{area}" in modules())
    return " ".join(modules()[package].doc.split("\n\n")[0].split())


def arrows(package: str) -> Arrows:
    """Which areas know which, among the modules of a ring."""
    return between(inside(package), {f"{package}.{area}": area for area in AREAS})


def between(those: Iterable[Module], boxes: Mapping[str, str]) -> Arrows:
    """The imports of these modules from box to box; a box is named by the package that it holds, the narrowest of several."""
    found = {(_box(module.name, boxes), _box(target, boxes)) for module in those for target in imported(module)}
    return frozenset((here, there) for here, there in found if here and there and here != there)


def _box(name: str, boxes: Mapping[str, str]) -> str | None:
    holding = [package for package in boxes if name == package or name.startswith(f"{package}.")]
    return boxes[max(holding, key=len)] if holding else None


def reduced(all_of_them: Arrows) -> Arrows:
    """The same without each arrow that a longer way makes plain."""
    left = set(all_of_them)
    for arrow in sorted(all_of_them):
        here, there = arrow
        if there in _reached(here, left - {arrow}):
            left.remove(arrow)
    return frozenset(left)


def _reached(start: str, along: Iterable[tuple[str, str]]) -> set[str]:
    reached: set[str] = set()
    ahead = [start]
    while ahead:
        here = ahead.pop()
        new = {there for source, there in along if source == here} - reached
        reached |= new
        ahead += new
    return reached
