"""The page on writing a PSA adapter is an adapter: a fourth vendor is one file, and the contract suite holds it."""

import sys
from pathlib import Path

from tests.contract.test_guides import run, typed

PAGE = "howto/write-a-psa-adapter.md"


def test_a_fourth_vendor_is_one_file_and_keeps_the_contract(tmp_path: Path) -> None:
    adapter, suite = typed(PAGE, "python")
    (tmp_path / "lanedesk.py").write_text(adapter)
    (tmp_path / "test_lanedesk.py").write_text(suite)

    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "flowpilot_core.testing.plugin"]
    told = run([*pytest, "--import-mode=prepend", "test_lanedesk.py"], cwd=tmp_path)

    assert " passed" in told
    assert "failed" not in told
