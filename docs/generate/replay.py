"""The page of what the rows of an incident log come to, from the table that the replay runs by."""

from flowpilot_core.domain.replay.incident_log import MEANING, Happening
from flowpilot_core.domain.sessions.session import Status

from .markdown import code, page, table


def replay() -> str:
    """Each happening in each state."""
    return page(
        "Replaying a log: what a row comes to",
        "A mapping says of each row what happened: one of these words. What is done then depends on how the session of that case stands. An"
        " empty cell is nothing: the row is kept in the import's ledger and changes nothing.",
        table(
            ["what happened", *(code(status) for status in Status)],
            [[code(happening), *(", ".join(MEANING[happening, status]) for status in Status)] for happening in Happening],
        ),
        "A case that appears for the first time is an active session of who acts in that row, and the row itself counts too. All moves of a"
        " row are one unit of work.",
        "The product's rules hold. Where somebody goes on with a case that is another's, an admin of the account reassigns it first. Who"
        " accepts what they themselves put into the queue withdraws it, and claims nothing. Where somebody other than the escalator ends"
        " a waiting case, the admin withdraws it, and reassigns it to them.",
        "How to write a mapping stands in [replay a log](../howto/replay-a-log.md).",
    )
