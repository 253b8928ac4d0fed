"""How an account looks and signs."""

from typing import Any, Final

from sqlalchemy import ColumnElement, bindparam, case, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from flowpilot_adapters.sql import documents
from flowpilot_adapters.sql.errors import STALE
from flowpilot_adapters.sql.queries import ACCOUNT, ONE, own, refused_unless
from flowpilot_adapters.sql.records import access as records
from flowpilot_adapters.sql.schema import branding
from flowpilot_adapters.sql.statement import compiled
from flowpilot_adapters.sql.transaction import Transaction
from flowpilot_core.domain.access.branding import Branding, LogoFiles, Worn

FILES: Final = ("logo_whole", "logo_worn")
_said = [column for column in branding.c if column.name not in FILES]

BRANDING: Final = compiled("branding", select(*_said).where(own(branding)))
WORN: Final = compiled("branding as it is worn", select(*_said, branding.c.logo_worn).where(own(branding)))
LOGO: Final = compiled("logo", select(branding.c.logo, branding.c.logo_whole).where(own(branding), branding.c.logo.is_not(None)))


def _file(name: str) -> ColumnElement[bytes | None]:
    """The new one, or the one that is there; none without a logo."""
    kept = select(branding.c[name]).where(own(branding)).scalar_subquery()
    new = func.coalesce(bindparam(name, type_=branding.c[name].type), kept)
    return case((bindparam("logo", type_=branding.c.logo.type).is_(None), None), else_=new)


_values: dict[str, Any] = {column.name: bindparam(column.name) for column in _said if column.name != "account_id"}
_new = upsert(branding).values({"account_id": ACCOUNT, **_values, **{name: _file(name) for name in FILES}})
SAVE: Final = compiled(
    "save branding",
    refused_unless(
        _new.on_conflict_do_update(
            index_elements=list(branding.primary_key),
            set_={name: _new.excluded[name] for name in (*_values, *FILES)},
            where=branding.c.version + 1 == _new.excluded.version,
        )
        .returning(ONE)
        .cte("saved"),
        STALE,
    ),
)


class SqlBrand:
    """Inside one unit of work."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id

    async def get(self) -> Branding:
        """As `Brand.get` says."""
        (found,) = await self._transaction.read(BRANDING(account_id=self._account_id))
        return records.branding(found.first)

    async def save(self, changed: Branding, *, files: LogoFiles | None = None) -> None:
        """As `Brand.save` says."""
        self._transaction.write(
            SAVE(
                account_id=self._account_id,
                version=changed.version,
                display_name=changed.display_name,
                colour=changed.colour.value if changed.colour else None,
                website=changed.website,
                footer=changed.footer,
                mail_sender_name=changed.mail_sender_name,
                logo=documents.written(changed.logo) if changed.logo else None,
                logo_whole=files.whole.content if files else None,
                logo_worn=files.worn.content if files else None,
            )
        )

    async def worn(self) -> Worn:
        """As `Brand.worn` says."""
        (found,) = await self._transaction.read(WORN(account_id=self._account_id))
        return records.worn(found.first)
