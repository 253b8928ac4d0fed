"""kill -9 of the server and of the relay at random moments: a few here; `make crash` does a hundred."""

import pytest

from tests.crash import crash
from tests.support.postgres import PostgresDatabase

pytestmark = pytest.mark.anyio


async def test_whoever_is_killed_whenever_all_that_was_answered_is_there_and_heard_of(own_database: PostgresDatabase) -> None:
    """F01, F03, F16."""
    verdict = await crash(own_database, 2, seed=20_261_126)

    assert () == verdict.wrong
    assert 2 == verdict.killed.total()
    assert verdict.mails >= 4 * verdict.escalations > 0
    assert verdict.calls >= verdict.escalations
