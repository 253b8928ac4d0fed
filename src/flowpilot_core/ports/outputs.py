"""The resolution outputs of an account, with all their versions."""

from typing import Protocol

from flowpilot_core.domain.kernel.identifiers import OutputId, SessionId
from flowpilot_core.domain.outputs.output import Output

from .kernel import KernelWork


class Outputs(Protocol):
    """The outputs of one account, inside one unit of work."""

    async def add(self, output: Output) -> None:
        """Keep a new one; a pending one with the work of asking a model for a better one, due at once."""

    async def get(self, output_id: OutputId) -> Output:
        """With all its versions. Raises `NotFound`."""

    async def save(self, output: Output, *, before: Output) -> None:
        """Keep a changed one, and its version where that is new; no version ever changes.

        Raises `Stale` (now, or at the latest at the commit) where it is no longer as it was `before`.
        """

    async def of(self, session_id: SessionId) -> tuple[Output, ...]:
        """All of a session, oldest first; empty where there is no such session."""


class OutputWork(KernelWork, Protocol):
    """A unit of work over resolution outputs."""

    @property
    def outputs(self) -> Outputs:
        """What resolved sessions leave behind."""
