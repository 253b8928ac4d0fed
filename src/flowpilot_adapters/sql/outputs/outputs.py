"""Resolution outputs and their versions."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Uuid, bindparam, insert, select, update

from flowpilot_adapters.sql.errors import STALE
from flowpilot_adapters.sql.queries import ACCOUNT, columns_but_account, only_saved, own
from flowpilot_adapters.sql.records import outputs as records
from flowpilot_adapters.sql.relay import due_work
from flowpilot_adapters.sql.schema import output, output_version
from flowpilot_adapters.sql.statement import compiled
from flowpilot_adapters.sql.transaction import Transaction
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import OutputId, SessionId
from flowpilot_core.domain.outputs.output import Output, OutputVersion
from flowpilot_core.ports.relay import Work, WorkKind

ID: Final = bindparam("id", type_=Uuid())
SESSION_ID: Final = bindparam("session_id", type_=Uuid())

_version: Final = [
    output_version.c.by_user_id.label("by"),
    *(column for column in columns_but_account(output_version) if column.name != "by_user_id"),
]
GET: Final = compiled("output", select(*columns_but_account(output)).where(own(output), output.c.id == ID))
VERSIONS: Final = compiled(
    "versions of output",
    select(*_version).where(own(output_version), output_version.c.output_id == ID).order_by(output_version.c.number),
)
OF: Final = compiled(
    "outputs", select(*columns_but_account(output)).where(own(output), output.c.session_id == SESSION_ID).order_by(output.c.id)
)
VERSIONS_OF: Final = compiled(
    "versions of outputs",
    select(*_version)
    .join_from(output, output_version, own(output_version) & (output_version.c.output_id == output.c.id))
    .where(own(output), output.c.session_id == SESSION_ID)
    .order_by(output_version.c.output_id, output_version.c.number),
)
ADD: Final = compiled("add output", insert(output).values({column: bindparam(column.name) for column in output.c}))
ADD_VERSION: Final = compiled(
    "add version of output", insert(output_version).values({column: bindparam(column.name) for column in output_version.c})
)
CHANGING: Final = ("version", "state", "pending", "problem", "approved_by", "updated_at")
SAVE: Final = only_saved(
    "save output",
    update(output)
    .where(
        output.c.account_id == ACCOUNT,
        output.c.id == bindparam("output_id"),
        *(output.c[name] == bindparam(f"old_{name}") for name in ("version", "state", "pending")),
    )
    .values({name: bindparam(f"new_{name}") for name in CHANGING}),
    STALE,
)


class SqlOutputs:
    """Inside one unit of work."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id

    async def add(self, new: Output) -> None:
        """As `Outputs.add` says."""
        self._transaction.write(
            ADD(
                account_id=self._account_id,
                id=new.id,
                session_id=new.session_id,
                kind=new.kind,
                created_at=new.created_at,
                **{name: getattr(new, name) for name in CHANGING},
            )
        )
        for version in new.versions:
            self._add_version(new.id, version)
        due_work.index_for_search(self._transaction, new.session_id)
        if new.pending:
            self._transaction.write(due_work.add(self._account_id, Work(id=new.id, kind=WorkKind.OUTPUT, due_at=new.created_at)))

    async def get(self, output_id: OutputId) -> Output:
        """As `Outputs.get` says."""
        found, versions = await self._transaction.read(
            GET(account_id=self._account_id, id=output_id), VERSIONS(account_id=self._account_id, id=output_id)
        )
        if found.first is None:
            raise NotFound("output")
        return _output(found.first, versions.rows)

    async def save(self, changed: Output, *, before: Output) -> None:
        """As `Outputs.save` says; which it is shows when it is written."""
        old = {"old_version": before.version, "old_state": before.state, "old_pending": before.pending}
        new = {f"new_{name}": getattr(changed, name) for name in CHANGING}
        self._transaction.write(SAVE(account_id=self._account_id, output_id=changed.id, **old, **new))
        for version in changed.versions[len(before.versions) :]:
            self._add_version(changed.id, version)
            due_work.index_for_search(self._transaction, changed.session_id)

    async def of(self, session_id: SessionId) -> tuple[Output, ...]:
        """As `Outputs.of` says."""
        found, versions = await self._transaction.read(
            OF(account_id=self._account_id, session_id=session_id), VERSIONS_OF(account_id=self._account_id, session_id=session_id)
        )
        return tuple(_output(row, [version for version in versions.rows if version.output_id == row.id]) for row in found.rows)

    def _add_version(self, output_id: OutputId, version: OutputVersion) -> None:
        self._transaction.write(
            ADD_VERSION(
                account_id=self._account_id,
                output_id=output_id,
                number=version.number,
                body=version.body,
                made_by=version.made_by,
                model=version.model,
                by_user_id=version.by,
                at=version.at,
            )
        )


def _output(row: Any, versions: Sequence[Any]) -> Output:
    return records.output(row, [records.output_version(version) for version in versions])
