"""What all tests share."""

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio, on one event loop for the whole run, so that fixtures may outlive a test."""
    return "asyncio"
