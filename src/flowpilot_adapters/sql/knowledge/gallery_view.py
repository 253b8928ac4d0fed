"""What the platform has published, as the gallery shows it."""

from typing import Any, Final

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Integer,
    Select,
    Table,
    Text,
    Uuid,
    and_,
    bindparam,
    collate,
    func,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
    union_all,
)

from flowpilot_adapters.sql.matching import fits, fitting
from flowpilot_adapters.sql.queries import LIMIT, LOWEST, if_given, own
from flowpilot_adapters.sql.records import knowledge as records
from flowpilot_adapters.sql.schema import gallery_entry, script_template, script_template_draft, tree, tree_category, tree_draft
from flowpilot_adapters.sql.statement import Call, compiled
from flowpilot_core.domain.kernel.identifiers import PLATFORM_ACCOUNT, AccountId
from flowpilot_core.domain.knowledge.category import TreeCategory
from flowpilot_core.domain.knowledge.ownership import Owner
from flowpilot_core.domain.knowledge.rating import Subject
from flowpilot_core.domain.knowledge.template import TemplateState
from flowpilot_core.ports.knowledge import NAME_IN_PLACE, Copied, GalleryFilter, GalleryPlace, GalleryShown

from .trees import drafted_by_reader, may_read, reads_drafts

BEGINNING: Final = GalleryPlace(False, -1, "", LOWEST)


def _decided(column: str, otherwise: str) -> ColumnElement[Any]:
    """What nobody decided on is not listed, and used by nobody."""
    return func.coalesce(gallery_entry.c[column], literal_column(otherwise)).label(column)


def _published(subject: Subject, template: Table, draft: Table, of: str) -> Select[Any]:
    copy = template.alias("copy")
    may_read_it = may_read(copy, drafted_by_reader(copy, draft, of))

    def mine(column: str) -> ColumnElement[Any]:
        is_of_it = (copy.c.copied_account_id == PLATFORM_ACCOUNT, copy.c.copied_id == template.c.id, copy.c.state != TemplateState.ARCHIVED)
        newest = select(copy.c[column]).where(own(copy), *is_of_it, may_read_it).order_by(copy.c.id.desc()).limit(1)
        return newest.scalar_subquery().label(f"mine_{column}")

    decided = and_(
        gallery_entry.c.account_id == template.c.account_id,
        gallery_entry.c.subject == literal_column(f"'{subject}'"),
        gallery_entry.c.id == template.c.id,
    )
    inside = and_(tree_category.c.account_id == template.c.category_account_id, tree_category.c.id == template.c.category_id)
    return (
        select(
            literal(str(subject), literal_execute=True).label("subject"),
            template.c.id,
            template.c.name,
            template.c.description,
            template.c.revision,
            tree_category.c.id.label("category_id"),
            tree_category.c.name.label("category_name"),
            tree_category.c.parent_id.label("category_parent_id"),
            _decided("listed", "false"),
            _decided("featured", "false"),
            _decided("position", "0"),
            _decided("uses", "0"),
            _decided("votes", "0"),
            _decided("stars", "0"),
            mine("id"),
            mine("copied_revision"),
        )
        .select_from(template.outerjoin(gallery_entry, decided).outerjoin(tree_category, inside))
        .where(template.c.account_id == PLATFORM_ACCOUNT, template.c.state == TemplateState.PUBLISHED)
    )


_all = union_all(
    _published(Subject.TREE, tree, tree_draft, "tree_id"),
    _published(Subject.SCRIPT_TEMPLATE, script_template, script_template_draft, "template_id"),
).subquery("published")
_category = bindparam("category_id", type_=Uuid())
_place = (~_all.c.featured, _all.c.position, collate(func.left(_all.c.name, NAME_IN_PLACE), "C"), _all.c.id)
SHOWN: Final = compiled(
    "gallery",
    select(_all)
    .where(
        or_(_all.c.listed, ~bindparam("listed", type_=Boolean())),
        if_given(_all.c.subject, "subject"),
        if_given(_all.c.id, "id"),
        if_given(_all.c.featured, "featured"),
        or_(_category.is_(None), _all.c.category_id == _category, _all.c.category_parent_id == _category),
        *fits(_all.c.name, _all.c.description),
        tuple_(*_place)
        > tuple_(
            bindparam("after_later", type_=Boolean()),
            bindparam("after_position", type_=Integer()),
            bindparam("after_name", type_=Text()),
            bindparam("after_id", type_=Uuid()),
        ),
    )
    .order_by(*_place)
    .limit(LIMIT),
)


def shown(account_id: AccountId, where: GalleryFilter, after: GalleryPlace | None, limit: int) -> Call:
    """What reads it."""
    place = after or BEGINNING
    return SHOWN(
        account_id=account_id,
        listed=where.listed,
        subject=where.subject,
        id=where.id,
        featured=where.featured,
        category_id=where.category_id,
        **fitting(where.query),
        **reads_drafts(where.reader),
        after_later=place.later,
        after_position=place.position,
        after_name=place.name,
        after_id=place.id,
        most=limit,
    )


def of(row: Any) -> GalleryShown:
    """One in a row."""
    category = None
    if row.category_id is not None:
        category = TreeCategory(id=row.category_id, owner=Owner.PLATFORM, name=row.category_name, parent_id=row.category_parent_id)
    return GalleryShown(
        entry=records.gallery_entry(row),
        name=row.name,
        description=row.description,
        category=category,
        revision=row.revision,
        mine=None if row.mine_id is None else Copied(id=row.mine_id, revision=row.mine_copied_revision),
    )
