"""The page of how the code is laid out: rings and areas as the imports have them, and a walk through them."""

from collections.abc import Iterable, Iterator, Mapping

from .areas import APPLICATION, AREAS, CORE, DOMAIN, EDGES, Arrows, Ring, arrows, between, purpose, reduced, room
from .markdown import code, page, table
from .source import ROOT, modules
from .walk import path_of, walk

PAGE = ROOT / "docs" / "explanation" / "architecture.md"

RINGS: Mapping[str, str] = {
    "flowpilot_http": "http",
    "flowpilot_adapters": "adapters",
    "flowpilot_core.testing": "testing",
    "flowpilot_core.application": "application",
    "flowpilot_core.ports": "ports",
    "flowpilot_core.domain": "domain",
}


def architecture() -> str:
    """Where everything is, and how a handoff goes through it."""
    domain, application = (reduced(arrows(ring.package)) for ring in (DOMAIN, APPLICATION))
    return page(
        "Architecture: areas and rings",
        "The code is cut in two ways at once. A *ring* says how far from the rules something is: the domain knows nothing of a database,"
        " and a route decides nothing. An *area* says what something is about: a session, a handoff, a PSA. Each ring has a room for each"
        " area that has something there, and the room bears the area's name. So whoever knows what a thing is about, and whether it is a"
        " rule, a use case, a table or a route, knows where it stands.",
        "## The rings",
        "An arrow points at what is imported. An arrow that follows from others is left out.",
        _rings(),
        "- **domain**: values, rules and moves. No I/O; needs attrs.\n"
        "- **ports**: what the core asks of the world, as protocols whose docstrings are the contract.\n"
        "- **application**: use cases, and the work that follows them: load, decide, save, record, commit.\n"
        "- **testing**: contract suites that hold every adapter to its port, and builders. Shipped, and imported by tests alone.\n"
        "- **adapters**: one package for each technology. None knows another, and none decides anything.\n"
        "- **http**: who asks, how a request reads, which status answers; the pages and the command line. Only"
        " `flowpilot_http.main` chooses adapters.",
        "## The areas",
        table(["area", "what it is for"], [[code(area), purpose(area)] for area in AREAS]),
        "In the domain, each area knows what its arrows lead to, and nothing else:",
        _drawing("flowchart TB", domain),
        "Among the use cases there is `relay` too. It has no rules of its own, and stands right on the kernel, so that every area can"
        " leave it work:",
        _drawing("flowchart TB", application),
        "In neither is there a way back up: `make check` refuses an import that makes one.",
        "## The rooms",
        "In the core, and its tests:",
        _rooms(CORE),
        "At the edges. Tables, and rows read as values, lie below the repositories of all areas, because one statement joins tables of"
        " several:",
        _rooms(EDGES),
        "What belongs to every area at once stands beside the rooms, in the ring itself: the facade"
        f" [`FlowPilot`]({_to('src/flowpilot_core/application/flowpilot.py')}), the"
        f" [unit of work and the view]({_to('src/flowpilot_core/ports/unit_of_work.py')}), and one connection or store in each adapter.",
        "## One escalation, from the request to the mail",
        walk(PAGE),
        "## To read on",
        "- [Handing off is authoritative, telling is advisory](handing-off-and-telling.md): why the walk has two halves.\n"
        "- [Tenancy](tenancy.md): how accounts are kept apart, on every step of it.\n"
        "- [The same rooms on every floor](../adr/0035-the-same-rooms-on-every-floor.md): why areas, and what they cost.\n"
        "- [The Python API](../reference/python-api.md): the use cases and the ports, area by area.",
    )


def _to(path: str) -> str:
    return path_of(PAGE, ROOT / path)


def _rings() -> str:
    seen = reduced(between(modules().values(), RINGS))
    drawn = {name: f'{name}["{package}"]' for package, name in RINGS.items()}
    core = [drawn[name] for package, name in RINGS.items() if package.startswith("flowpilot_core")]
    outside = [drawn[name] for package, name in RINGS.items() if not package.startswith("flowpilot_core")]
    return _mermaid(
        "flowchart TB",
        [
            *outside,
            "subgraph core",
            *(f"    {box}" for box in core),
            "end",
            *(f"{here} -->|main alone| {there}" if there == "adapters" else f"{here} --> {there}" for here, there in sorted(seen)),
        ],
    )


def _drawing(kind: str, those: Arrows) -> str:
    drawn = [area for area in AREAS if any(area in arrow for arrow in those)]
    order = {area: number for number, area in enumerate(AREAS)}
    ordered = sorted(those, key=lambda arrow: (-order[arrow[0]], -order[arrow[1]]))
    return _mermaid(kind, [*reversed(drawn), *(f"{here} --> {there}" for here, there in ordered)])


def _mermaid(kind: str, lines: Iterable[str]) -> str:
    return "```mermaid\n" + "\n".join([kind, *(f"    {line}" for line in lines)]) + "\n```"


def _rooms(rings: tuple[Ring, ...]) -> str:
    return table(["area", *(ring.title for ring in rings)], [[code(area), *_links(area, rings)] for area in AREAS])


def _links(area: str, rings: tuple[Ring, ...]) -> Iterator[str]:
    for ring in rings:
        path = room(ring, area)
        name = "" if path is None else f"{area}/" if path.is_dir() else path.name
        yield f"[{name}]({path_of(PAGE, path)})" if path else ""
