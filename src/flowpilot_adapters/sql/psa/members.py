"""Who of the account is who in its PSAs, inside one unit of work."""

from typing import Final

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert as upsert

from flowpilot_adapters.sql.queries import columns_but_account, own
from flowpilot_adapters.sql.records import psa as records
from flowpilot_adapters.sql.schema import psa_member
from flowpilot_adapters.sql.statement import compiled
from flowpilot_adapters.sql.transaction import Transaction
from flowpilot_core.domain.kernel.identifiers import PsaConnectionId, UserId
from flowpilot_core.domain.psa.member import MemberMatch

MATCH: Final = compiled(
    "member of PSA",
    select(*columns_but_account(psa_member)).where(
        own(psa_member), psa_member.c.connection_id == bindparam("connection_id"), psa_member.c.user_id == bindparam("user_id")
    ),
)
_new = upsert(psa_member).values({column: bindparam(column.name) for column in psa_member.c})
KEEP: Final = compiled(
    "keep member of PSA",
    _new.on_conflict_do_update(
        index_elements=list(psa_member.primary_key),
        set_={name: _new.excluded[name] for name in ("version", "email", "member_id", "good_until")},
    ),
)


class SqlPsaMembers:
    """Inside one unit of work."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id

    async def match(self, connection_id: PsaConnectionId, user_id: UserId) -> MemberMatch | None:
        """As `PsaMembers.match` says."""
        (found,) = await self._transaction.read(MATCH(account_id=self._account_id, connection_id=connection_id, user_id=user_id))
        return records.member_match(found.first) if found.first is not None else None

    async def keep(self, match: MemberMatch) -> None:
        """As `PsaMembers.keep` says."""
        self._transaction.write(
            KEEP(
                account_id=self._account_id,
                connection_id=match.connection_id,
                version=match.version,
                user_id=match.user_id,
                email=match.email,
                member_id=match.member_id,
                good_until=match.good_until,
            )
        )
