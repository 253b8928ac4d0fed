"""The shipped contract suites, as somebody with an adapter of their own uses them: subclassed in a folder that is not ours."""

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

PREAMBLE = """
import asyncio
from collections import defaultdict
from contextlib import asynccontextmanager

import pytest
from attrs import evolve

from flowpilot_adapters.memory import MemoryNotifier, MemoryStore
from flowpilot_adapters.system import SystemClock, new_id
from flowpilot_core.testing.contracts import *


@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio"


@pytest.fixture
def store():
    return MemoryStore(clock=SystemClock(), new_token=new_id)


@pytest.fixture
def adapter(store):
    return Adapter(begin=store.begin, view=store.view, outbox=store.outbox)
"""

LEAKY_VIEW = """
@pytest.fixture
def adapter(store):
    return Adapter(begin=store.begin, view=lambda _: store.view(next(iter(store._accounts))), outbox=store.outbox)


class TestTheirs(TenancyContract):
    pass
"""

LEAKY_UNITS_OF_WORK = """
@pytest.fixture
def adapter(store):
    def begin(account_id, once=None):
        return store.begin(next(iter(store._accounts), account_id), once)

    return Adapter(begin=begin, view=store.view, outbox=store.outbox)


class TestTheirs(TenancyContract):
    pass
"""

FORGETFUL_NOTIFIER = """
class Forgetful(MemoryNotifier):
    async def send(self, message):
        pass


class TestTheirs(NotifierContract):
    @pytest.fixture
    def notifier(self):
        return Forgetful()

    @pytest.fixture
    def postbox(self, notifier):
        notifier.accepted = notifier.messages
        return notifier
"""

PLUGINS = ("anyio", "flowpilot_core.testing.plugin", "no:cacheprovider")

NOTIFIER = FORGETFUL_NOTIFIER.replace("return Forgetful()", "return MemoryNotifier()")

LOCKING = """
@pytest.fixture
def adapter(store):
    locks = defaultdict(lambda: asyncio.Semaphore(TIMES))

    @asynccontextmanager
    async def begin(account_id, once=None):
        await locks[account_id].acquire()
        async with store.begin(account_id, once) as work:
            yield work

    return Adapter(begin=begin, view=store.view, outbox=store.outbox)


class TestTheirs(SignInCodesContract):
    time_limit = 0.01
"""


def said(folder: Path, suite: str) -> str:
    """What pytest said when it ran this on its own."""
    (folder / "test_theirs.py").write_text(PREAMBLE + suite)
    ran = subprocess.run(
        # Nobody else's plugins, and a line for each failure: both would take longer than the tests.
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "--tb=line",
            "-p",
            "anyio",
            "-p",
            "flowpilot_core.testing.plugin",
            "-p",
            "no:cacheprovider",
            ".",
        ],
        cwd=folder,
        env={**os.environ, "PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return ran.stdout + ran.stderr


def outcomes(folder: Path, suite: str) -> Counter[str]:
    """How many tests passed, failed, broke in their set-up (`errors`) or were skipped."""
    told = said(folder, suite)
    summary = told.strip().splitlines()[-1]
    found = Counter({word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|errors?|skipped)", summary)})
    assert found or "no tests ran" in summary, told
    return found


def test_suites_run_only_where_they_are_subclassed(tmp_path: Path) -> None:
    assert Counter() == outcomes(tmp_path, "")


def test_an_adapter_that_keeps_its_word_passes(tmp_path: Path) -> None:
    assert {"passed"} == set(outcomes(tmp_path, "class TestTheirs(PeopleContract):\n    pass\n"))


@pytest.mark.parametrize("leaky", [LEAKY_VIEW, LEAKY_UNITS_OF_WORK], ids=["a view", "units of work"])
def test_an_adapter_that_shows_one_account_to_another_fails(tmp_path: Path, leaky: str) -> None:
    found = outcomes(tmp_path, leaky)

    assert 5 < found["failed"] + found["errors"]


def test_what_an_adapter_can_not_do_is_skipped_and_the_rest_is_not(tmp_path: Path) -> None:
    found = outcomes(tmp_path, NOTIFIER)

    assert {"passed", "skipped"} == set(found)


def test_what_every_notifier_must_do_is_never_skipped(tmp_path: Path) -> None:
    assert 0 < outcomes(tmp_path, FORGETFUL_NOTIFIER)["failed"]


@pytest.mark.parametrize(("times", "hung"), [(0, "acme, set up for test_[a-z_]+,"), (1, "test_[a-z_]+")], ids=["at first", "in the test"])
def test_a_store_that_locks_for_ever_fails_within_the_suites_limit(tmp_path: Path, times: int, hung: str) -> None:
    told = said(tmp_path, LOCKING.replace("TIMES", str(times)))

    assert re.search(rf"Failed: {hung} hung: after 0.01 s it was still waiting in begin \(.*test_theirs\.py:\d+\)", told), told
