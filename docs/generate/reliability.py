"""Which test stages which fault, small input or attack: found in the names and docstrings of the tests."""

import ast
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from .markdown import page, table

ROOT = Path(__file__).parents[2]
PLACES = (ROOT / "tests", ROOT / "src" / "flowpilot_core" / "testing" / "contracts")
_ROW = re.compile(r"(?<![A-Za-z0-9])([FA]\d\d|P\d\d?)(?![0-9])", re.IGNORECASE)
_RANGE = re.compile(r"(?<![A-Za-z0-9])([FA])(\d\d) to (?:\1)?(\d\d)(?![0-9])")
_TEST = re.compile(r"\[([\w.]+)\]\(\.\./\.\./([^)]+)\)")

_ROWS = tomllib.loads((Path(__file__).parent / "rows.toml").read_text())
DEMANDED: tuple[str, ...] = tuple(_ROWS["demanded"])
MEANING: dict[str, tuple[str, str]] = {
    row: (done, holds) for part in ("faults", "inputs", "attacks") for row, (done, holds) in _ROWS[part].items()
}


def reliability() -> str:
    """Each row with the tests that name it."""
    found = tests_by_row()
    return page(
        "Reliability: each fault, and the test that stages it",
        "A committed handoff is durable, and is heard of at least once or visibly not; one that was rolled back is never heard of. Only the"
        " claim is exactly once. Faults are what goes wrong by itself; what somebody does on purpose is in [the threat"
        " model](threat-model.md). Each row is staged by the tests that name it; those of parts not built yet are left out.",
        staged("F", found),
        "## Faults with small inputs",
        "What one value of an unusual kind once broke, here or in other products. Each row stands for all of its kind.",
        staged("P", found),
    )


def still_true(known: str, now: str) -> bool:
    """Whether each test that a page names for a row is there and names that row, and all else in it is said `now` too."""
    found = tests_by_row()
    told = {line.split(" | ")[0].removeprefix("| "): _TEST.findall(line) for line in known.splitlines()}
    holds = all((path, name) in found.get(row, []) for row, tests in told.items() for name, path in tests)
    return bool(known) and holds and _without_tests(known) <= _without_tests(now)


def _without_tests(text: str) -> set[str]:
    return set(_TEST.sub("", text).replace("<br>", "").splitlines())


def tests_by_row() -> dict[str, list[tuple[str, str]]]:
    """For each row, the files (from the project's root) and names of its tests."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for place in PLACES:
        for path in sorted(place.rglob("*.py")):
            for name, rows in _named(ast.parse(path.read_text())):
                for row in sorted(rows & MEANING.keys()):
                    found[row].append((path.relative_to(ROOT).as_posix(), name))
    return found


def _named(tree: ast.Module) -> Iterator[tuple[str, set[str]]]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            tests = [test for test in node.body if _is_test(test)]
            if tests and (rows := _rows(ast.get_docstring(node) or "")):
                yield node.name, rows
            for test in tests:
                yield from _of_test(test, f"{node.name}.")
        elif _is_test(node):
            yield from _of_test(node, "")


def _is_test(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")


def _of_test(node: ast.stmt, prefix: str) -> Iterator[tuple[str, set[str]]]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        parameters = [one.value for decorator in node.decorator_list for one in ast.walk(decorator) if isinstance(one, ast.Constant)]
        words = [node.name.replace("_", " "), ast.get_docstring(node) or "", *(str(value) for value in parameters)]
        yield prefix + node.name, _rows("\n".join(words))


def _rows(text: str) -> set[str]:
    rows = {row.upper() for row in _ROW.findall(text)}
    for letter, first, last in _RANGE.findall(text):
        rows |= {f"{letter}{number:02}" for number in range(int(first), int(last) + 1)}
    return rows


def staged(letter: str, found: dict[str, list[tuple[str, str]]]) -> str:
    """The rows of a letter, each with its tests."""
    rows = []
    for row, (done, holds) in MEANING.items():
        if row.startswith(letter) and (found.get(row) or row in DEMANDED):
            tests = "<br>".join(f"[{name}](../../{path})" for path, name in found.get(row, []))
            rows.append([row, done, holds, tests])
    return table(["row", "what is done", "what must hold", "tests"], rows)
