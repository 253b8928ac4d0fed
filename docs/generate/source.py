"""What the code says, read without running it: which module defines and imports what, and what its docstrings say."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from inspect import cleandoc
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"

Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.Assign | ast.AnnAssign


class NotDefined(LookupError):
    """A page names what the code does not define, or defines twice."""


@frozen(eq=False, kw_only=True)
class Module:
    """One file."""

    name: str
    path: Path
    doc: str
    defines: Mapping[str, Definition]
    """What stands at its top, in its order; private names too."""
    docs: Mapping[str, str]
    """What is said of each of these."""
    imports: Mapping[str, tuple[str, str]]
    """Of a name used here, the module it comes from and what it is called there; nothing for a whole module."""

    @property
    def folder(self) -> bool:
        """Whether it is a package, whose file is `__init__.py`."""
        return self.path.name == "__init__.py"


@frozen(kw_only=True)
class Thing:
    """Something that a module defines."""

    module: Module
    name: str

    @property
    def node(self) -> Definition:
        """Where it is defined."""
        return self.module.defines[self.name]

    @property
    def doc(self) -> str:
        """What is said of it."""
        return self.module.docs.get(self.name, "")


@cache
def modules() -> Mapping[str, Module]:
    """Every module of the three packages, by its name."""
    paths = {_name(path): path for path in sorted(SRC.rglob("*.py"))}
    return {name: _read(name, path) for name, path in paths.items()}


def inside(package: str) -> list[Module]:
    """A module or package, and all that is in it."""
    return [module for name, module in modules().items() if name == package or name.startswith(f"{package}.")]


def imported(module: Module) -> Iterator[str]:
    """The modules of ours that a module imports, each as far in as its name is known."""
    for source, name in module.imports.values():
        within = f"{source}.{name}" if name else source
        if within in modules():
            yield within
        elif source in modules():
            yield source


def thing(module: Module, name: str) -> Thing | None:
    """What a module calls by that name, where it is ours."""
    if name in module.defines:
        return Thing(module=module, name=name)
    source, there = module.imports.get(name, ("", ""))
    return thing(modules()[source], there) if source in modules() and there else None


def defined(room: str, name: str) -> Thing:
    """What one module of a room defines by a name, which may go on with a dot to what a class defines. Raises `NotDefined`."""
    first, _, rest = name.partition(".")
    found = [Thing(module=module, name=first) for module in inside(room) if first in module.defines]
    found = [one for one in found if not rest or rest in members(one.node)]
    if len(found) != 1:
        raise NotDefined(f"{name} is defined {len(found)} times in {room}")
    return found[0]


def members(node: ast.stmt) -> dict[str, ast.stmt]:
    """What stands in the body of a class, by name."""
    return dict(_defined(node.body)) if isinstance(node, ast.ClassDef) else {}


def documented(body: list[ast.stmt]) -> dict[str, str]:
    """What is said of each name in a body: a docstring within, or a string right behind an assignment."""
    said = {}
    for at, node in enumerate(body):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            said[node.name] = ast.get_docstring(node) or ""
        for name, _ in _defined([node]) if isinstance(node, ast.Assign | ast.AnnAssign) else ():
            behind = body[at + 1] if at + 1 < len(body) else None
            if isinstance(behind, ast.Expr) and isinstance(behind.value, ast.Constant) and isinstance(behind.value.value, str):
                said[name] = cleandoc(behind.value.value)
    return {name: doc for name, doc in said.items() if doc}


def _name(path: Path) -> str:
    parts = path.relative_to(SRC).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _read(name: str, path: Path) -> Module:
    tree = ast.parse(path.read_text())
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    return Module(
        name=name,
        path=path,
        doc=ast.get_docstring(tree) or "",
        defines=dict(_defined(tree.body)),
        docs=documented(tree.body),
        imports=dict(_imported(tree, package)),
    )


def _defined(body: list[ast.stmt]) -> Iterator[tuple[str, Definition]]:
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, node
        elif isinstance(node, ast.Assign):
            yield from ((target.id, node) for target in node.targets if isinstance(target, ast.Name))


def _imported(tree: ast.Module, package: str) -> Iterator[tuple[str, tuple[str, str]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.asname or alias.name, (alias.name, "")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((alias.asname or alias.name, (source, alias.name)) for alias in node.names)
