"""What people of one account think of trees and script templates."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Uuid, bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert as upsert

from flowpilot_adapters.sql.queries import LIMIT, LOWEST, own
from flowpilot_adapters.sql.schema import template_rating
from flowpilot_adapters.sql.statement import Statement, compiled
from flowpilot_adapters.sql.transaction import Transaction
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import RatingId
from flowpilot_core.domain.knowledge.ownership import Owner, Ref
from flowpilot_core.domain.knowledge.rating import Subject, TemplateRating

from .stars import COLUMNS
from .trees import account_of

RATING_ID: Final = bindparam("rating_id", type_=Uuid())
GET: Final = compiled("rating", select(template_rating).where(own(template_rating), template_rating.c.id == RATING_ID))
DROP: Final = compiled("drop rating", delete(template_rating).where(own(template_rating), template_rating.c.id == RATING_ID))


def _of(subject: Subject) -> Statement:
    account, id = COLUMNS[subject]
    return compiled(
        f"ratings of {subject}",
        select(template_rating)
        .where(
            own(template_rating),
            account == bindparam("of_account_id", type_=Uuid()),
            id == bindparam("of_id", type_=Uuid()),
            template_rating.c.id > bindparam("after", type_=Uuid()),
        )
        .order_by(template_rating.c.id)
        .limit(LIMIT),
    )


def _save(subject: Subject) -> Statement:
    new = upsert(template_rating).values({column: bindparam(column.name) for column in template_rating.c})
    return compiled(
        f"rate {subject}",
        new.on_conflict_do_update(
            index_elements=[template_rating.c.account_id, *COLUMNS[subject], template_rating.c.user_id],
            set_={column: new.excluded[column] for column in ("stars", "comment", "given_at")},
        ).returning(template_rating),
    )


OF: Final[Mapping[Subject, Statement]] = MappingProxyType({subject: _of(subject) for subject in Subject})
SAVE: Final[Mapping[Subject, Statement]] = MappingProxyType({subject: _save(subject) for subject in Subject})


class SqlRatings:
    """Inside one unit of work."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id

    async def get(self, rating_id: RatingId) -> TemplateRating:
        """As `Ratings.get` says."""
        (found,) = await self._transaction.read(GET(account_id=self._account_id, rating_id=rating_id))
        if found.first is None:
            raise NotFound("rating")
        return _rating(found.first)

    async def of(self, subject: Subject, ref: Ref[UUID], *, after: RatingId | None, limit: int) -> Sequence[TemplateRating]:
        """As `Ratings.of` says."""
        of_account_id = account_of(ref, self._account_id)
        asked = OF[subject](account_id=self._account_id, of_account_id=of_account_id, of_id=ref.id, after=after or LOWEST, most=limit)
        (found,) = await self._transaction.read(asked)
        return [_rating(row) for row in found.rows]

    async def save(self, rating: TemplateRating) -> TemplateRating:
        """As `Ratings.save` says."""
        named = {column.name: None for columns in COLUMNS.values() for column in columns}
        account, id = COLUMNS[rating.subject]
        (found,) = await self._transaction.read(
            SAVE[rating.subject](
                account_id=self._account_id,
                id=rating.id,
                user_id=rating.user_id,
                stars=rating.stars,
                comment=rating.comment,
                given_at=rating.given_at,
                **{**named, account.name: account_of(rating.of, self._account_id), id.name: rating.of.id},
            )
        )
        return _rating(found.first)

    async def drop(self, rating_id: RatingId) -> None:
        """As `Ratings.drop` says."""
        self._transaction.write(DROP(account_id=self._account_id, rating_id=rating_id))


def _rating(row: Any) -> TemplateRating:
    subject = Subject.SCRIPT_TEMPLATE if row.tree_id is None else Subject.TREE
    account, id = COLUMNS[subject]
    return TemplateRating(
        id=row.id,
        subject=subject,
        of=Ref(id=getattr(row, id.name), owner=Owner.of(getattr(row, account.name))),
        user_id=row.user_id,
        stars=row.stars,
        comment=row.comment,
        given_at=row.given_at,
    )
