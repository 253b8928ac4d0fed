"""One tree to read: as one walks it, drawn whole, what was published of it, and what people think of it."""

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from attrs import frozen

from flowpilot_core.application.knowledge.trees import TreeShown
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.identifiers import RatingId
from flowpilot_core.domain.kernel.permissions import Permission, permits
from flowpilot_core.domain.knowledge.problems import Problem
from flowpilot_core.domain.knowledge.rating import MOST_STARS, Subject, TemplateRating
from flowpilot_core.domain.knowledge.template import TEMPLATE, TemplateMove
from flowpilot_http.pages.moves import Made, Move, Moves, Shown, formed
from flowpilot_http.pages.page_request import OfAccount, Visit, shows
from flowpilot_http.responses import Body
from flowpilot_http.schemas.knowledge.ratings import TemplateRatingOut
from flowpilot_http.schemas.knowledge.trees import DRAFT, DiffOut, DiffWanted, RevisionOut, TreeDetailOut

from .reading import read
from .shelf import TREES, Asked, categories, category_id, shelved, to_choose

TREE: Final = f"{TREES}/{{tree_id:str}}"
STARS: Final = tuple((number, f"{number} star{'s' if number > 1 else ''}") for number in range(1, MOST_STARS + 1))
move: Final = Moves()


@frozen(kw_only=True)
class Ratings:
    """What people of the account think of something, and which of it is the reader's."""

    all: Sequence[TemplateRatingOut]
    mine: TemplateRatingOut | None

    @classmethod
    async def of(cls, request: Visit, person: Person, subject: Subject, subject_id: UUID) -> "Ratings":
        """The newest that fit on a page."""
        found, names = await request.flowpilot.ratings.of(person, subject, subject_id, after=None, limit=MOST_RATINGS)
        shown = [TemplateRatingOut.of(one, names) for one in found]
        return cls(all=shown, mine=next((one for one in shown if one.by.id == person.user_id), None))


MOST_RATINGS: Final = 500


def at_nodes(problems: Sequence[Problem]) -> dict[str | None, list[Problem]]:
    """What is wrong, by the node where it is; None: with the tree itself."""
    found: dict[str | None, list[Problem]] = {}
    for one in problems:
        found.setdefault(one.node_id, []).append(one)
    return found


async def _shown(request: Visit, made: Shown, refusal: Exception | None) -> Body:
    wanted = await request.wanted(Asked)
    person, trees = request.person_for(wanted.account), request.flowpilot.trees
    shown = await trees.get(person, request.tree_id)
    (revisions, names), ratings, named = await asyncio.gather(
        trees.revisions(person, request.tree_id), Ratings.of(request, person, Subject.TREE, request.tree_id), categories(request, person)
    )
    tree = shown.detail.listed.tree
    return await shelved(
        request,
        "library_tree.html",
        made,
        refusal,
        do=wanted.do,
        tree=TreeDetailOut.shown(shown),
        reading=read(shown.content),
        content=shown.content,
        problems=at_nodes(shown.problems),
        offers=tree.offers(person),
        revisions=[RevisionOut.of(one, names) for one in revisions],
        ratings=ratings,
        stars=STARS,
        may_rate=tree.revision is not None and permits(person, Permission.RATE_TREES, ()),
        may_start=(tree.state, TemplateMove.USE) in TEMPLATE and permits(person, Permission.START, ()),
        may_copy=tree.revision is not None and permits(person, Permission.WRITE_TREES, ()),
        named=named,
        to_choose=to_choose,
        draft=DRAFT,
    )


class Rename(Move, kw_only=True, frozen=True):
    """What it is called, what for, and where it is found."""

    name: str = ""
    description: str | None = None
    category: UUID | None = None
    version: int | None = None


@move("rename", Rename)
async def rename_tree(request: Visit, person: Person, form: Rename) -> Made:
    """Unless somebody else has changed it meanwhile."""
    trees, named = request.flowpilot.trees, (form.name, form.description, category_id(form.category))
    await request.do(
        form,
        lambda change: trees.change(person, request.tree_id, lambda _: named, request=change),
        version=form.version,
    )
    return None


