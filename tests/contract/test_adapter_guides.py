"""The Python of every guide runs as it stands there, block by block, with no more than the extra that the guide names."""

import json
import os
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import packages_distributions, requires
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from standardwebhooks import Webhook

from flowpilot_adapters.memory import MemoryStore
from flowpilot_adapters.system import SystemClock, new_id
from flowpilot_core.testing.builders import a_staff
from tests.contract.test_guides import ROOT, run, typed

RUN_HERE = {"howto/write-an-adapter.md", "howto/write-a-psa-adapter.md", "howto/webhooks.md"}
RUN_WITH_NOTHING_BUT_THE_CORE = {"howto/embed.md"}
"""By `test_docs.py`, on the wheel."""

ONLY = """
import sys

class Only:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {others!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}: the extra does not bring it", name=name)

sys.meta_path.insert(0, Only())
"""

STAND_INS = {
    "my_adapters/__init__.py": "",
    "my_adapters/riak.py": """
from flowpilot_adapters.memory import MemoryStore
from flowpilot_adapters.system import SystemClock, new_id


class RiakStore(MemoryStore):
    def __init__(self, url):
        super().__init__(clock=SystemClock(), new_token=new_id)
""",
    "my_adapters/chat.py": """
from flowpilot_adapters.memory import MemoryNotifier
from flowpilot_core.ports.notifications import NotSent


class ChatServer:
    def __init__(self):
        self.notifier = MemoryNotifier()
        self.url = "https://chat.example"
        SERVERS[self.url] = self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        del SERVERS[self.url]

    @property
    def accepted(self):
        return self.notifier.messages

    def refuse(self, to, *, permanent):
        self.notifier.script(to, NotSent("nobody here", permanent=permanent))


SERVERS = {}


class ChatNotifier:
    def __init__(self, url):
        self.send = SERVERS[url].notifier.send
""",
}
"""What is only named in the guide, in the shortest way that is true."""


def brought_by(extra: str) -> set[str]:
    """The distributions that `flowpilot[extra]` installs."""
    found: set[str] = set()
    ahead = [("flowpilot", extra)]
    while ahead:
        name, asked = ahead.pop()
        for line in requires(name) or ():
            wanted = Requirement(line)
            if wanted.marker is None or wanted.marker.evaluate({"extra": asked}):
                if wanted.name not in found:
                    ahead += [(wanted.name, also) for also in ("", *wanted.extras)]
                found.add(wanted.name)
    return {_normal(name) for name in found} | {"flowpilot"}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def ran(folder: Path, *names: str) -> str:
    """What pytest says to these files, where nothing but the extra `testing` is installed."""
    known = brought_by("testing")
    others = {module for module, owners in packages_distributions().items() if not known & {_normal(owner) for owner in owners}}
    (folder / "only.py").write_text(ONLY.format(others=others))
    plugins = [part for name in ("only", "anyio", "flowpilot_core.testing.plugin") for part in ("-p", name)]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugins, "--import-mode=prepend", *names]
    return run(command, cwd=folder, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", PYTHONPATH=os.fspath(folder))


def written(folder: Path, page: str, *names: str) -> None:
    """The page's blocks, in their order, as files of these names; no block is left out."""
    for name, block in zip(names, typed(page, "python"), strict=True):
        (folder / name).write_text(block)


def test_a_fourth_vendor_is_one_file_and_keeps_the_contract(tmp_path: Path) -> None:
    written(tmp_path, "howto/write-a-psa-adapter.md", "lanedesk.py", "test_lanedesk.py")

    told = ran(tmp_path, "test_lanedesk.py")

    assert " passed" in told
    assert "failed" not in told


FILES = "test_riak.py", "metering.py", "test_metering.py", "two_areas.py", "test_chat.py", "test_faults.py", "test_walks.py"


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("test_")])
def test_the_guide_for_adapters_runs(tmp_path: Path, name: str) -> None:
    (tmp_path / "my_adapters").mkdir()
    for path, code in STAND_INS.items():
        (tmp_path / path).write_text(code)
    written(tmp_path, "howto/write-an-adapter.md", *FILES)
    walks = tmp_path / "test_walks.py"
    walks.write_text(walks.read_text().replace("max_examples=50", "max_examples=3"))

    told = ran(tmp_path, name)

    assert " passed" in told
    assert "failed" not in told


@pytest.mark.anyio
async def test_the_use_cases_of_two_areas_are_put_together_as_the_guide_says() -> None:
    store = MemoryStore(clock=SystemClock(), new_token=new_id)
    staff = await a_staff().kept(store.begin)
    block = typed("howto/write-an-adapter.md", "python")[FILES.index("two_areas.py")]
    names: dict[str, Any] = {}

    exec(block, names)
    started = await names["sessions_of"](store.begin, store.view, SystemClock(), new_id).start(staff.anna, title="VPN down", problem="x")

    assert "VPN down" == started.session.title


def test_a_webhook_is_checked_as_the_guide_says() -> None:
    secret = "whsec_" + "c2VjcmV0" * 4
    body = json.dumps({"type": "handoff.escalated", "data": {"link": "https://flowpilot.example/handoffs/1"}})
    rung: list[str] = []
    ring: Callable[[str], None] = rung.append
    (block,) = typed("howto/webhooks.md", "python")

    exec(block, {"secret": secret, "request_body": body, "request_headers": signed(secret, body), "ring": ring})

    assert ["https://flowpilot.example/handoffs/1"] == rung


def signed(secret: str, body: str) -> dict[str, str]:
    now = datetime.now(UTC)
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", now, body),
    }


def test_no_page_has_python_that_nobody_runs() -> None:
    """Pages that are drawn from the code show signatures; decisions are left as they were made."""
    docs = ROOT / "docs"
    pages = [*ROOT.glob("*.md"), *(page for page in docs.rglob("*.md") if not {"reference", "adr"} & set(page.relative_to(docs).parts))]

    assert RUN_HERE | RUN_WITH_NOTHING_BUT_THE_CORE == {
        page.relative_to(docs).as_posix() for page in pages if "\n```python" in page.read_text()
    }
