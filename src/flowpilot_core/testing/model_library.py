"""What the plain model knows of trees, script templates and what people think of them: written from the contract, not from the code."""

from collections.abc import Mapping
from uuid import UUID

from attrs import Factory, define

from flowpilot_core.domain.kernel.errors import DraftTaken, FlowPilotError, InvalidTransition, NotFound, RoleForbidden
from flowpilot_core.domain.kernel.identifiers import UserId

TREE, SCRIPT = "tree", "script template"
BOSSES = ("owner", "admin")
OUTSIDE = "somebody outside the platform's account"


@define(kw_only=True)
class ModelTemplate:
    """What is known of a tree or a script template."""

    thing: str
    state: str = "draft"
    revision: int | None = None
    version: int = 1
    draft_by: UserId | None = None
    """None: there is no draft."""
    copied_from: UUID | None = None
    of_platform: bool = False


@define(kw_only=True)
class ModelLibrary:
    """What one account has, and what the platform shows to it.

    Methods named after moves return the refusal that is due, or None, and then the move is made.
    """

    roles: Mapping[UserId, str]
    names: Mapping[UserId, str]
    platform: Mapping[UUID, ModelTemplate]
    own: dict[UUID, ModelTemplate] = Factory(dict)
    stars: dict[tuple[UUID, UserId], int] = Factory(dict)
    walks: list[UUID] = Factory(list)
    """The tree of each session that follows one."""

    def seen(self, reader: UserId, template_id: UUID) -> ModelTemplate | None:
        """What it is for the reader, if it exists for them."""
        one = self.own.get(template_id) or self.platform.get(template_id)
        return one if one and (one.revision is not None or self.sees_draft(reader, one)) else None

    def sees_draft(self, reader: UserId, one: ModelTemplate) -> bool:
        """Whether it has a draft that exists for the reader."""
        return one.draft_by is not None and (one.draft_by == reader or self.roles[reader] in BOSSES)

    def listed(self, reader: UserId, thing: str) -> list[UUID]:
        """What a list shows, in its order."""
        shown = (id for id, one in self.own.items() if one.thing == thing and one.state != "archived" and self.seen(reader, id))
        return sorted(shown, reverse=True)

    def offered(self) -> set[UUID]:
        """What search shows to everybody of the account."""
        return {id for id, one in self.own.items() if one.state == "published"}

    def uses(self, template_id: UUID) -> int:
        """How often it was copied and followed."""
        return sum(one.copied_from == template_id for one in self.own.values()) + self.walks.count(template_id)

    def newest_copy(self, reader: UserId, template_id: UUID) -> UUID | None:
        """Of those that exist for the reader and were not put away."""
        copies = (
            id
            for id, one in self.own.items()
            if one.copied_from == template_id and one.state != "archived" and self.seen(reader, id) is not None
        )
        return max(copies, default=None)

    def given(self, template_id: UUID) -> dict[UserId, int]:
        """The stars that each gave it."""
        return {user_id: stars for (of, user_id), stars in self.stars.items() if of == template_id}

    def make(self, by: UserId, template_id: UUID, thing: str) -> FlowPilotError | None:
        """A draft."""
        if refusal := self._may(by, "write trees"):
            return refusal
        self.own[template_id] = ModelTemplate(thing=thing, draft_by=by)
        return None

    def copy(self, by: UserId, template_id: UUID, thing: str, new_id: UUID) -> FlowPilotError | None:
        """A draft of what was published last, here or by the platform."""
        one = self.seen(by, template_id)
        if one is None:
            return NotFound(thing)
        if refusal := self._may(by, "write trees"):
            return refusal
        if one.revision is None:
            return InvalidTransition(thing, one.state, "use")
        self.own[new_id] = ModelTemplate(thing=thing, draft_by=by, copied_from=template_id)
        return None

    def move(self, by: UserId, template_id: UUID, thing: str, move: str) -> FlowPilotError | None:
        """Edited, published, put away, taken back or deleted."""
        one = self.seen(by, template_id)
        if one is None:
            return NotFound(thing)
        permission = "write trees" if move in ("edit", "delete") else "publish trees"
        if refusal := self._may(by, permission):
            return refusal
        if one.of_platform:
            return RoleForbidden(OUTSIDE, permission)
        moves = {"edit": ("draft", "published"), "publish": ("draft", "published"), "archive": ("published",), "restore": ("archived",)}
        if one.state not in moves.get(move, ("draft",)):
            return InvalidTransition(thing, one.state, move)
        match move:
            case "edit":
                if one.draft_by not in (None, by) and not (one.revision is None and self.roles[by] in BOSSES):
                    return DraftTaken(thing, one.draft_by, self.names[one.draft_by])
                one.draft_by = one.draft_by or by
            case "publish":
                if one.draft_by is None:
                    return InvalidTransition(f"{thing} without a draft", one.state, "publish")
                one.state, one.revision, one.draft_by = "published", (one.revision or 0) + 1, None
            case "archive":
                one.state = "archived"
            case "restore":
                one.state = "published"
            case _:
                del self.own[template_id]
        one.version += 1
        return None

    def rate(self, by: UserId, template_id: UUID, thing: str, stars: int) -> FlowPilotError | None:
        """What somebody thinks of it, in place of what they thought before."""
        one = self.seen(by, template_id)
        if one is None:
            return NotFound(thing)
        if refusal := self._may(by, "rate trees and script templates"):
            return refusal
        if one.revision is None:
            return InvalidTransition(thing, one.state, "rate")
        self.stars[template_id, by] = stars
        return None

    def follow(self, by: UserId, tree_id: UUID) -> FlowPilotError | None:
        """Why it cannot be followed."""
        tree = self.seen(by, tree_id)
        if tree is None or tree.thing != TREE:
            return NotFound(TREE)
        return None if tree.state == "published" else InvalidTransition(TREE, tree.state, "use")

    def _may(self, by: UserId, permission: str) -> FlowPilotError | None:
        role = self.roles[by]
        may = role in BOSSES if permission == "publish trees" else role != "viewer"
        return None if may else RoleForbidden(role, permission)
