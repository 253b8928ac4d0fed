"""What is installed is what was built."""

import ast
import sys
from importlib.metadata import distribution, metadata, requires, version
from pathlib import Path

from packaging.requirements import Requirement

import flowpilot_core


def test_the_installed_version_is_the_one_the_core_names() -> None:
    assert flowpilot_core.__version__ == version("flowpilot")


def test_the_package_promises_python_3_11() -> None:
    assert ">=3.11" == metadata("flowpilot")["Requires-Python"]


def test_installing_the_package_alone_brings_attrs_and_cattrs_only() -> None:
    wanted = [Requirement(line) for line in requires("flowpilot") or ()]

    assert {"attrs", "cattrs"} == {requirement.name for requirement in wanted if requirement.marker is None}


def test_the_core_outside_its_testing_package_imports_attrs_and_cattrs_only() -> None:
    core = Path(flowpilot_core.__file__).parent
    imported: set[str] = set()
    for module in core.rglob("*.py"):
        if "testing" in module.relative_to(core).parts:
            continue
        for node in ast.walk(ast.parse(module.read_bytes())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                imported.add(node.module.partition(".")[0])

    assert imported - sys.stdlib_module_names <= {"attr", "attrs", "cattrs", "flowpilot_core"}


def test_htmx_is_the_wheels_own_and_comes_with_its_licence() -> None:
    found = {Path(str(file)).name: Path(str(file.locate())) for file in distribution("django-htmx").files or ()}
    ours = Path(flowpilot_core.__file__).parents[1] / "flowpilot_http" / "pages" / "static" / "htmx"

    assert found["htmx-4.min.js"].read_bytes() == (ours / "htmx.js").read_bytes()
    assert found["LICENSE"].read_bytes() == (ours / "LICENSE").read_bytes()
