"""The documentation says what the code does, and leads nowhere that is not there."""

import ast
import json
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from docs.generate import areas, reliability, source

from flowpilot_core.testing import contracts

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=300, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


def anchors(page: Path) -> set[str]:
    headings = HEADING.findall(CODE.sub("", page.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_generated_pages_are_what_the_code_says() -> None:
    assert "" == run(sys.executable, "-m", "docs.generate", "--check")


def test_every_fault_and_attack_that_is_demanded_is_staged_by_a_test() -> None:
    found = reliability.tests_by_row()

    assert [] == [row for row in reliability.DEMANDED if not found.get(row)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_inside_the_project_leads_somewhere(page: Path) -> None:
    targets = [target for target in LINK.findall(CODE.sub("", page.read_text())) if "://" not in target]
    lost = []
    for target in targets:
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.is_relative_to(ROOT) or not there.exists() or (anchor and anchor not in anchors(there)):
            lost.append(target)

    assert [] == lost


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_name_that_leads_to_a_file_of_the_code_is_defined_there(page: Path) -> None:
    named = re.findall(r"\[`([\w.]+)`\]\(([^)#\s]+\.py)\)", CODE.sub("", page.read_text()))
    by_path = {module.path: module for module in source.modules().values()}
    gone = []
    for name, target in named:
        module = by_path[(page.parent / target).resolve()]
        first, _, rest = name.partition(".")
        if first not in module.defines or (rest and rest not in source.members(module.defines[first])):
            gone.append(f"{name} in {target}")

    assert [] == gone


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_module_that_a_page_names_is_there(page: Path) -> None:
    """Decisions are left as they were made, and name what was there then."""
    if page.parent.name == "adr":
        return
    known = source.modules()
    named = set(re.findall(r"\bflowpilot_(?:core|adapters|http)(?:\.\w+)+", page.read_text()))

    assert [] == sorted(name for name in named if name not in known and not _is_defined(*name.rpartition(".")[::2]))


def _is_defined(module: str, name: str) -> bool:
    known = source.modules().get(module)
    return known is not None and source.thing(known, name) is not None


def test_a_walk_that_names_what_is_gone_is_refused() -> None:
    with pytest.raises(source.NotDefined):
        source.defined("flowpilot_core.domain.handoffs", "Handoff.forgotten")


def test_an_arrow_that_a_longer_way_makes_plain_is_not_drawn() -> None:
    arrows = frozenset({("psa", "handoffs"), ("handoffs", "kernel"), ("psa", "kernel"), ("access", "kernel")})

    assert {("psa", "handoffs"), ("handoffs", "kernel"), ("access", "kernel")} == areas.reduced(arrows)


def test_every_page_is_reachable_from_the_readme() -> None:
    seen: set[Path] = set()
    ahead = [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        links = (target.partition("#")[0] for target in LINK.findall(CODE.sub("", page.read_text())) if "://" not in target)
        ahead += [(page.parent / link).resolve() for link in links if link]

    assert [] == sorted(page.relative_to(ROOT).as_posix() for page in set((ROOT / "docs").rglob("*.md")) - seen)


OF_NO_STORE = {
    "EventStreamContract",
    "AssistantContract",
    "ComputeContract",
    "PictureReaderContract",
    "NotifierContract",
    "PsaContract",
    "RedactorContract",
    "ScriptsContract",
    "PlacesContract",
    "SecretsContract",
    "TalliesContract",
    "VaultContract",
}
"""Suites that want more, or less, than the ports of one store."""


def test_the_guide_for_adapters_names_every_suite() -> None:
    guide = (ROOT / "docs" / "howto" / "write-an-adapter.md").read_text()
    suites = {name for name in contracts.__all__ if name.endswith("Contract") and name != "Contract"}

    assert suites == set(re.findall(r"`(\w+Contract)`", guide))
    assert suites - OF_NO_STORE == set(re.findall(r"^    (\w+Contract),$", guide, re.MULTILINE))


@pytest.mark.parametrize("guide", ["embed", "write-an-adapter", "write-a-psa-adapter"])
def test_a_guide_imports_nothing_that_the_python_api_does_not_name(guide: str) -> None:
    reference = ROOT / "docs" / "reference"
    listed = "".join(
        page.read_text() for page in [reference / "python-api.md", reference / "errors.md", *reference.glob("python-api/*.md")]
    )
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / f"docs/howto/{guide}.md").read_text(), re.MULTILINE | re.DOTALL)
    imports = [node for block in blocks for node in ast.walk(ast.parse(block)) if isinstance(node, ast.ImportFrom)]
    ours = [(node.module or "", alias.name) for node in imports for alias in node.names if (node.module or "").startswith("flowpilot_")]

    assert ours
    assert [] == [
        (module, name)
        for module, name in ours
        if f"`{module}`" not in listed
        or not (f"`{name}`" in listed or f"### {name}\n" in listed or module.startswith("flowpilot_core.testing."))
    ]


def test_every_dependency_has_its_reason() -> None:
    declared = set(re.findall(r'^  "([a-z0-9-]+)[\[>]', (ROOT / "pyproject.toml").read_text(), re.MULTILINE))
    declared |= json.loads((ROOT / "requirements" / "package.json").read_text())["devDependencies"].keys()
    cells = re.findall(r"^\| ([a-z].+?)(?: \(.+?\))? \| .*\w.* \|$", (ROOT / "docs" / "dependencies.md").read_text(), re.MULTILINE)

    assert declared | {"package"} == {name for cell in cells for name in cell.split(", ")}


def test_the_embedding_examples_run_on_the_wheel_with_nothing_but_attrs_and_cattrs(tmp_path: Path) -> None:
    """The packages come at their locked versions from the index that pip is set to; `typing-extensions` is what cattrs itself needs."""
    python = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    venv.create(tmp_path / "venv")
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps")
    locked = re.findall(
        r"^(?:attrs|cattrs|typing-extensions)==.+?(?:\\\n.+?)*$", (ROOT / "requirements" / "dev.txt").read_text(), re.MULTILINE
    )
    (tmp_path / "locked.txt").write_text("\n".join(locked))
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "dist")
    run(*pip, "--require-hashes", "--requirement", tmp_path / "locked.txt")
    run(*pip, "--no-index", *(tmp_path / "dist").glob("*.whl"))
    page = (ROOT / "docs/howto/embed.md").read_text()
    blocks = re.findall(r"^```(?:python|text)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    named = ("embed.py", "service.py")

    there = run(
        python, "-c", "from importlib.metadata import distributions as all; print(*sorted({one.name for one in all()}))", cwd=tmp_path
    )
    assert "attrs cattrs flowpilot typing_extensions" == there.strip()
    assert 2 * len(named) == len(blocks)
    for name, example, printed in zip(named, blocks[::2], blocks[1::2], strict=True):
        (tmp_path / name).write_text(example)
        assert printed == run(python, "-E", "-s", tmp_path / name, cwd=tmp_path)
