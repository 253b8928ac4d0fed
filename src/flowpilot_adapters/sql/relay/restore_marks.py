"""The mark that relays leave in the database, as the relay's role."""

from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

from flowpilot_adapters.sql.connection import Result
from flowpilot_adapters.sql.errors import translated
from flowpilot_adapters.sql.pool import Pool
from flowpilot_adapters.sql.statement import INT8, TEXT, Call, Statement
from flowpilot_core.ports.relay import Whereabouts

# The longest that the numbers of two databases can be apart in practice: a mark every ten seconds, for thousands of years.
FAR: Final = 10_000_000_000

WHEREABOUTS: Final = Statement(
    "whereabouts of database",
    "SELECT id, system_identifier, current_database() AS name FROM flowpilot.relay_mark, pg_control_system()",
)
ADVANCE: Final = Statement(
    "advance mark",
    "UPDATE flowpilot.relay_mark SET number = number + 1 WHERE number >= $1 AND paused_because IS NULL RETURNING number",
    known=INT8,
)
PAUSE: Final = Statement("pause relays", "UPDATE flowpilot.relay_mark SET paused_because = $1 WHERE paused_because IS NULL", reason=TEXT)
WHY_PAUSED: Final = Statement("why paused", "SELECT paused_because FROM flowpilot.relay_mark")
RESUME: Final = Statement(
    "resume relays",
    "UPDATE flowpilot.relay_mark SET number = greatest(number, $1) + $2, paused_because = NULL RETURNING number",
    above=INT8,
    far=INT8,
)


class SqlMarks:
    """Over a connection of the relay's role."""

    def __init__(self, url: str) -> None:
        self._pool = Pool(url, size=1)
        self._address = _address(url)

    async def whereabouts(self) -> Whereabouts:
        """As `Marks.whereabouts` says."""
        (row,) = (await self._trip(WHEREABOUTS())).rows
        return Whereabouts(database=str(row.id), store=f"{row.system_identifier}/{row.name}", address=self._address)

    async def advance(self, known: int) -> int | None:
        """As `Marks.advance` says."""
        row = (await self._trip(ADVANCE(known=known))).first
        return None if row is None else int(row.number)

    async def pause(self, reason: str) -> None:
        """As `Marks.pause` says."""
        await self._trip(PAUSE(reason=reason))

    async def why_paused(self) -> str | None:
        """As `Marks.why_paused` says."""
        (row,) = (await self._trip(WHY_PAUSED())).rows
        reason: str | None = row.paused_because
        return reason

    async def resume(self, above: int) -> int:
        """As `Marks.resume` says."""
        (row,) = (await self._trip(RESUME(above=above, far=FAR))).rows
        return int(row.number)

    async def close(self) -> None:
        """Close its connection."""
        await self._pool.close()

    async def _trip(self, call: Call) -> Result:
        try:
            async with self._pool.connection() as connection:
                return (await connection.round_trip([call]))[0]
        except psycopg.Error as error:
            raise translated(error) from error


def _address(url: str) -> str:
    """The hosts and ports that `url` names, as it names them: a server that fails over stands behind the same ones."""
    named = conninfo_to_dict(url)
    return " ".join(f"{part}={named[part]}" for part in ("service", "host", "hostaddr", "port") if named.get(part))