class Publish(Move, kw_only=True, frozen=True):
    """What is said of the revision, and the version of the tree that was read."""

    note: str | None = None
    version: int | None = None


@move("publish", Publish)
async def publish_tree(request: Visit, person: Person, form: Publish) -> Made:
    """The draft is the next revision."""
    trees = request.flowpilot.trees
    await request.do(form, lambda change: trees.publish(person, request.tree_id, form.note, request=change), version=form.version)
    return f"{TREES}/{request.tree_id}"


@move("archive", Move)
async def archive_tree(request: Visit, person: Person, form: Move) -> Made:
    """Offered to nobody any more."""
    await request.do(form, lambda change: request.flowpilot.trees.archive(person, request.tree_id, request=change))
    return None


@move("restore", Move)
async def restore_tree(request: Visit, person: Person, form: Move) -> Made:
    """Offered again."""
    await request.do(form, lambda change: request.flowpilot.trees.restore(person, request.tree_id, request=change))
    return None


@move("delete", Move)
async def delete_tree(request: Visit, person: Person, form: Move) -> Made:
    """Gone: it was never published."""
    await request.do(form, lambda change: request.flowpilot.trees.delete(person, request.tree_id, request=change))
    return TREES


@move("copy", Move)
async def copy_tree(request: Visit, person: Person, form: Move) -> Made:
    """A draft of one's own."""
    copied = await request.do(form, lambda change: request.flowpilot.trees.copy(person, request.tree_id, request=change))
    return _at(copied)


@move("follow-origin", Move)
async def follow_origin(request: Visit, person: Person, form: Move) -> Made:
    """What the original says by now is the draft."""
    await request.do(form, lambda change: request.flowpilot.trees.draft_from_origin(person, request.tree_id, request=change))
    return None


def _at(shown: TreeShown | None) -> str:
    return f"{TREES}/{shown.detail.listed.tree.id}" if shown else TREES


class Rate(Move, kw_only=True, frozen=True):
    """How many stars, and why."""

    stars: int
    comment: str | None = None


class Unrate(Move, kw_only=True, frozen=True):
    """Which rating is taken back."""

    rating: UUID


async def rate(request: Visit, person: Person, form: Rate, subject: Subject, subject_id: UUID) -> TemplateRating | None:
    """Say what one thinks of it, in place of what one said before."""
    ratings = request.flowpilot.ratings
    return await request.do(
        form, lambda change: ratings.rate(person, subject, subject_id, stars=form.stars, comment=form.comment, request=change)
    )


async def unrate(request: Visit, person: Person, form: Unrate) -> TemplateRating | None:
    """Take it back."""
    return await request.do(form, lambda change: request.flowpilot.ratings.drop(person, RatingId(form.rating), request=change))


@move("rate", Rate)
async def rate_tree(request: Visit, person: Person, form: Rate) -> Made:
    """With stars."""
    await rate(request, person, form, Subject.TREE, request.tree_id)
    return None


@move("unrate", Unrate)
async def unrate_tree(request: Visit, person: Person, form: Unrate) -> Made:
    """No longer."""
    await unrate(request, person, form)
    return None


class Between(OfAccount, kw_only=True, frozen=True):
    """Which two states of a tree."""

    before: str = "1"
    after: str = DRAFT


@shows(f"{TREE}/diff")
async def diff_page(request: Visit) -> Body:
    """What is different from one revision to another, or to the draft."""
    wanted = await request.wanted(Between)
    person, trees = request.person_for(wanted.account), request.flowpilot.trees
    shown = await trees.get(person, request.tree_id)
    before, after = DiffWanted(from_=wanted.before, to=wanted.after).numbers()
    diff, (revisions, _) = await asyncio.gather(
        trees.diff(person, request.tree_id, before, after), trees.revisions(person, request.tree_id)
    )
    states = [(str(one.number), f"Revision {one.number}") for one in revisions]
    return await shelved(
        request,
        "library_diff.html",
        {},
        None,
        tree=TreeDetailOut.shown(shown),
        diff=DiffOut.of(diff),
        wanted=wanted,
        states=([(DRAFT, "Draft")] if shown.draft else []) + states,
    )


ROUTES = (*formed(TREE, _shown, move), diff_page)
