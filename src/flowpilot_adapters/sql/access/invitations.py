"""Who is invited, inside one unit of work."""

from typing import Final

from sqlalchemy import LargeBinary, any_, bindparam, delete, insert, select, update

from flowpilot_adapters.sql.queries import columns_but_account, own
from flowpilot_adapters.sql.records import access as records
from flowpilot_adapters.sql.schema import invitation
from flowpilot_adapters.sql.statement import Call, compiled
from flowpilot_adapters.sql.transaction import Transaction
from flowpilot_core.domain.access.invitation import Invitation
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import InvitationId, UserId

_found = select(*columns_but_account(invitation)).where(own(invitation))

ADD: Final = compiled("add invitation", insert(invitation).values({column: bindparam(column.name) for column in invitation.c}))
GET: Final = compiled("invitation", _found.where(invitation.c.id == bindparam("id")))
BY: Final = compiled("invitation by its link", _found.where(bindparam("digest", type_=LargeBinary()) == any_(invitation.c.digests)))
SAVE: Final = compiled(
    "save invitation",
    update(invitation)
    .where(invitation.c.account_id == bindparam("account_id"), invitation.c.id == bindparam("invitation_id"))
    .values({name: bindparam(f"new_{name}") for name in ("mail", "attempts", "last_error", "digests")}),
)
DROP: Final = compiled("drop invitation", delete(invitation).where(own(invitation), invitation.c.user_id == bindparam("user_id")))


class SqlInvitations:
    """Inside one unit of work."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id

    async def add(self, new: Invitation) -> None:
        """As `Invitations.add` says."""
        await self.drop(new.user_id)
        self._transaction.write(
            ADD(
                account_id=self._account_id,
                id=new.id,
                user_id=new.user_id,
                invited_by=new.invited_by,
                mail=new.mail,
                attempts=new.attempts,
                last_error=new.last_error,
                digests=list(new.digests),
                created_at=new.created_at,
                expires_at=new.expires_at,
            )
        )

    async def get(self, invitation_id: InvitationId) -> Invitation:
        """As `Invitations.get` says."""
        return await self._one(GET(account_id=self._account_id, id=invitation_id))

    async def by(self, digest: bytes) -> Invitation:
        """As `Invitations.by` says."""
        return await self._one(BY(account_id=self._account_id, digest=digest))

    async def save(self, changed: Invitation) -> None:
        """As `Invitations.save` says."""
        self._transaction.write(
            SAVE(
                account_id=self._account_id,
                invitation_id=changed.id,
                new_mail=changed.mail,
                new_attempts=changed.attempts,
                new_last_error=changed.last_error,
                new_digests=list(changed.digests),
            )
        )

    async def drop(self, user_id: UserId) -> None:
        """As `Invitations.drop` says."""
        self._transaction.write(DROP(account_id=self._account_id, user_id=user_id))

    async def _one(self, call: Call) -> Invitation:
        (found,) = await self._transaction.read(call)
        if found.first is None:
            raise NotFound("invitation")
        return records.invitation(found.first)
