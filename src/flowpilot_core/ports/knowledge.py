"""Where trees and their categories are kept, and what there is to see of them.

An account reads what the platform published as if it were its own; changing something of the platform's is never asked of these.
"""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Final, Protocol
from uuid import UUID

from attrs import frozen

from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.identifiers import (
    AccountId,
    EventId,
    RatingId,
    ScriptTemplateId,
    SessionId,
    TreeCategoryId,
    TreeId,
    TreeProposalId,
    UserId,
)
from flowpilot_core.domain.kernel.query import Query
from flowpilot_core.domain.knowledge.category import TreeCategory
from flowpilot_core.domain.knowledge.content import NodeId, TreeKind
from flowpilot_core.domain.knowledge.gallery import GalleryEntry, Used
from flowpilot_core.domain.knowledge.literals import Language
from flowpilot_core.domain.knowledge.ownership import Ref
from flowpilot_core.domain.knowledge.parameter import Parameter
from flowpilot_core.domain.knowledge.proposal import ProposalState, TreeProposal
from flowpilot_core.domain.knowledge.rating import NO_STARS, Stars, Subject, TemplateRating
from flowpilot_core.domain.knowledge.script import ScriptReading
from flowpilot_core.domain.knowledge.script_template import ScriptRevision, ScriptTemplate
from flowpilot_core.domain.knowledge.template import TemplateState
from flowpilot_core.domain.knowledge.tree import Tree, TreeRevision
from flowpilot_core.domain.sessions.feedback import Thumbs

from .kernel import KernelWork


class Sort(StrEnum):
    """What comes first in a list."""

    NEWEST = "newest"
    RATING = "rating"
    """The most stars, and of as many the newest."""


@frozen(kw_only=True)
class TreeFilter:
    """Which trees of the account to list, in which order; None: all."""

    state: TemplateState | None = None
    """None: those that `states_listed` says."""
    kind: TreeKind | None = None
    category_id: TreeCategoryId | None = None
    created_by: UserId | None = None
    query: Query | None = None
    """It fits its name and its description."""
    sort: Sort = Sort.NEWEST


@frozen(kw_only=True)
class TreeInUse:
    """How often a tree was copied or walked in the account, and how far what it was copied from is."""

    uses: int = 0
    newest_origin: int | None = None
    """The newest revision of what it was copied from, where that can still be read."""
    stars: Stars = NO_STARS
    """What people of the account gave it."""


@frozen(kw_only=True)
class TreeListed:
    """A tree as a list shows it."""

    tree: Tree
    category: TreeCategory | None
    use: TreeInUse


@frozen(kw_only=True)
class TreeDetail:
    """A tree with all that stands around it."""

    listed: TreeListed
    names: Mapping[UserId, str]
    """What the account's people on record here are called."""


class Trees(Protocol):
    """The trees of one account, inside one unit of work."""

    async def get(self, tree_id: TreeId) -> Tree:
        """One of the account, with its draft; or one that the platform published, without. Raises `NotFound`."""

    async def detail(self, tree_id: TreeId) -> "TreeDetail":
        """One as `get` finds it with all that stands around it, as this unit of work has left it so far. Raises `NotFound`."""

    async def made_from(self, session_id: SessionId) -> Tree | None:
        """The newest (greatest id) of the account's published trees that were made from a session, without its draft."""

    async def revision(self, tree_id: TreeId, number: int) -> TreeRevision:
        """What was published under that number, of one that `get` finds. Raises `NotFound`."""

    async def add(self, tree: Tree) -> None:
        """Keep a new one, with its draft."""

    async def save(self, tree: Tree) -> Tree:
        """Keep a changed one of the account, with its draft or without; returns it with the next `version`.

        Raises `Stale` (now, or at the latest at the commit) where the stored version is no longer that of `tree`.
        """

    async def add_revision(self, tree_id: TreeId, revision: TreeRevision) -> None:
        """Keep what was published; its tree is saved beside it."""

    async def drop(self, tree_id: TreeId) -> None:
        """Forget one that was never published."""


class TreeCategories(Protocol):
    """The categories of one account and of the platform, inside one unit of work."""

    async def get(self, category_id: TreeCategoryId) -> TreeCategory:
        """Raises `NotFound`."""

    async def all(self) -> Sequence[TreeCategory]:
        """All that the account may use, its own and the platform's, by id."""

    async def add(self, category: TreeCategory) -> None:
        """Keep a new one."""

    async def save(self, category: TreeCategory) -> None:
        """Keep a changed one of the account."""

    async def move_all(self, category_id: TreeCategoryId, to: TreeCategory) -> None:
        """Put all trees and script templates of the account that are in one of its categories into another."""

    async def drop(self, category_id: TreeCategoryId) -> None:
        """Forget an empty one of the account. Raises `CategoryInUse`, or at the commit `Stale` where something came into it since."""


