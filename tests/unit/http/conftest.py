"""A world for each test."""

import pytest

from tests.support.http import World, a_world


@pytest.fixture
async def world(anyio_backend: str) -> World:
    return await a_world()
