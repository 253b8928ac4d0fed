"""The pages of what an embedding program imports, from the signatures and docstrings of the core."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial

from .areas import AREAS, purpose
from .markdown import code, page, table
from .source import Module, Thing, documented, inside, members, modules, thing

CORE = "flowpilot_core"
FACADE = Thing(module=modules()[f"{CORE}.application.flowpilot"], name="FlowPilot")
ERRORS = f"{CORE}.domain.kernel.errors"
WIDEST = 100
"""Of a signature on one line."""
SHORT = 12
"""Lines that are shown without a fold."""
ATTRS = ("frozen", "define")

INDEX = "reference/python-api.md"


def pages() -> Mapping[str, Callable[[], str]]:
    """The overview, and a page for each area."""
    return {INDEX: overview, **{f"reference/python-api/{area}.md": partial(of_area, area) for area in AREAS}}


def overview() -> str:
    """What is public, the facade, and what belongs to all areas."""
    return page(
        "Python API",
        "What a program imports that runs FlowPilot inside itself, or brings an adapter of its own. The guides are"
        " [embed](../howto/embed.md), [write an adapter](../howto/write-an-adapter.md) and"
        " [write a PSA adapter](../howto/write-a-psa-adapter.md).",
        "**Public is what these pages name**: a module by its path, a class or function with its signature, a field, a method. Whatever is"
        " not named here may change at any time, and so may each name that begins with an underscore. Before 1.0 a minor version may"
        " change public names too; the [changelog](../../CHANGELOG.md) then says from what to what. A patch version changes none.",
        "Docstrings say what is returned, in which unit and order, and what is raised. What is raised is a class of"
        f" `{ERRORS}`, all of which are in [errors](errors.md), unless a page below names it. Times are aware and in UTC.",
        "## By area",
        table(["area", "what it is for"], [[f"[{area}](python-api/{area}.md)", purpose(area)] for area in AREAS]),
        "## The facade",
        *_section("### ", [FACADE], without=lambda one: frozenset(_fields(one))),
        "Its use cases:",
        table(["attribute", "class", "what it is for"], [_use_case(name, one) for name, one in _use_cases()]),
        "## What all areas share",
        *_section("### ", [one for one in public() if _area(one.module) is None and one != FACADE]),
        "## In memory",
        f"All are imported from `{MEMORY}`, and keep all that the ports promise, with rollback, versions and races, until the process ends."
        " What a port says of a method is not said again.",
        *_section("### ", _exported(MEMORY), without=_promised),
        "## Of other adapters",
        "What an adapter of your own may lean on.",
        *_section("### ", [one for name in HELPERS for one in _things(modules()[name])]),
        "## Contract suites and tools for tests",
        f"All suites are in `{SUITES}`; [write an adapter](../howto/write-an-adapter.md) says how to run them.",
        table(["class", "what it holds an adapter to"], [[code(one.name), _line(one.doc)] for one in _exported(SUITES)]),
        "In the modules beside them every name without an underscore is public:",
        table(["module", "what is in it"], [[code(module.name), _line(module.doc)] for module in _tools()]),
    )


def of_area(area: str) -> str:
    """What an area has."""
    own = [one for one in public() if _area(one.module) == area]
    parts = {
        "Use cases, and the work that follows them": [one for one in own if _ring(one.module) == "application"],
        "Ports": [one for one in own if _is_port(one)],
        "Values": [one for one in own if _ring(one.module) in ("ports", "domain") and not _is_port(one)],
    }
    return page(
        f"Python API: {area}",
        f"{purpose(area)} What is public, and what that means, stands in the [overview](../python-api.md).",
        *(text for title, things in parts.items() if things for text in (f"## {title}", *_section("### ", things))),
    )


MEMORY = "flowpilot_adapters.memory"
SUITES = f"{CORE}.testing.contracts"
HELPERS = (
    "flowpilot_adapters.psa.vendor_line",
    "flowpilot_adapters.psa.vendor_json",
    "flowpilot_adapters.psa.webhook_verification",
    "flowpilot_adapters.system",
)
"""What the guides import beside the core."""


@cache
def public() -> tuple[Thing, ...]:
    """All that the ports define, what our own edge and adapters import of the core, and what the signatures of these name."""
    found: dict[tuple[str, str], Thing] = {}
    ahead = [FACADE, *_called(), *(one for module in inside(f"{CORE}.ports") for one in _things(module))]
    while ahead:
        one = ahead.pop()
        if (one.module.name, one.name) not in found and _is_listed(one):
            found[one.module.name, one.name] = one
            ahead += [named for name in _names(one) if (named := thing(one.module, name))]
    order = {name: number for number, name in enumerate(modules())}
    return tuple(sorted(found.values(), key=lambda one: (order[one.module.name], one.node.lineno)))


def _is_listed(one: Thing) -> bool:
    """Of our rings, and neither an error, which has a page of its own, nor a stand-in for any type."""
    stand_in = isinstance(one.node, ast.Assign) and ast.unparse(one.node.value).startswith("TypeVar(")
    return _ring(one.module) in ("application", "ports", "domain") and one.module.name != ERRORS and not stand_in


def _called() -> Iterator[Thing]:
    """What HTTP, the composition root and the adapters import of the core: whoever writes their own needs the same."""
    for module in (*inside("flowpilot_http"), *inside("flowpilot_adapters")):
        for source, name in module.imports.values():
            if source.startswith(f"{CORE}.") and source in modules() and (one := thing(modules()[source], name)):
                yield one


def _things(module: Module) -> Iterator[Thing]:
    return (Thing(module=module, name=name) for name in module.defines if not name.startswith("_"))


def _exported(package: str) -> list[Thing]:
    """What a package names in its `__all__`."""
    module = modules()[package]
    listed = module.defines["__all__"]
    names = ast.literal_eval(listed.value) if isinstance(listed, ast.Assign) else []
    return [one for name in names if (one := thing(module, name))]


def _tools() -> list[Module]:
    beside = [module for module in inside(f"{CORE}.testing") if module.name.count(".") == 2 and not module.folder]
    return [module for module in beside if module.doc]


def _ring(module: Module) -> str:
    return [*module.name.split("."), ""][1]


def _area(module: Module) -> str | None:
    area = [*module.name.split("."), "", ""][2]
    return area if area in AREAS else None


def _is_port(one: Thing) -> bool:
    """A protocol, or a function's type that plays the part of one."""
    if _ring(one.module) != "ports":
        return False
    if isinstance(one.node, ast.ClassDef):
        return any(base.partition("[")[0] == "Protocol" for base in map(ast.unparse, one.node.bases))
    return isinstance(one.node, ast.Assign) and ast.unparse(one.node.value).startswith("Callable[")