@frozen(kw_only=True)
class ScriptFilter:
    """Which script templates of the account to list, in which order; None: all."""

    state: TemplateState | None = None
    """None: those that `states_listed` says."""
    category_id: TreeCategoryId | None = None
    created_by: UserId | None = None
    query: Query | None = None
    """It fits its name and its description."""
    sort: Sort = Sort.NEWEST


class ScriptTemplates(Protocol):
    """The script templates of one account, and those that the platform published, inside one unit of work."""

    async def get(self, template_id: ScriptTemplateId) -> ScriptTemplate:
        """One of the account, with its draft; or one that the platform published, without. Raises `NotFound`."""

    async def revision(self, template_id: ScriptTemplateId, number: int) -> ScriptRevision:
        """What was published under that number, of one that `get` finds. Raises `NotFound`."""

    async def revisions(self, template_id: ScriptTemplateId) -> Sequence[ScriptRevision]:
        """All that was published of one that `get` finds, newest first; none of one that is not there."""

    async def listed(self, where: ScriptFilter, reader: Actor, *, after: ScriptTemplateId | None, limit: int) -> Sequence[ScriptTemplate]:
        """Those of the account that `reader` may read, newest (greatest id) first or as asked, their drafts without content."""

    async def uses(self, ids: Collection[ScriptTemplateId]) -> Mapping[ScriptTemplateId, TreeInUse]:
        """How often each was taken or copied in the account, and how far what it was copied from is; for every id."""

    async def newest(self, ids: Collection[ScriptTemplateId]) -> Mapping[ScriptTemplateId, int]:
        """Of those that were published, the number of the newest revision."""

    async def add(self, template: ScriptTemplate) -> None:
        """Keep a new one, with its draft."""

    async def save(self, template: ScriptTemplate) -> ScriptTemplate:
        """Keep a changed one of the account, with its draft or without; returns it with the next `version`.

        Raises `Stale` (now, or at the latest at the commit) where the stored version is no longer that of `template`.
        """

    async def add_revision(self, template_id: ScriptTemplateId, revision: ScriptRevision) -> None:
        """Keep what was published; its template is saved beside it."""

    async def drop(self, template_id: ScriptTemplateId) -> None:
        """Forget one that was never published."""


class Ratings(Protocol):
    """What people of one account think of trees and script templates, inside one unit of work."""

    async def get(self, rating_id: RatingId) -> TemplateRating:
        """Raises `NotFound`."""

    async def of(self, subject: Subject, ref: Ref[UUID], *, after: RatingId | None, limit: int) -> Sequence[TemplateRating]:
        """Those of one subject, by id."""

    async def save(self, rating: TemplateRating) -> TemplateRating:
        """Keep it, in place of an earlier one of the same person of the same subject, whose id it then has. Returns it as kept."""

    async def drop(self, rating_id: RatingId) -> None:
        """Forget it."""


class Gallery(Protocol):
    """What the platform shows, inside one unit of work: of its own account all that was decided, of another what is listed."""

    async def get(self, subject: Subject, subject_id: UUID) -> GalleryEntry:
        """What was decided of something. Raises `NotFound`."""

    async def held(self, subject: Subject, subject_id: UUID) -> GalleryEntry:
        """The same, and nobody else gets it so until this unit of work ends; for the platform's account. Raises `NotFound`."""

    async def save(self, entry: GalleryEntry) -> None:
        """Keep what is decided; for the platform's account."""

    async def used(self, subject: Subject, subject_id: UUID) -> Used:
        """How this account uses something of the platform's."""

    async def tallies(self, subject: Subject, subject_id: UUID) -> Mapping[AccountId, Used]:
        """How each account uses it, as far as that was kept; for the platform's account."""

    async def tally(self, subject: Subject, subject_id: UUID, account_id: AccountId, used: Used) -> None:
        """Keep how an account uses something that there is an entry of; for the platform's account."""


@frozen(kw_only=True)
class SessionNamed:
    """A session, as what leads to it calls it."""

    id: SessionId
    title: str


MOST_SESSIONS: Final = 20
"""Of one proposal, to be shown: as many sessions may lead there as there are."""


class TreeProposals(Protocol):
    """What is proposed to one account, inside one unit of work. The same is never there twice."""

    async def ask(self, work_id: UUID, *, caused_by: EventId) -> None:
        """Have it looked at after the commit what the session of this event taught, if the event is recorded here."""

    async def get(self, proposal_id: TreeProposalId) -> TreeProposal:
        """Raises `NotFound`."""

    async def listed(self, state: ProposalState | None, *, after: TreeProposalId | None, limit: int) -> Sequence[TreeProposal]:
        """Those in this state or in any, newest (greatest id) first."""

    async def at_node(self, tree: Ref[TreeId], node_id: NodeId) -> TreeProposal | None:
        """The one that goes on from this node, whatever was decided."""

    async def covering(self, session_ids: Collection[SessionId]) -> TreeProposal | None:
        """The oldest one of a new tree that any of these sessions leads to, whatever was decided."""

    async def add(self, proposal: TreeProposal, session_ids: Collection[SessionId]) -> None:
        """Keep a new one, with all sessions that lead there.

        Raises `Stale` (now or at the commit) where meanwhile another goes on from the same node, or one of a new tree has one of the
        sessions.
        """

    async def join(self, proposal: TreeProposal, session_id: SessionId) -> None:
        """One more session leads there, if it did not before. Raises `Stale` as `add` does."""

    async def save(self, proposal: TreeProposal) -> None:
        """Keep what was decided. Raises `Stale` (now or at the commit) where somebody else has decided."""

    async def sessions(self, proposal_ids: Collection[TreeProposalId], reader: Actor) -> Mapping[TreeProposalId, Sequence[SessionNamed]]:
        """The sessions that lead to each, for every id: those that `reader` may read, the newest `MOST_SESSIONS`, newest first."""


