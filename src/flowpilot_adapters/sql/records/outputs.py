"""Rows of outputs as values of the domain."""

from collections.abc import Iterable
from typing import Any, Final

from flowpilot_adapters.sql.records.kernel import record
from flowpilot_core.domain.outputs.output import Output, OutputKind, OutputState, OutputVersion

output_version: Final = record(OutputVersion)


def output(row: Any, versions: Iterable[OutputVersion]) -> Output:
    """An output with its versions, oldest first."""
    return Output(
        id=row.id,
        session_id=row.session_id,
        kind=OutputKind(row.kind),
        state=OutputState(row.state),
        versions=tuple(versions),
        pending=row.pending,
        problem=row.problem,
        approved_by=row.approved_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
