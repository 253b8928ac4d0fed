"""What the platform shows, and how accounts use it, inside one unit of work."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Text, Uuid, bindparam, cast, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from flowpilot_adapters.sql.queries import own
from flowpilot_adapters.sql.records import knowledge as records
from flowpilot_adapters.sql.schema import gallery_entry, gallery_tally, script_template, session, step, template_rating, tree
from flowpilot_adapters.sql.statement import Statement, compiled
from flowpilot_adapters.sql.transaction import Transaction
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import PLATFORM_ACCOUNT, AccountId
from flowpilot_core.domain.knowledge.gallery import GalleryEntry, Used
from flowpilot_core.domain.knowledge.rating import Subject

from .stars import COLUMNS, stars
from .trees import readable

SUBJECT: Final = bindparam("subject", type_=Text())
SUBJECT_ID: Final = bindparam("id", type_=Uuid())

_entry = select(gallery_entry).where(
    gallery_entry.c.account_id == PLATFORM_ACCOUNT, gallery_entry.c.subject == SUBJECT, gallery_entry.c.id == SUBJECT_ID
)
GET: Final = compiled("gallery entry", _entry.where(readable(gallery_entry)))
HELD: Final = compiled("held gallery entry", _entry.where(own(gallery_entry)).with_for_update())
_saved = upsert(gallery_entry).values({column: bindparam(column.name) for column in gallery_entry.c})
SAVE: Final = compiled(
    "save gallery entry",
    _saved.on_conflict_do_update(
        index_elements=list(gallery_entry.primary_key),
        set_={name: _saved.excluded[name] for name in ("listed", "featured", "position", "uses", "votes", "stars")},
    ),
)
TALLIES: Final = compiled(
    "gallery tallies",
    select(gallery_tally).where(own(gallery_tally), gallery_tally.c.subject == SUBJECT, gallery_tally.c.id == SUBJECT_ID),
)
_tally = upsert(gallery_tally).values({column: bindparam(column.name) for column in gallery_tally.c})
TALLY: Final = compiled(
    "save gallery tally",
    _tally.on_conflict_do_update(
        index_elements=list(gallery_tally.primary_key), set_={name: _tally.excluded[name] for name in ("uses", "votes", "stars")}
    ),
)


def _used(subject: Subject) -> Statement:
    of = tree if subject is Subject.TREE else script_template
    copies = select(func.count()).where(own(of), of.c.copied_account_id == PLATFORM_ACCOUNT, of.c.copied_id == SUBJECT_ID)
    if subject is Subject.TREE:
        others = select(func.count()).where(
            own(session), session.c.walk_tree_account_id == PLATFORM_ACCOUNT, session.c.walk_tree_id == SUBJECT_ID
        )
    else:
        others = select(func.count()).where(
            own(step), step.c.script.is_not(None), step.c.script["template_id"].astext == cast(SUBJECT_ID, Text())
        )
    account, id = COLUMNS[subject]
    rated = (own(template_rating), account == PLATFORM_ACCOUNT, id == SUBJECT_ID)
    return compiled(
        f"use of {subject} of the platform",
        select(
            (copies.scalar_subquery() + others.scalar_subquery()).label("uses"),
            select(func.count()).select_from(template_rating).where(*rated).scalar_subquery().label("votes"),
            select(func.coalesce(func.sum(template_rating.c.stars), 0)).where(*rated).scalar_subquery().label("stars"),
        ),
    )


USED: Final[Mapping[Subject, Statement]] = MappingProxyType({subject: _used(subject) for subject in Subject})


class SqlGallery:
    """Inside one unit of work."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._account_id = transaction.account_id

    async def get(self, subject: Subject, subject_id: UUID) -> GalleryEntry:
        """As `Gallery.get` says."""
        return await self._one(GET(account_id=self._account_id, subject=subject, id=subject_id))

    async def held(self, subject: Subject, subject_id: UUID) -> GalleryEntry:
        """As `Gallery.held` says."""
        return await self._one(HELD(account_id=self._account_id, subject=subject, id=subject_id))

    async def save(self, entry: GalleryEntry) -> None:
        """As `Gallery.save` says."""
        of_tree = entry.subject is Subject.TREE
        self._transaction.write(
            SAVE(
                account_id=self._account_id,
                subject=entry.subject,
                id=entry.id,
                tree_id=entry.id if of_tree else None,
                script_id=None if of_tree else entry.id,
                listed=entry.listed,
                featured=entry.featured,
                position=entry.position,
                uses=entry.figures.uses,
                votes=entry.figures.stars.count,
                stars=entry.figures.stars.total,
            )
        )

    async def used(self, subject: Subject, subject_id: UUID) -> Used:
        """As `Gallery.used` says."""
        (found,) = await self._transaction.read(USED[subject](account_id=self._account_id, id=subject_id))
        return _used_in(found.first)

    async def tallies(self, subject: Subject, subject_id: UUID) -> Mapping[AccountId, Used]:
        """As `Gallery.tallies` says."""
        (found,) = await self._transaction.read(TALLIES(account_id=self._account_id, subject=subject, id=subject_id))
        return {AccountId(row.of_account): _used_in(row) for row in found.rows}

    async def tally(self, subject: Subject, subject_id: UUID, account_id: AccountId, used: Used) -> None:
        """As `Gallery.tally` says."""
        self._transaction.write(
            TALLY(
                account_id=self._account_id,
                subject=subject,
                id=subject_id,
                of_account=account_id,
                uses=used.uses,
                votes=used.stars.count,
                stars=used.stars.total,
            )
        )

    async def _one(self, call: Any) -> GalleryEntry:
        (found,) = await self._transaction.read(call)
        if found.first is None:
            raise NotFound("template")
        return records.gallery_entry(found.first)


def _used_in(row: Any) -> Used:
    return Used(uses=row.uses, stars=stars(row))
