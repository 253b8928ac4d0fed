"""The gallery as clients read it, signed in or not."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from flowpilot_core.application.knowledge.gallery import OpenTemplate
from flowpilot_core.application.knowledge.script_templates import ScriptShown
from flowpilot_core.application.knowledge.trees import TreeShown
from flowpilot_core.domain.kernel.identifiers import TreeCategoryId
from flowpilot_core.domain.kernel.query import Query
from flowpilot_core.domain.knowledge.category import TreeCategory
from flowpilot_core.domain.knowledge.gallery import LAST_POSITION
from flowpilot_core.domain.knowledge.literals import Language
from flowpilot_core.domain.knowledge.rating import Subject
from flowpilot_core.domain.knowledge.script import Platform, RunAs, ScriptContent
from flowpilot_core.domain.knowledge.template import Template, TemplateState
from flowpilot_core.ports.knowledge import GalleryFilter, GalleryShown, TreeInUse
from flowpilot_http.schemas.kernel import SOUGHT, Closed, Page

from .content import ContentIO, ParameterIO
from .ratings import StarsOut
from .trees import CategoryOut, CopiedFromOut


class GalleryWanted(Page, kw_only=True, frozen=True):
    """What of the gallery; what is left out asks for nothing."""

    kind: Subject | None = None
    category_id: Annotated[UUID | None, Meta(description="In it, or in one within it.")] = None
    q: Annotated[str | None, Meta(description=SOUGHT)] = None
    featured: bool | None = None

    def filter(self) -> GalleryFilter:
        """As the core knows it."""
        return GalleryFilter(
            subject=self.kind,
            category_id=None if self.category_id is None else TreeCategoryId(self.category_id),
            query=Query.narrowing(self.q),
            featured=self.featured,
        )


class OpenWanted(Page, kw_only=True, frozen=True):
    """What of the gallery, for who is not signed in."""

    kind: Subject | None = None
    category_id: Annotated[UUID | None, Meta(description="In it, or in one within it.")] = None

    def filter(self) -> GalleryFilter:
        """As the core knows it."""
        return GalleryFilter(subject=self.kind, category_id=None if self.category_id is None else TreeCategoryId(self.category_id))


class OpenSought(Page, kw_only=True, frozen=True):
    """What is sought in the gallery by who is not signed in."""

    q: Annotated[
        str,
        Meta(min_length=1, description=SOUGHT, extra_json_schema={"examples": ["printer"]}),
    ]

    def filter(self) -> GalleryFilter:
        """As the core knows it."""
        return GalleryFilter(query=Query.narrowing(self.q))


class PlaceInGallery(Closed, kw_only=True, frozen=True):
    """Whether and where something is shown."""

    listed: bool
    featured: bool = False
    position: Annotated[int, Meta(description="The least first.", extra_json_schema={"minimum": 0, "maximum": LAST_POSITION})] = 0


class OpenTemplateOut(msgspec.Struct, kw_only=True, frozen=True):
    """A tree or a script template that the platform shows."""

    kind: Subject
    id: UUID
    name: str
    description: str | None
    category: CategoryOut | None
    revision: int
    featured: bool
    uses: Annotated[int, Meta(description="Sessions and copies of all accounts, rounded down to 5.")]
    rating: Annotated[StarsOut | None, Meta(description="Of all accounts; null until five of them rated it.")]

    @classmethod
    def of(cls, one: GalleryShown) -> "OpenTemplateOut":
        """As anybody reads it."""
        return cls(**_head(one))


class MineOut(msgspec.Struct, kw_only=True, frozen=True):
    """The newest copy of something that your account has and you may read."""

    id: UUID
    revision: Annotated[int, Meta(description="Of the original.")]
    newer: Annotated[bool, Meta(description="Whether the original says something newer by now.")]


class GalleryOut(OpenTemplateOut, kw_only=True, frozen=True):
    """A tree or a script template that the platform shows, and what you have made of it."""

    mine: MineOut | None

    @classmethod
    def shown(cls, one: GalleryShown) -> "GalleryOut":
        """As an account reads it."""
        mine = one.mine
        copied = None if mine is None else MineOut(id=mine.id, revision=mine.revision, newer=mine.revision < one.revision)
        return cls(**_head(one), mine=copied)


class PlacedOut(OpenTemplateOut, kw_only=True, frozen=True):
    """A tree or a script template of the platform's, shown or not."""

    listed: bool
    position: int

    @classmethod
    def placed(cls, one: GalleryShown) -> "PlacedOut":
        """As the platform's people read it."""
        return cls(**_head(one), listed=one.entry.listed, position=one.entry.position)


class CopyOut(msgspec.Struct, kw_only=True, frozen=True):
    """The draft of your own that a copy is: its address is that of a tree or of a script template, as its kind says."""

    kind: Subject
    id: UUID
    version: int
    name: str
    description: str | None
    category: CategoryOut | None
    state: TemplateState
    copied_from: CopiedFromOut | None

    @classmethod
    def of(cls, copy: TreeShown | ScriptShown) -> "CopyOut":
        """As clients read it."""
        if isinstance(copy, TreeShown):
            listed = copy.detail.listed
            return cls._of(Subject.TREE, listed.tree, listed.category, listed.use)
        return cls._of(Subject.SCRIPT_TEMPLATE, copy.template, copy.category, copy.use)

    @classmethod
    def _of(cls, kind: Subject, template: Template[Any, Any], category: TreeCategory | None, use: TreeInUse) -> "CopyOut":
        copied = template.copied_from
        return cls(
            kind=kind,
            id=template.id,
            version=template.version,
            name=template.name,
            description=template.description,
            category=None if category is None else CategoryOut.of(category),
            state=template.state,
            copied_from=None
            if copied is None
            else CopiedFromOut(id=copied.template.id, revision=copied.revision, newest_revision=use.newest_origin),
        )


class OpenScriptOut(msgspec.Struct, kw_only=True, frozen=True):
    """What a script template is for, without what it says."""

    language: Language
    parameters: list[ParameterIO]
    platforms: list[Platform]
    run_as: RunAs

    @classmethod
    def of(cls, content: ScriptContent) -> "OpenScriptOut":
        """As anybody reads it."""
        return cls(
            language=content.language,
            parameters=[ParameterIO.of(one) for one in content.parameters],
            platforms=list(content.platforms),
            run_as=content.run_as,
        )


class OpenTemplateDetailOut(OpenTemplateOut, kw_only=True, frozen=True):
    """A tree or a script template as anybody sees it."""

    tree: Annotated[ContentIO | None, Meta(description="The first three levels; ways further down lead nowhere here.")]
    script: OpenScriptOut | None

    @classmethod
    def seen(cls, one: OpenTemplate) -> "OpenTemplateDetailOut":
        """As anybody reads it."""
        tree = None if one.tree is None else ContentIO.of(one.tree)
        script = None if one.script is None else OpenScriptOut.of(one.script)
        return cls(**_head(one.shown), tree=tree, script=script)


def _head(one: GalleryShown) -> dict[str, Any]:
    stars = one.entry.figures.stars
    return {
        "kind": one.entry.subject,
        "id": one.entry.id,
        "name": one.name,
        "description": one.description,
        "category": None if one.category is None else CategoryOut.of(one.category),
        "revision": one.revision,
        "featured": one.entry.featured,
        "uses": one.entry.figures.uses,
        "rating": StarsOut.of(stars) if stars.count else None,
    }
