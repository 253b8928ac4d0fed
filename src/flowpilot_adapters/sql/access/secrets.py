"""The sealed secrets of one account, inside one unit of work."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Integer, Uuid, bindparam, delete, literal_column, select
from sqlalchemy.dialects.postgresql import insert

from flowpilot_adapters.sql.queries import ACCOUNT, columns_but_account, own
from flowpilot_adapters.sql.schema import due_work, secret
from flowpilot_adapters.sql.statement import compiled
from flowpilot_adapters.sql.transaction import Transaction
from flowpilot_core.domain.access.sealed_secret import SealedSecret
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import SecretId
from flowpilot_core.ports.relay import SECRETS_KIND

_FIRST: Final = SecretId(uuid.UUID(int=0))
NEVER: Final = datetime.max.replace(tzinfo=UTC)

_insert = insert(secret).values({column: bindparam(column.name) for column in secret.c})
PUT: Final = compiled(
    "put secret",
    _insert.on_conflict_do_update(
        index_elements=[secret.c.account_id, secret.c.id],
        set_={column.name: _insert.excluded[column.name] for column in secret.c if column.name not in ("account_id", "id")},
    ),
)
STAND: Final = compiled(
    "stand for account with secrets",
    insert(due_work)
    .values(account_id=ACCOUNT, id=ACCOUNT, kind=literal_column(f"'{SECRETS_KIND}'"), due_at=bindparam("never"), takes=literal_column("0"))
    .on_conflict_do_nothing(),
)
GET: Final = compiled("secret", select(*columns_but_account(secret)).where(own(secret), secret.c.id == bindparam("id")))
DROP: Final = compiled("drop secret", delete(secret).where(own(secret), secret.c.id == bindparam("id")))
SEALED_OTHERWISE: Final = compiled(
    "secrets sealed otherwise",
    select(*columns_but_account(secret))
    .where(own(secret), secret.c.id > bindparam("after", type_=Uuid()), secret.c.key_id != bindparam("key_id"))
    .order_by(secret.c.id)
    .limit(bindparam("most", type_=Integer()))
    .with_for_update(),
)


class SqlSecrets:
    """Inside one unit of work."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id

    async def put(self, kept: SealedSecret) -> None:
        """As `Secrets.put` says."""
        self._transaction.write(
            PUT(
                account_id=self._account_id,
                id=kept.id,
                purpose=kept.purpose,
                sealed=kept.sealed,
                key_id=kept.key_id,
                created_at=kept.created_at,
            )
        )
        self._transaction.write(STAND(account_id=self._account_id, never=NEVER))

    async def get(self, secret_id: SecretId) -> SealedSecret:
        """As `Secrets.get` says."""
        (found,) = await self._transaction.read(GET(account_id=self._account_id, id=secret_id))
        if found.first is None:
            raise NotFound("secret")
        return _sealed(found.first)

    async def drop(self, secret_id: SecretId) -> None:
        """As `Secrets.drop` says."""
        self._transaction.write(DROP(account_id=self._account_id, id=secret_id))

    async def sealed_otherwise(self, key_id: str, *, after: SecretId | None = None, limit: int) -> Sequence[SealedSecret]:
        """As `Secrets.sealed_otherwise` says."""
        (found,) = await self._transaction.read(
            SEALED_OTHERWISE(account_id=self._account_id, key_id=key_id, after=after or _FIRST, most=limit)
        )
        return [_sealed(row) for row in found.rows]


def _sealed(row: Any) -> SealedSecret:
    return SealedSecret(id=SecretId(row.id), purpose=row.purpose, sealed=row.sealed, key_id=row.key_id, created_at=row.created_at)