class KnowledgeWork(KernelWork, Protocol):
    """A unit of work over trees and script templates."""

    @property
    def trees(self) -> Trees:
        """The trees."""

    @property
    def tree_categories(self) -> TreeCategories:
        """The categories."""

    @property
    def script_templates(self) -> ScriptTemplates:
        """The script templates."""

    @property
    def ratings(self) -> Ratings:
        """What people think of them."""

    @property
    def gallery(self) -> Gallery:
        """What the platform shows."""

    @property
    def tree_proposals(self) -> TreeProposals:
        """What is proposed from what was solved."""


NAME_IN_PLACE: Final = 24
"""Characters of a name that say where something stands."""


@frozen(order=True)
class GalleryPlace:
    """Where something stands in the gallery: what is not featured comes later."""

    later: bool
    position: int
    name: str
    """Its beginning."""
    id: UUID


@frozen(kw_only=True)
class GalleryFilter:
    """Which of the platform's published trees and script templates to show; None: all."""

    subject: Subject | None = None
    id: UUID | None = None
    category_id: TreeCategoryId | None = None
    """They are in it, or in one within it."""
    featured: bool | None = None
    query: Query | None = None
    """It fits its name and its description."""
    listed: bool = True
    """Listed ones alone."""
    reader: Actor | None = None
    """Who reads it: of the account's copies those that they may read are told, and to nobody those that were published."""


@frozen(kw_only=True)
class Copied:
    """What an account has copied from something: the newest copy that it did not put away, of those that the reader may read."""

    id: UUID
    revision: int
    """Of the original."""


@frozen(kw_only=True)
class GalleryShown:
    """Something of the platform's as the gallery shows it."""

    entry: GalleryEntry
    name: str
    description: str | None
    category: TreeCategory | None
    revision: int
    mine: Copied | None

    @property
    def place(self) -> GalleryPlace:
        """Where it stands."""
        return GalleryPlace(not self.entry.featured, self.entry.position, self.name[:NAME_IN_PLACE], self.entry.id)


@frozen(kw_only=True)
class CategoryListed:
    """A category, with how many of the account's trees and script templates are in it that the reader may read."""

    category: TreeCategory
    trees: int
    scripts: int


class KnowledgeView(Protocol):
    """What there is to see of trees in one account."""

    async def gallery(self, where: GalleryFilter, *, after: GalleryPlace | None, limit: int) -> Sequence[GalleryShown]:
        """What the platform has published, by its place; what nobody decided on is not listed."""

    async def trees(
        self, where: TreeFilter, reader: Actor, *, after: TreeId | None, limit: int
    ) -> tuple[Sequence[TreeListed], Mapping[UserId, str]]:
        """Trees of the account that `reader` may read, newest (greatest id) first or as asked, their drafts without content; and names."""

    async def tree_revisions(self, tree_id: TreeId) -> tuple[Sequence[TreeRevision], Mapping[UserId, str]]:
        """All that was published of it, newest first, with names. Raises `NotFound`."""

    async def thumbs(self, ref: Ref[TreeId]) -> Mapping[NodeId, Thumbs]:
        """What people of the account think of steps that were taken at a tree's nodes, whatever its revision; of nodes with any."""

    async def tree_categories(self, reader: Actor | None) -> Sequence[CategoryListed]:
        """All that the account may use, by id, as `reader` sees them; None: as whoever reads no draft."""

    async def trees_about(self, words: Collection[str]) -> Sequence[tuple[Tree, Stars]]:
        """Published trees of the account and of the platform that are about any of these words, by id, with the stars that they show."""


class ReadScript(Protocol):
    """A parser of the languages that scripts are written in. It runs nothing, and may go to another process."""

    def __call__(self, language: Language, body: str, parameters: Sequence[Parameter], /) -> ScriptReading:
        """Where each placeholder of a script stands, in their order, and where the language cannot read on.

        A placeholder is a value only where every literal of its parameter's type is one there, whatever its value is: that is read back,
        and neither run nor evaluated. One of no known parameter is taken for a text.
        """


class DeclaredParameters(Protocol):
    """What reads, from a script, the parameters that it declares by its language's own means; it may go to another process."""

    def __call__(self, language: Language, body: str, /) -> tuple[Parameter, ...]:
        """Parameters that can be asked for, in the order of the script; none where it declares none, or cannot be read."""
