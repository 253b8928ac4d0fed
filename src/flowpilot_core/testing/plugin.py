"""The pytest plugin behind the contract suites: load it with `-p flowpilot_core.testing.plugin`.

A test of a contract that needs more than every adapter can give says so with `@pytest.mark.requires("…")`; it runs where
the class that took the suite names that word in its `capabilities`, and is skipped elsewhere.

A test of a contract that waits for longer than the `time_limit` of its class fails, as does a fixture that is made for it alone.
"""

from collections.abc import Collection, Generator
from typing import Any

import pytest

from .time_limit import limited

pytest.register_assert_rewrite("flowpilot_core.testing.contracts")


def pytest_configure(config: pytest.Config) -> None:
    """Make the `requires` marker known."""
    config.addinivalue_line("markers", "requires(capability): runs only where the class under test has this capability")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test that requires a capability which its class does not declare."""
    suite = getattr(item, "cls", None)
    capabilities: Collection[str] = getattr(suite, "capabilities", frozenset())
    for mark in item.iter_markers("requires"):
        (capability,) = mark.args
        if capability not in capabilities:
            pytest.skip(f"{getattr(suite, '__name__', item.name)} lacks {capability!r}")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Fail a test that hangs."""
    test = pyfuncitem.obj
    if seconds := _time_limit(pyfuncitem):
        pyfuncitem.obj = limited(test, seconds=seconds, what=pyfuncitem.name)
    try:
        return (yield)
    finally:
        pyfuncitem.obj = test


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> Generator[None, object, object]:
    """Fail the set-up of a test that hangs."""
    make = fixturedef.func
    if seconds := _time_limit(request.node):
        fixturedef.func = limited(make, seconds=seconds, what=f"{fixturedef.argname}, set up for {request.node.name},")  # type: ignore[misc]
    try:
        return (yield)
    finally:
        fixturedef.func = make  # type: ignore[misc]


def _time_limit(node: pytest.Item | pytest.Collector) -> float | None:
    return getattr(getattr(node, "cls", None), "time_limit", None)
