"""Incident logs to test with: `log_rows("1 anna working V30", "1 anna queued V5")`."""

from flowpilot_core.domain.replay.incident_log import Happening, LogRow

from .builders import MINUTE, NOON

HEADER = 1
"""Where the first row of a log would stand if it had no header."""


def log_rows(*told: str) -> tuple[LogRow, ...]:
    """Rows from `case actor happening [team]`, each a minute after the last, as of a file with a header."""
    rows = []
    for number, words in enumerate(told):
        case, actor, happening, *team = words.split()
        rows.append(
            LogRow(
                line=HEADER + 1 + number,
                case=case,
                at=NOON + number * MINUTE,
                actor=(actor,),
                team=team[0] if team else None,
                happening=Happening(happening),
                words=f"{actor} is at it: {happening}",
            )
        )
    return tuple(rows)
