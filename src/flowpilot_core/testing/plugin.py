"""The pytest plugin behind the contract suites: load it with `-p flowpilot_core.testing.plugin`.

A test of a contract that needs more than every adapter can give says so with `@pytest.mark.requires("…")`; it runs where
the class that took the suite names that word in its `capabilities`, and is skipped elsewhere.
"""

from collections.abc import Collection

import pytest

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
