"""How a view reads: each call in one round trip that can change nothing."""

from typing import Final

import psycopg

from flowpilot_core.domain.kernel.identifiers import AccountId

from .connection import Result
from .errors import translated
from .pool import Pool
from .statement import UUID, Call, Statement

BEGIN: Final = Statement("begin reading", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

COMMIT: Final = Statement("commit", "COMMIT")

ENTER: Final = Statement("enter account", "SELECT set_config('flowpilot.account_id', $1::text, true)", account_id=UUID)

ENTER_READING: Final = Statement(
    "enter account, reading",
    "SELECT set_config('flowpilot.account_id', $1::text, true), set_config('transaction_read_only', 'on', true)",
    account_id=UUID,
)
"""For a trip that is its own transaction, and whose one query sees one state by itself."""

ENTER_PLANNED: Final = Statement(
    "enter account, reading as planned",
    "SELECT set_config('flowpilot.account_id', $1::text, true), set_config('transaction_read_only', 'on', true),"
    " set_config('plan_cache_mode', 'force_generic_plan', true)",
    account_id=UUID,
)
"""As `ENTER_READING`, and the query is not planned anew each time: for one whose best plan is the same whatever is asked."""


ENTER_COUNTING: Final = Statement(
    "enter account, counting",
    "SELECT set_config('flowpilot.account_id', $1::text, true), set_config('statement_timeout', '60s', true),"
    " set_config('max_parallel_workers_per_gather', '2', true)",
    account_id=UUID,
)
"""For figures of years, which may take longer than what people wait for all day, and more than one processor; they end all the same."""


class SqlReading:
    """Reads what is committed in one account."""

    def __init__(self, pool: Pool, account_id: AccountId) -> None:
        self._pool = pool
        self._account_id = account_id

    async def _read_one(self, call: Call) -> Result:
        return (await self._trip([ENTER_READING(account_id=self._account_id), call]))[-1]

    async def _read_planned(self, call: Call) -> Result:
        return (await self._trip([ENTER_PLANNED(account_id=self._account_id), call]))[-1]

    async def _read(self, *calls: Call, enter: Statement = ENTER) -> list[Result]:
        """The results of `calls`, which all see the same state."""
        return (await self._trip([BEGIN(), enter(account_id=self._account_id), *calls, COMMIT()]))[2:-1]

    async def _count(self, *calls: Call) -> list[Result]:
        """As `_read`, with more time for each."""
        return await self._read(*calls, enter=ENTER_COUNTING)

    async def _trip(self, calls: list[Call]) -> list[Result]:
        try:
            # By its number, which the pool finds again sooner than an id.
            async with self._pool.connection(self._account_id.int) as connection:
                return await connection.round_trip(calls)
        except psycopg.Error as error:
            raise translated(error) from error
