"""What the platform shows of its trees and script templates, to all accounts and to who has none, and how much they are used."""

from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from attrs import evolve, frozen

from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.errors import InvalidValue, NotFound
from flowpilot_core.domain.kernel.identifiers import PLATFORM_ACCOUNT
from flowpilot_core.domain.kernel.permissions import Permission

from .content import Answer, Content, Next, Node, NodeId
from .ownership import Owner
from .rating import NO_STARS, Stars, Subject
from .template import Template

USES_IN_STEPS_OF: Final = 5
"""What a number of uses is rounded down to: an exact one would tell who began with something just now."""
LEAST_RATERS: Final = 5
"""Accounts that must have rated something before anybody is told what all of them think."""
LAST_POSITION: Final = 1_000_000
OPEN_LEVELS: Final = 3
"""Levels of a tree that whoever has no account sees."""


@frozen(kw_only=True)
class Used:
    """How one account uses something of the platform's, and what its people gave it."""

    uses: int = 0
    stars: Stars = NO_STARS


@frozen(kw_only=True)
class Figures:
    """What all may know of how something is used: nothing in it tells of one account."""

    uses: int = 0
    stars: Stars = NO_STARS
    """None, until enough accounts have rated it."""

    @classmethod
    def of(cls, accounts: Collection[Used]) -> "Figures":
        """What these come to together."""
        uses = sum(one.uses for one in accounts)
        raters = [one.stars for one in accounts if one.stars.count]
        stars = Stars(count=sum(one.count for one in raters), total=sum(one.total for one in raters))
        return cls(uses=uses - uses % USES_IN_STEPS_OF, stars=stars if len(raters) >= LEAST_RATERS else NO_STARS)


@frozen(kw_only=True)
class GalleryEntry:
    """Whether and where the platform shows one of its trees or script templates."""

    subject: Subject
    id: UUID
    listed: bool = False
    featured: bool = False
    position: int = 0
    """Where it stands among those that are featured, or among those that are not; the least first."""
    figures: Figures = Figures()

    def placed(self, template: Template[Any, Any], *, listed: bool, featured: bool, position: int, by: Actor) -> "GalleryEntry":
        """Shown like this from now on, or no more.

        Raises `InvalidValue`, `RoleForbidden`, and `InvalidTransition` for what nobody could use.
        """
        if not 0 <= position <= LAST_POSITION:
            raise InvalidValue("position", f"must be from 0 to {LAST_POSITION}")
        Owner.PLATFORM.require_own(by, Permission.MANAGE_GALLERY)
        template.require_usable()
        return evolve(self, listed=listed, featured=featured, position=position)


def require_platform(actor: Actor) -> None:
    """Raises `NotFound` for who is not of the platform's account: for them there is nothing to decide here."""
    if actor.account_id != PLATFORM_ACCOUNT:
        raise NotFound("template")


def first_levels(content: Content, levels: int = OPEN_LEVELS) -> Content:
    """The nodes that so many levels from the root on have; what lies below is left out, and ways to it lead nowhere."""
    kept: dict[NodeId, Node] = {}
    level = [content.root] if content.root is not None else []
    for _ in range(levels):
        here = [content.by_id[node_id] for node_id in dict.fromkeys(level) if node_id in content.by_id and node_id not in kept]
        kept |= {node.id: node for node in here}
        level = [edge.to for node in here for edge in node.edges if edge.to is not None]
    return evolve(content, nodes=tuple(_cut(node, kept) for node in content.nodes if node.id in kept))


def _cut(node: Node, kept: Collection[NodeId]) -> Node:
    def to(node_id: NodeId | None) -> NodeId | None:
        return node_id if node_id in kept else None

    ways = node.next
    return evolve(
        node,
        answers=tuple(Answer(label=one.label, next=to(one.next)) for one in node.answers),
        next=Next(worked=to(ways.worked), failed=to(ways.failed), inconclusive=to(ways.inconclusive), otherwise=to(ways.otherwise)),
    )