def _use_cases() -> list[tuple[str, Thing]]:
    found = []
    for name, node in _fields(FACADE).items():
        one = thing(FACADE.module, ast.unparse(node.annotation).partition("[")[0]) if isinstance(node, ast.AnnAssign) else None
        if one is not None:
            found.append((name, one))
    return found


def _use_case(name: str, one: Thing) -> list[str]:
    return [code(name), f"[`{one.name}`](python-api/{_area(one.module)}.md)", _line(one.doc)]


def _names(one: Thing) -> set[str]:
    """Every name that its signatures, fields and bases hold; of a domain value those of its fields alone, since its moves are for us."""
    node = one.node
    held: list[ast.AST | None] = []
    if isinstance(node, ast.ClassDef):
        held += node.bases
        for member in _members(node).values():
            if isinstance(member, ast.AnnAssign):
                held.append(member.annotation)
            elif isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef) and (_ring(one.module) != "domain" or _is_property(member)):
                held += _annotations(member)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        held += _annotations(node)
    elif isinstance(node, ast.AnnAssign):
        held.append(node.annotation)
    else:
        held.append(node.value)
    return {name for part in held if part is not None for name in _written(part)}


def _annotations(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.AST | None]:
    taken = function.args
    return [*(one.annotation for one in (*taken.posonlyargs, *taken.args, *taken.kwonlyargs)), function.returns]


def _written(part: ast.AST) -> Iterator[str]:
    for node in ast.walk(part):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                yield from _written(ast.parse(node.value, mode="eval"))
            except SyntaxError:
                continue


def _members(node: ast.ClassDef) -> dict[str, ast.stmt]:
    return {name: member for name, member in members(node).items() if name in ("__init__", "__call__") or not name.startswith("_")}


def _fields(one: Thing) -> dict[str, ast.stmt]:
    return {name: node for name, node in members(one.node).items() if isinstance(node, ast.AnnAssign | ast.Assign) and name[0] != "_"}


def _is_held(member: ast.stmt) -> bool:
    return isinstance(member, ast.AnnAssign | ast.Assign) or _is_property(member)


def _is_property(member: ast.stmt) -> bool:
    return isinstance(member, ast.FunctionDef) and any(ast.unparse(one) == "property" for one in member.decorator_list)


def _promised(one: Thing) -> frozenset[str]:
    """What a class has because it is a port, or several."""
    own = set(members(one.node))
    ports = [set(members(port.node)) for module in inside(f"{CORE}.ports") for port in _things(module) if _is_port(port)]
    return frozenset(name for port in ports if port <= own for name in port)


def _nothing(_: Thing) -> frozenset[str]:
    return frozenset()


def _section(heading: str, things: Iterable[Thing], *, without: Callable[[Thing], frozenset[str]] = _nothing) -> Iterator[str]:
    """Classes and functions with a heading each; types that are another's name, and constants, in a table at the end."""
    short = []
    for one in things:
        if isinstance(one.node, ast.Assign | ast.AnnAssign):
            short.append(one)
            continue
        yield f"{heading}{one.name}"
        yield f"In `{one.module.name}`."
        yield from _told(one, without=without(one))
    if short:
        yield f"{heading}Other names"
        yield table(
            ["name", "module", "is", "what it is for"],
            [[code(one.name), code(one.module.name), code(_value(one.node)), _line(one.doc)] for one in short],
        )


