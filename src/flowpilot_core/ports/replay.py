"""The import's ledger: which rows of which log were replayed, and what the account looks like by them."""

from collections.abc import Mapping
from typing import Protocol

from attrs import frozen

from flowpilot_core.domain.kernel.identifiers import SessionId

from .kernel import KernelWork


@frozen(kw_only=True)
class ImportedRow:
    """One row of a log that was replayed, kept with whatever it changed."""

    log: str
    """What the log is called, whatever file it came in."""
    line: int
    """Where the row stands in the log."""
    case: str
    session_id: SessionId
    outcome: str
    """The moves it made, in order (`resume, escalate`), or `nothing`, or `ignored`."""


@frozen(kw_only=True)
class ImportedCase:
    """How far a case of a log has been replayed."""

    session_id: SessionId
    lines: tuple[int, ...]
    """The lines of its rows that are done, in order."""


@frozen(kw_only=True)
class Figures:
    """What became of the sessions of one log, told by the ledger, the event log and the sessions themselves."""

    sessions: int
    events: int
    """Rows imported."""
    escalations: int
    reroutes: int
    claims: int
    withdrawn: int
    parks: int
    resumed: int
    resolved: int
    abandoned: int
    reopened: int
    ignored: int
    """Rows that meant nothing."""
    open_at_end: int
    parked_at_end: int
    active_at_end: int
    time_to_claim_median_s: int | None
    """From each escalation to its claim, in whole seconds; of an even number the mean of the two in the middle. None without claims."""
    time_to_claim_p90_s: int | None
    """The nearest-rank 90th percentile."""


IGNORED = "ignored"
"""The outcome of a row that meant nothing."""


class Imports(Protocol):
    """The import's ledger of one account, inside one unit of work."""

    async def add(self, row: ImportedRow) -> None:
        """Keep that a row was replayed. Raises `Stale` (now, or at the latest at the commit) where this line of the log was before.

        The commit need not wait until it is on disk: a crash of the store may take the last rows, each with all that it changed, and a
        replay goes on from those that are left.
        """

    async def settle(self) -> None:
        """Once this is committed, no crash takes any row that was added before."""


class ReplayWork(KernelWork, Protocol):
    """A unit of work over imported logs."""

    @property
    def imports(self) -> Imports:
        """The import's ledger."""


class ReplayView(Protocol):
    """What there is to see of imported logs in one account."""

    async def imported(self, log: str) -> Mapping[str, ImportedCase]:
        """How far each case of a log has been replayed, by the case's name; empty for a log that never was."""

    async def figures(self, log: str) -> Figures:
        """What became of the sessions of a log."""
