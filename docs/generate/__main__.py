"""Writes the pages, or checks them."""

import sys
from collections.abc import Callable
from pathlib import Path

from . import architecture, errors, http, library, program, python_api, reliability, replay, rules, threats

DOCS = Path(__file__).parents[1]

PAGES: dict[str, Callable[[], str]] = {
    "reference/command-line.md": program.command_line,
    "reference/configuration.md": program.configuration,
    "reference/errors.md": errors.errors,
    "reference/events.md": rules.events,
    "reference/http.md": http.http,
    "reference/library.md": library.library,
    **python_api.pages(),
    "reference/permissions.md": rules.permissions,
    "reference/replay.md": replay.replay,
    "reference/state-machines.md": rules.state_machines,
    "explanation/architecture.md": architecture.architecture,
    "explanation/reliability.md": reliability.reliability,
    "explanation/threat-model.md": threats.threat_model,
}

GROWING = frozenset({"explanation/reliability.md", "explanation/threat-model.md"})
"""Pages that a new test makes longer, and not wrong: whether what is written in them holds is all that is checked."""


def main(check: bool) -> int:
    """The exit status."""
    stale = 0
    for name, make in PAGES.items():
        path, text = DOCS / name, make()
        known = path.read_text() if path.exists() else ""
        if known == text:
            continue
        if check:
            if name in GROWING and reliability.still_true(known, text):
                continue
            stale += 1
            print(f"docs/{name} is not what the code says: run `make docs`")
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
            print(f"wrote docs/{name}")
    return 1 if stale else 0


sys.exit(main(check="--check" in sys.argv[1:]))