def _value(node: ast.stmt) -> str:
    if isinstance(node, ast.AnnAssign):
        return ast.unparse(node.annotation)
    value = ast.unparse(node.value) if isinstance(node, ast.Assign) else ""
    return value if len(value) <= WIDEST else f"{value[:WIDEST]}…"


def _told(one: Thing, *, without: frozenset[str] = frozenset()) -> Iterator[str]:
    """Its docstring, what is said of its members, and all signatures, behind a fold where they are many."""
    node = one.node
    if one.doc:
        yield "\n\n".join(" ".join(paragraph.split()) for paragraph in one.doc.split("\n\n"))
    shape = []
    if isinstance(node, ast.ClassDef):
        said = documented(node.body)
        listed = {name: member for name, member in _members(node).items() if name not in without}
        rows = [[code(name), _line(said[name])] for name in listed if name in said]
        if rows:
            yield table(["member", "what it is"], rows)
        held = [member for member in listed.values() if _is_held(member)]
        moves = [line for member in listed.values() if not _is_held(member) for line in _shape(member)]
        lines = [*(line for member in held for line in _shape(member)), *([""] if held and moves else []), *moves]
        *above, head = _head(node)
        shape = [
            *(f"@{made}" for made in map(ast.unparse, node.decorator_list) if made.partition("(")[0] in ATTRS),
            *above,
            *([head, *(f"    {line}".rstrip() for line in lines)] if lines else [f"{head} ..."]),
        ]
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        shape = list(_shape(node))
    block = "\n".join(["```python", *map(_quoted, shape), "```"])
    yield block if len(shape) <= SHORT else f"<details><summary>Signatures</summary>\n\n{block}\n\n</details>"


def _head(node: ast.ClassDef) -> list[str]:
    bases = [ast.unparse(base) for base in node.bases]
    head = f"class {node.name}({', '.join(bases)}):" if bases else f"class {node.name}:"
    return [head] if len(head) <= WIDEST else [f"class {node.name}(", *(f"    {base}," for base in bases), "):"]


def _quoted(line: str) -> str:
    """With strings as we write them."""
    return re.sub(r"'([^'\"\\]*)'", r'"\1"', line)


def _shape(member: ast.stmt) -> Iterator[str]:
    if isinstance(member, ast.AnnAssign):
        yield f"{ast.unparse(member.target)}: {_unquoted(member.annotation)}{_default(member.value)}"
    elif isinstance(member, ast.Assign):
        yield ast.unparse(member)
    elif _is_property(member) and isinstance(member, ast.FunctionDef):
        yield f"{member.name}: {_unquoted(member.returns)}  # property"
    elif isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef):
        yield from (f"@{name}" for one in member.decorator_list if (name := ast.unparse(one)) in ("classmethod", "staticmethod"))
        yield from _signature(member)


def _signature(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    begin = f"{'async ' if isinstance(function, ast.AsyncFunctionDef) else ''}def {function.name}("
    end = f") -> {_unquoted(function.returns)}: ..."
    arguments = list(_arguments(function.args))
    line = begin + ", ".join(arguments) + end
    yield from [line] if len(line) <= WIDEST else [begin, *(f"    {one}," for one in arguments), end]


def _arguments(taken: ast.arguments) -> Iterator[str]:
    positional = [*taken.posonlyargs, *taken.args]
    missing = len(positional) - len(taken.defaults)
    for number, one in enumerate(positional):
        yield _argument(one, taken.defaults[number - missing] if number >= missing else None)
    if taken.vararg:
        yield f"*{_argument(taken.vararg, None)}"
    elif taken.kwonlyargs:
        yield "*"
    for one, default in zip(taken.kwonlyargs, taken.kw_defaults, strict=True):
        yield _argument(one, default)


def _argument(one: ast.arg, default: ast.expr | None) -> str:
    kind = f": {_unquoted(one.annotation)}" if one.annotation else ""
    return one.arg + kind + (f" = {ast.unparse(default)}" if default else "")


def _default(value: ast.expr | None) -> str:
    """What stands behind the `=`, without the machinery of attrs."""
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "Factory":
        return " = ..."
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "field":
        given = {one.arg: one.value for one in value.keywords}
        if "factory" in given or "init" in given:
            return " = ..."
        value = given.get("default")
    return f" = {ast.unparse(value)}" if value else ""


def _unquoted(annotation: ast.expr | None) -> str:
    """A type as it is meant, whether or not it had to be quoted."""
    return "None" if annotation is None else ast.unparse(annotation).strip("'\"")


def _line(doc: str) -> str:
    return " ".join(doc.split())
