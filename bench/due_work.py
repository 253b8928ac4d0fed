"""Looking for due work while many accounts have work for later, beside looking for it while none has any."""

import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from statistics import median

import psycopg
from attrs import frozen

from flowpilot_adapters.embedded_postgres import EmbeddedPostgres
from flowpilot_adapters.sql import SqlOutbox, migrations, roles

ACCOUNTS = 20_000
LOOKS = 20
MOST = 3.0
"""Times as long as with no work for later: a look must not grow with the number of accounts."""

SEED = f"""
INSERT INTO flowpilot.account (account_id, name, created_at, redacts_personal, mails_a_minute)
SELECT gen_random_uuid(), 'many', now(), false, 5 FROM generate_series(1, {ACCOUNTS});
"""
LATER = """
INSERT INTO flowpilot.due_work (account_id, id, kind, due_at, takes)
SELECT account_id, gen_random_uuid(), kind, now() + interval '1 day', 0
FROM flowpilot.account, unnest('{claim_watch,policy_step,wake_up}'::text[]) AS kind
"""
NONE = "TRUNCATE flowpilot.due_work"


@frozen(kw_only=True)
class DueWorkFigure:
    """Milliseconds of one look, and how many times as long it is with work for later, in each round."""

    idle: float
    busy: float
    ratios: list[float]

    @property
    def ratio(self) -> float:
        """The middle one of the rounds."""
        return median(self.ratios)


async def measure(*, rounds: int, said: Callable[[str], None]) -> DueWorkFigure:
    """Look with nothing there, and with three pieces of work for later in each account."""
    with tempfile.TemporaryDirectory(prefix="flowpilot-bench-") as folder, EmbeddedPostgres(Path(folder) / "data") as postgres:
        address = postgres.address
        roles.set_up(address.url())
        migrations.migrate(address.url(user=roles.OWNER))
        outbox = SqlOutbox(address.url(user=roles.RELAY))
        with psycopg.connect(address.url(), autocommit=True) as connection:
            connection.execute(SEED)
            idle, busy = [], []
            for number in range(rounds):
                said(f"due work, round {number + 1} of {rounds}")
                connection.execute(NONE)
                idle.append(await _look(outbox))
                connection.execute(LATER)
                busy.append(await _look(outbox))
        await outbox.close()
    return DueWorkFigure(idle=median(idle), busy=median(busy), ratios=[one / other for one, other in zip(busy, idle, strict=True)])


async def _look(outbox: SqlOutbox) -> float:
    """Milliseconds that the relay's question takes, in the middle."""
    times = []
    for _ in range(LOOKS):
        begun = time.perf_counter()
        await outbox.take({"delivery": 8}, others=8, lease_for=timedelta(seconds=30))
        times.append((time.perf_counter() - begun) * 1000)
    return median(times)
