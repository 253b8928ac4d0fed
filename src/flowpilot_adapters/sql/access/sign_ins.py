"""Browsers that people are signed in with, inside one unit of work."""

from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, delete, insert

from flowpilot_adapters.sql.queries import own
from flowpilot_adapters.sql.schema import sign_in, sign_in_link
from flowpilot_adapters.sql.statement import compiled
from flowpilot_adapters.sql.transaction import Transaction
from flowpilot_core.domain.access.sign_in import SignIn, SignInLink
from flowpilot_core.domain.kernel.errors import Unauthenticated
from flowpilot_core.domain.kernel.identifiers import UserId

_at = bindparam("at", type_=sign_in.c.created_at.type)

ADD: Final = compiled("add sign-in", insert(sign_in).values({column: bindparam(column.name) for column in sign_in.c}))
FORGET: Final = compiled("forget sign-ins", delete(sign_in).where(own(sign_in), sign_in.c.expires_at <= _at))
END: Final = compiled("end sign-in", delete(sign_in).where(own(sign_in), sign_in.c.digest == bindparam("digest")))
END_ALL: Final = compiled("end sign-ins", delete(sign_in).where(own(sign_in), sign_in.c.user_id == bindparam("user_id")))
DROP_LINKS: Final = compiled(
    "drop sign-in links", delete(sign_in_link).where(own(sign_in_link), sign_in_link.c.user_id == bindparam("user_id"))
)
ADD_LINK: Final = compiled("add sign-in link", insert(sign_in_link).values({column: bindparam(column.name) for column in sign_in_link.c}))
TAKE_LINK: Final = compiled(
    "take sign-in link",
    delete(sign_in_link)
    .where(own(sign_in_link), sign_in_link.c.digest == bindparam("digest"), sign_in_link.c.expires_at > _at)
    .returning(sign_in_link.c.user_id),
)


class SqlSignIns:
    """Inside one unit of work."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id

    async def add(self, new: SignIn) -> None:
        """As `SignIns.add` says."""
        self._transaction.write(FORGET(account_id=self._account_id, at=new.created_at))
        self._transaction.write(
            ADD(
                account_id=self._account_id,
                id=new.id,
                user_id=new.user_id,
                digest=new.digest,
                created_at=new.created_at,
                expires_at=new.expires_at,
                way=new.way_in and new.way_in.way,
                way_id=new.way_in and new.way_in.id,
            )
        )

    async def end(self, digest: bytes) -> None:
        """As `SignIns.end` says."""
        self._transaction.write(END(account_id=self._account_id, digest=digest))

    async def end_all(self, user_id: UserId) -> None:
        """As `SignIns.end_all` says."""
        self._transaction.write(END_ALL(account_id=self._account_id, user_id=user_id))
        self._transaction.write(DROP_LINKS(account_id=self._account_id, user_id=user_id))

    async def add_link(self, link: SignInLink) -> None:
        """As `SignIns.add_link` says."""
        self._transaction.write(ADD_LINK(account_id=self._account_id, user_id=link.user_id, digest=link.digest, expires_at=link.expires_at))

    async def take_link(self, digest: bytes, *, at: datetime) -> UserId:
        """As `SignIns.take_link` says."""
        (taken,) = await self._transaction.read(TAKE_LINK(account_id=self._account_id, digest=digest, at=at))
        if taken.first is None:
            raise Unauthenticated
        return UserId(taken.first.user_id)
