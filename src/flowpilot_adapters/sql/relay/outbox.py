"""The due work of all accounts, as the relay's role sees it: ids, times and leases, never content."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Final

import psycopg

from flowpilot_adapters.sql.connection import Result
from flowpilot_adapters.sql.errors import translated
from flowpilot_adapters.sql.pool import Pool
from flowpilot_adapters.sql.statement import FLOAT8, INT4, TEXT, UUID, Call, Statement, array_of
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.ports.relay import Lease

from .due_work import NOWHERE

OTHERS: Final = ""
"""The lane of all kinds that have none of their own."""

# Of each kind what is due is read oldest first, and work that is not due yet costs nothing. Only where more of a kind is due than there is
# room for, it is found line by line, by hopping over the index from one to the next, so that a flood in one hides no other: a line is what
# one account has for one target with one rank. There are more candidates than are taken, since some may be in the hands of another relay;
# only what is taken is locked.
# The index by time is of kinds below '~' alone: what does not ask for that cannot be looked up in it, so that an account's work is never
# looked for among that of all others, whatever the planner believes.
TAKE: Final = Statement(
    "take work",
    """
    WITH RECURSIVE room AS MATERIALIZED (
      SELECT kind, most FROM unnest($1, $2) AS room (kind, most) WHERE most > 0
    ),
    held AS MATERIALIZED (
      SELECT CASE WHEN kind = ANY ($1) THEN kind ELSE '' END AS lane, account_id, target
      FROM unnest($3, $4, $5) AS held (kind, account_id, target)
    ),
    kinds AS (
      (SELECT kind FROM flowpilot.due_work WHERE kind < '~' ORDER BY kind LIMIT 1)
      UNION ALL
      SELECT next.kind
      FROM kinds CROSS JOIN LATERAL (
        SELECT kind FROM flowpilot.due_work WHERE kind > kinds.kind AND kind < '~' ORDER BY kind LIMIT 1
      ) AS next
    ),
    oldest AS MATERIALIZED (
      SELECT kinds.kind, room.kind AS lane, room.most, work.account_id, work.id, work.target, work.queue_rank, work.due_at,
        count(*) OVER (PARTITION BY kinds.kind) = 8 * room.most AS flooded
      FROM kinds JOIN room ON room.kind = CASE WHEN kinds.kind = ANY ($1) THEN kinds.kind ELSE '' END
      CROSS JOIN LATERAL (
        SELECT account_id, id, target, queue_rank, due_at
        FROM flowpilot.due_work
        WHERE kind = kinds.kind AND kind < '~' AND due_at <= now() AND (lease_until IS NULL OR lease_until <= now())
        ORDER BY due_at
        LIMIT 8 * room.most
      ) AS work
    ),
    line AS (
      SELECT flood.kind, flood.lane, flood.most, first.account_id, first.target, first.queue_rank
      FROM (SELECT DISTINCT kind, lane, most FROM oldest WHERE flooded) AS flood
      CROSS JOIN LATERAL (
        SELECT account_id, target, queue_rank
        FROM flowpilot.due_work
        WHERE kind = flood.kind
        ORDER BY account_id, target, queue_rank
        LIMIT 1
      ) AS first
      UNION ALL
      SELECT line.kind, line.lane, line.most, next.account_id, next.target, next.queue_rank
      FROM line CROSS JOIN LATERAL (
        SELECT account_id, target, queue_rank
        FROM flowpilot.due_work
        WHERE kind = line.kind AND (account_id, target, queue_rank) > (line.account_id, line.target, line.queue_rank)
        ORDER BY account_id, target, queue_rank
        LIMIT 1
      ) AS next
    ),
    due AS MATERIALIZED (
      SELECT line.kind, line.account_id, line.target, line.queue_rank, line.lane, line.most, count(*) OVER (PARTITION BY line.lane) AS lines
      FROM line
      CROSS JOIN LATERAL (
        SELECT due_at
        FROM flowpilot.due_work
        WHERE kind = line.kind AND account_id = line.account_id AND target = line.target AND queue_rank = line.queue_rank
          AND due_at <= now() AND (lease_until IS NULL OR lease_until <= now())
        ORDER BY due_at
        LIMIT 1
      ) AS first
    ),
    found AS (
      SELECT lane, account_id, id, target, queue_rank, due_at FROM oldest WHERE NOT flooded
      UNION ALL
      SELECT due.lane, due.account_id, work.id, due.target, due.queue_rank, work.due_at
      FROM due CROSS JOIN LATERAL (
        SELECT id, due_at
        FROM flowpilot.due_work
        WHERE kind = due.kind AND account_id = due.account_id AND target = due.target AND queue_rank = due.queue_rank
          AND due_at <= now() AND (lease_until IS NULL OR lease_until <= now())
        ORDER BY due_at
        LIMIT ceil(8.0 * due.most / due.lines)::int8
      ) AS work
    ),
    free AS (
      SELECT *
      FROM (
        SELECT *, row_number() OVER (PARTITION BY lane, account_id, target ORDER BY queue_rank, due_at, id) AS of_target FROM found
      ) AS found
      WHERE target = $6 OR of_target = 1 AND (lane, account_id, target) NOT IN (SELECT lane, account_id, target FROM held)
    ),
    candidate AS MATERIALIZED (
      SELECT *, row_number() OVER (PARTITION BY lane ORDER BY holds, due_at, id) AS place
      FROM (
        SELECT free.*,
          coalesce(mine.pieces, 0) - 1 + row_number() OVER (PARTITION BY lane, account_id ORDER BY queue_rank, due_at, id) AS holds
        FROM free LEFT JOIN (SELECT lane, account_id, count(*) AS pieces FROM held GROUP BY lane, account_id) AS mine
          USING (lane, account_id)
      ) AS in_turn
    ),
    taken AS MATERIALIZED (
      SELECT held.account_id, held.id
      FROM room CROSS JOIN LATERAL (
        SELECT held.account_id, held.id
        FROM (SELECT account_id, id FROM candidate WHERE lane = room.kind ORDER BY place) AS next
        CROSS JOIN LATERAL (
          SELECT account_id, id
          FROM flowpilot.due_work
          WHERE account_id = next.account_id AND id = next.id AND due_at <= now() AND (lease_until IS NULL OR lease_until <= now())
          FOR UPDATE SKIP LOCKED
        ) AS held
        LIMIT (SELECT count(*) FROM candidate WHERE lane = room.kind AND holds <= room.most - place)
      ) AS held
    )
    UPDATE flowpilot.due_work AS work
    SET lease_token = gen_random_uuid(), lease_until = now() + $7 * interval '1 second', takes = work.takes + 1
    FROM taken
    WHERE work.account_id = taken.account_id AND work.id = taken.id
    RETURNING work.account_id, work.id, work.kind, work.lease_token, work.takes, work.target
    """,
    kinds=array_of(TEXT),
    most=array_of(INT4),
    held_kinds=array_of(TEXT),
    held_accounts=array_of(UUID),
    held_targets=array_of(UUID),
    nowhere=UUID,
    seconds=FLOAT8,
)
LAG: Final = Statement(
    "lag of work",
    """
    WITH RECURSIVE kinds AS (
      (SELECT kind FROM flowpilot.due_work WHERE kind < '~' ORDER BY kind LIMIT 1)
      UNION ALL
      SELECT next.kind
      FROM kinds CROSS JOIN LATERAL (
        SELECT kind FROM flowpilot.due_work WHERE kind > kinds.kind AND kind < '~' ORDER BY kind LIMIT 1
      ) AS next
    )
    SELECT kinds.kind, greatest(extract(epoch FROM clock_timestamp() - oldest.due_at), 0)::float8 AS seconds
    FROM kinds CROSS JOIN LATERAL (
      SELECT due_at
      FROM flowpilot.due_work
      WHERE kind = kinds.kind AND kind < '~' AND due_at <= now() AND (lease_until IS NULL OR lease_until <= now())
      ORDER BY due_at
      LIMIT 1
    ) AS oldest
    """,
)

HOLDERS: Final = Statement(
    "accounts with secrets",
    """
    SELECT account_id
    FROM flowpilot.due_work
    WHERE kind = '~secrets' AND account_id > coalesce($1, '00000000-0000-0000-0000-000000000000')
    ORDER BY account_id
    LIMIT $2
    """,
    after=UUID,
    most=INT4,
)


class SqlOutbox:
    """The outbox over connections of the relay's role, which may see this one table and nothing else."""

    def __init__(self, url: str, *, pool_size: int = 2) -> None:
        self._pool = Pool(url, size=pool_size)

    async def take(
        self, room: Mapping[str, int], *, others: int = 0, holding: Collection[Lease] = (), lease_for: timedelta
    ) -> Sequence[Lease]:
        """As `Outbox.take` says."""
        lanes = {**room, OTHERS: others}
        taken = await self._trip(
            TAKE(
                kinds=list(lanes),
                most=list(lanes.values()),
                held_kinds=[lease.kind for lease in holding],
                held_accounts=[lease.account_id for lease in holding],
                held_targets=[lease.target or NOWHERE for lease in holding],
                nowhere=NOWHERE,
                seconds=lease_for / timedelta(seconds=1),
            )
        )
        return [
            Lease(
                account_id=AccountId(row.account_id),
                work_id=row.id,
                kind=row.kind,
                token=row.lease_token,
                takes=row.takes,
                target=None if row.target == NOWHERE else row.target,
            )
            for row in taken.rows
        ]

    async def holders(self, *, after: AccountId | None, limit: int) -> Sequence[AccountId]:
        """As `SecretHolders.holders` says."""
        return [AccountId(row.account_id) for row in (await self._trip(HOLDERS(after=after, most=limit))).rows]

    async def lag(self) -> float:
        """As `Outbox.lag` says."""
        return max((await self.lags()).values(), default=0.0)

    async def lags(self) -> Mapping[str, float]:
        """As `Outbox.lags` says."""
        return {row.kind: float(row.seconds) for row in (await self._trip(LAG())).rows}

    async def close(self) -> None:
        """Close its connections."""
        await self._pool.close()

    async def _trip(self, call: Call) -> Result:
        try:
            async with self._pool.connection() as connection:
                return (await connection.round_trip([call]))[0]
        except psycopg.Error as error:
            raise translated(error) from error
