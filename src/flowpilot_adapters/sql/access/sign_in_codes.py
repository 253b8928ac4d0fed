"""Codes that are mailed to sign in by, inside one unit of work."""

from typing import Final

from attrs import asdict
from sqlalchemy import bindparam, delete, func, insert, literal, select, update

from flowpilot_adapters.sql.queries import columns_but_account, own
from flowpilot_adapters.sql.records import access as records
from flowpilot_adapters.sql.schema import account, person, sign_in_code
from flowpilot_adapters.sql.statement import compiled
from flowpilot_adapters.sql.transaction import Transaction
from flowpilot_core.domain.access.sign_in_code import COUNTED, MOST_ASKED, SignInCode
from flowpilot_core.domain.kernel.errors import NotFound, Unauthenticated
from flowpilot_core.domain.kernel.identifiers import SignInCodeId, UserId

_found = select(*columns_but_account(sign_in_code)).where(own(sign_in_code))
_lately = (
    select(func.count()).where(own(sign_in_code), sign_in_code.c.email == bindparam("email", type_=sign_in_code.c.email.type))
).scalar_subquery()
_new = select(*(bindparam(column.name, type_=column.type) for column in sign_in_code.c)).select_from(account)

# Held so that of many who ask at once each sees those before; nothing that only refers to the account waits for it.
HOLD_ACCOUNT: Final = compiled("hold account", select(account.c.account_id).where(own(account)).with_for_update(key_share=True))
FORGET: Final = compiled(
    "forget sign-in codes",
    delete(sign_in_code).where(
        own(sign_in_code), sign_in_code.c.created_at <= bindparam("forgotten", type_=sign_in_code.c.created_at.type)
    ),
)
ASK: Final = compiled(
    "ask for a sign-in code",
    insert(sign_in_code)
    .from_select([column.name for column in sign_in_code.c], _new.where(own(account), _lately < literal(MOST_ASKED)))
    .returning(sign_in_code.c.id),
)
GET: Final = compiled("sign-in code", _found.where(sign_in_code.c.id == bindparam("id")))
HOLD: Final = compiled("hold sign-in code", _found.where(sign_in_code.c.browser == bindparam("browser")).with_for_update())
ADDRESSEE: Final = compiled("addressee", select(person.c.id).where(own(person), person.c.folded_email == bindparam("email")))
SAVE: Final = compiled(
    "save sign-in code",
    update(sign_in_code)
    .where(sign_in_code.c.account_id == bindparam("account_id"), sign_in_code.c.id == bindparam("code_id"))
    .values({name: bindparam(f"new_{name}") for name in ("digests", "tries", "expires_at")}),
)


class SqlSignInCodes:
    """Inside one unit of work."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id

    async def ask(self, code: SignInCode) -> bool:
        """As `SignInCodes.ask` says."""
        *_, asked = await self._transaction.read(
            HOLD_ACCOUNT(account_id=self._account_id),
            FORGET(account_id=self._account_id, forgotten=code.created_at - COUNTED),
            ASK(account_id=self._account_id, **asdict(code)),
        )
        return asked.first is not None

    async def get(self, code_id: SignInCodeId) -> SignInCode:
        """As `SignInCodes.get` says."""
        (found,) = await self._transaction.read(GET(account_id=self._account_id, id=code_id))
        if found.first is None:
            raise NotFound("sign-in code")
        return records.sign_in_code(found.first)

    async def hold(self, browser: bytes) -> SignInCode:
        """As `SignInCodes.hold` says."""
        (found,) = await self._transaction.read(HOLD(account_id=self._account_id, browser=browser))
        if found.first is None:
            raise Unauthenticated
        return records.sign_in_code(found.first)

    async def addressee(self, code: SignInCode) -> UserId | None:
        """As `SignInCodes.addressee` says."""
        (found,) = await self._transaction.read(ADDRESSEE(account_id=self._account_id, email=code.email))
        return None if found.first is None else UserId(found.first.id)

    async def save(self, code: SignInCode) -> None:
        """As `SignInCodes.save` says."""
        self._transaction.write(
            SAVE(
                account_id=self._account_id,
                code_id=code.id,
                new_digests=list(code.digests),
                new_tries=code.tries,
                new_expires_at=code.expires_at,
            )
        )
