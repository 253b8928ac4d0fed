"""A backup of the database, and its restore."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from flowpilot_core.domain.kernel.text import counted
from flowpilot_http import main as composition

from .environment import prepared
from .outcome import Json, outcome, say

Rows = Mapping[str, Mapping[str, int]]


def backup(
    file: Annotated[Path, typer.Argument(help="Where to write it. An older backup there stays until the new one is complete.")],
    json: Json = False,
) -> None:
    """Write the whole database to one file, while the service runs. It is checked before it replaces an older one.

    The secret key is not in it: keep that somewhere else.
    """
    with outcome():
        made = composition.back_up(prepared(), file)
        facts = {"file": str(file), "made_at": made.made_at, "database": made.database, "revision": made.revision, "rows": made.rows}
        say(facts, f"{_sum(made.rows)} saved in {file}, read back and counted.", json=json)


def restore(
    file: Annotated[Path, typer.Argument(help="What `flowpilot backup` wrote.")],
    into: Annotated[
        str | None,
        typer.Option(
            envvar="FLOWPILOT_RESTORE_DATABASE_URL",
            metavar="URL",
            help="An empty database, as a superuser: postgresql://postgres:…@host/name. Without it: the embedded one, if it is empty.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Restore a backup into an empty database, and check that every account has its rows. Relays are paused until you resume them."""
    with outcome():
        kept = composition.restore(prepared(), file, into)
        facts = {"file": str(file), "made_at": kept.made_at, "database": kept.database, "revision": kept.revision, "rows": kept.rows}
        say(facts, f"{_sum(kept.rows)} restored, as of {kept.made_at:%Y-%m-%d %H:%M} UTC. {_NEXT}", json=json)


_NEXT = """Relays are paused, so nothing is sent from it. Next:
  1. Point the settings at this database, and give them the secret key of the installation that made the backup.
  2. flowpilot migrate, then flowpilot doctor
  3. Start the service. Look at what would be sent: flowpilot deliveries list --account ID --state pending
  4. flowpilot relay resume"""


def _sum(rows: Rows) -> str:
    """Empty tables tell nobody anything."""
    full = [sum(of_accounts.values()) for of_accounts in rows.values() if of_accounts]
    return f"{counted(sum(full), 'row', 'rows')} in {counted(len(full), 'table', 'tables')}"
