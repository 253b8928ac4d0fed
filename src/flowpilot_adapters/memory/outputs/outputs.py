"""The resolution outputs."""

import asyncio

from attrs import frozen

from flowpilot_adapters.memory.tables import DueWork
from flowpilot_adapters.memory.transaction import Transaction
from flowpilot_core.domain.kernel.errors import NotFound, Stale
from flowpilot_core.domain.kernel.identifiers import OutputId, SessionId
from flowpilot_core.domain.outputs.output import Output
from flowpilot_core.ports.relay import WorkKind


@frozen
class MemoryOutputs:
    """The outputs of one account, inside one unit of work."""

    _work: Transaction

    async def add(self, output: Output) -> None:
        """As `Outputs.add` says."""
        self._work.rows.outputs.put(output.id, output)
        if output.pending:
            self._work.rows.due.put(output.id, DueWork(id=output.id, kind=WorkKind.OUTPUT, due_at=self._work.clock.now()))

    async def get(self, output_id: OutputId) -> Output:
        """As `Outputs.get` says."""
        await asyncio.sleep(0)
        found = self._work.rows.outputs.get(output_id)
        if found is None:
            raise NotFound("output")
        return found

    async def save(self, output: Output, *, before: Output) -> None:
        """As `Outputs.save` says: whoever comes second sees it at once, or at the commit."""
        if self._work.rows.outputs.get(output.id) != before:
            raise Stale
        self._work.builds_on(self._work.rows.outputs, output.id, before)
        self._work.rows.outputs.put(output.id, output)

    async def of(self, session_id: SessionId) -> tuple[Output, ...]:
        """As `Outputs.of` says."""
        await asyncio.sleep(0)
        return tuple(sorted((one for one in self._work.rows.outputs.values() if one.session_id == session_id), key=lambda one: one.id))
