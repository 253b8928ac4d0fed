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
LINES: Final = 500
"""That one look passes, of each kind that is flooded."""
LOOKS: Final = 4
"""One after the other, where the lines that one passed have nothing that may be taken."""

# Of each kind what is due is read oldest first, and work that is not due yet costs nothing. Only where more of a kind is due than there is
# room for, it is found line by line, by hopping over the index from one to the next, so that a flood in one hides no other: a line is what
# one account has of one rank for one target. However many lines there are, one look passes only so many, and the next goes on where it
# stopped. Of one account it passes those of all the targets it may hold, at every rank, and enough others. There are more candidates than
# are taken, since some may be in the hands of another relay; only what is taken is locked.
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
      SELECT flood.kind, flood.lane, flood.most, first.account_id, first.queue_rank, first.target, 1 AS depth, 1 AS passed
      FROM (SELECT DISTINCT kind, lane, most FROM oldest WHERE flooded) AS flood
      LEFT JOIN unnest($6, $7) AS after (kind, account_id) USING (kind)
      CROSS JOIN LATERAL (
        SELECT account_id, queue_rank, target
        FROM flowpilot.due_work
        WHERE kind = flood.kind AND account_id > coalesce(after.account_id, $8)
        ORDER BY account_id, queue_rank, target
        LIMIT 1
      ) AS first
      UNION ALL
      SELECT line.kind, line.lane, line.most, next.account_id, next.queue_rank, next.target,
        CASE WHEN next.account_id = line.account_id THEN line.depth + 1 ELSE 1 END, line.passed + 1
      FROM line CROSS JOIN LATERAL (
        SELECT account_id, queue_rank, target
        FROM flowpilot.due_work
        WHERE kind = line.kind
          AND (account_id, queue_rank, target)
            > (line.account_id, CASE WHEN line.depth < 3 * line.most THEN line.queue_rank ELSE 32767 END, line.target)
        ORDER BY account_id, queue_rank, target
        LIMIT 1
      ) AS next
      WHERE line.passed < $9
    ),
    due AS MATERIALIZED (
      SELECT line.kind, line.account_id, line.queue_rank, line.target, line.lane, line.most, count(*) OVER (PARTITION BY line.lane) AS lines
      FROM line
      CROSS JOIN LATERAL (
        SELECT due_at
        FROM flowpilot.due_work
        WHERE kind = line.kind AND account_id = line.account_id AND queue_rank = line.queue_rank AND target = line.target
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
        WHERE kind = due.kind AND account_id = due.account_id AND queue_rank = due.queue_rank AND target = due.target
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
      WHERE target = $8 OR of_target = 1 AND (lane, account_id, target) NOT IN (SELECT lane, account_id, target FROM held)
    ),
    candidate AS MATERIALIZED (
      SELECT in_turn.*, row_number() OVER (
        PARTITION BY lane
        ORDER BY holds, in_turn.account_id <= coalesce(served.account_id, $8), in_turn.account_id, queue_rank, due_at, id
      ) AS place
      FROM (
        SELECT free.*,
          coalesce(mine.pieces, 0) - 1 + row_number() OVER (PARTITION BY lane, account_id ORDER BY queue_rank, due_at, id) AS holds
        FROM free LEFT JOIN (SELECT lane, account_id, count(*) AS pieces FROM held GROUP BY lane, account_id) AS mine
          USING (lane, account_id)
      ) AS in_turn
      LEFT JOIN unnest($11, $12) AS served (lane, account_id) USING (lane)
    ),
    taken AS MATERIALIZED (
      SELECT held.account_id, held.id, held.place
      FROM room CROSS JOIN LATERAL (
        SELECT held.account_id, held.id, next.place
        FROM (SELECT account_id, id, place FROM candidate WHERE lane = room.kind ORDER BY place) AS next
        CROSS JOIN LATERAL (
          SELECT account_id, id
          FROM flowpilot.due_work
          WHERE account_id = next.account_id AND id = next.id AND due_at <= now() AND (lease_until IS NULL OR lease_until <= now())
          FOR UPDATE SKIP LOCKED
        ) AS held
        LIMIT (SELECT count(*) FROM candidate WHERE lane = room.kind AND holds <= room.most - place)
      ) AS held
    ),
    leased AS (
      UPDATE flowpilot.due_work AS work
      SET lease_token = gen_random_uuid(), lease_until = now() + $10 * interval '1 second', takes = work.takes + 1
      FROM taken
      WHERE work.account_id = taken.account_id AND work.id = taken.id
      RETURNING work.account_id, work.id, work.kind, work.lease_token, work.takes, work.target, taken.place
    )
    SELECT account_id, id, kind, lease_token, takes, target, place FROM leased
    UNION ALL
    SELECT account_id, NULL, kind, NULL, NULL, NULL, NULL FROM line WHERE passed = $9
    ORDER BY place
    """,
    kinds=array_of(TEXT),
    most=array_of(INT4),
    held_kinds=array_of(TEXT),
    held_accounts=array_of(UUID),
    held_targets=array_of(UUID),
    after_kinds=array_of(TEXT),
    after_accounts=array_of(UUID),
    nowhere=UUID,
    lines=INT4,
    seconds=FLOAT8,
    served_lanes=array_of(TEXT),
    served_accounts=array_of(UUID),
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
        self._after: dict[str, AccountId] = {}
        """The account at which the last look stopped, of each kind with more lines than one look passes."""
        self._served: dict[str, AccountId] = {}
        """Who had the last turn in each lane."""

    async def take(
        self, room: Mapping[str, int], *, others: int = 0, holding: Collection[Lease] = (), lease_for: timedelta
    ) -> Sequence[Lease]:
        """As `Outbox.take` says."""
        leases: Sequence[Lease] = ()
        for _ in range(LOOKS):
            begun = self._after
            leases = await self._look({**room, OTHERS: others}, holding, lease_for)
            # A look that begins at the first account and passes all lines has seen everything.
            if leases or not (begun or self._after):
                break
        return leases

    async def _look(self, lanes: Mapping[str, int], holding: Collection[Lease], lease_for: timedelta) -> Sequence[Lease]:
        found = await self._trip(
            TAKE(
                kinds=list(lanes),
                most=list(lanes.values()),
                held_kinds=[lease.kind for lease in holding],
                held_accounts=[lease.account_id for lease in holding],
                held_targets=[lease.target or NOWHERE for lease in holding],
                after_kinds=list(self._after),
                after_accounts=list(self._after.values()),
                nowhere=NOWHERE,
                lines=LINES,
                seconds=lease_for / timedelta(seconds=1),
                served_lanes=list(self._served),
                served_accounts=list(self._served.values()),
            )
        )
        self._served |= {row.kind if row.kind in lanes else OTHERS: AccountId(row.account_id) for row in found.rows if row.id is not None}
        self._after = {row.kind: AccountId(row.account_id) for row in found.rows if row.id is None}
        return [
            Lease(
                account_id=AccountId(row.account_id),
                work_id=row.id,
                kind=row.kind,
                token=row.lease_token,
                takes=row.takes,
                target=None if row.target == NOWHERE else row.target,
            )
            for row in found.rows
            if row.id is not None
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
