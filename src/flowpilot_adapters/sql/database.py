"""The storage as a whole, as whoever puts the program together sees it."""

from datetime import timedelta

import psycopg

from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.ports.kernel import Once

from . import migrations
from .access.view import SqlAccessView
from .assistant.view import SqlAssistantView
from .errors import translated
from .handoffs.view import SqlHandoffView
from .insights.view import SqlInsightsView
from .kernel.view import SqlKernelView
from .knowledge.view import SqlKnowledgeView
from .notifications.view import SqlNotificationView
from .pool import Pool
from .psa.view import SqlPsaView
from .replay.view import SqlReplayView
from .sessions.view import SqlSessionView
from .statement import Statement
from .unit_of_work import Beginning

REVISION = Statement("revision", "SELECT version_num FROM flowpilot.alembic_version")


class SqlView(
    SqlInsightsView,
    SqlReplayView,
    SqlKnowledgeView,
    SqlPsaView,
    SqlNotificationView,
    SqlAssistantView,
    SqlHandoffView,
    SqlSessionView,
    SqlAccessView,
    SqlKernelView,
):
    """What there is to see in one account, each call in one round trip that can change nothing."""


class Database:
    """A migrated PostgreSQL database, over connections of the application's role. Pass `begin` and `view` on: they are the ports."""

    def __init__(self, url: str, *, pool_size: int = 8, patience: timedelta = timedelta(seconds=5)) -> None:
        """`patience` bounds the wait for a connection."""
        self._pool = Pool(url, size=pool_size, timeout=patience / timedelta(seconds=1))

    def begin(self, account_id: AccountId, once: Once | None = None) -> Beginning:
        """As `BeginWork` says."""
        return Beginning(self._pool, account_id, once)

    def view(self, account_id: AccountId) -> SqlView:
        """As `ViewOf` says."""
        return SqlView(self._pool, account_id)

    async def is_at_head(self) -> bool:
        """Whether its tables are those this program is written for. Raises `Unavailable`."""
        try:
            async with self._pool.connection() as connection:
                (found,) = await connection.round_trip([REVISION()])
        except psycopg.errors.UndefinedTable:
            return False
        except psycopg.Error as error:
            raise translated(error) from error
        return [(migrations.head(),)] == found.rows

    async def close(self) -> None:
        """Close its connections, once those that are lent have come back."""
        await self._pool.close()
