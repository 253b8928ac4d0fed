"""One tree to read: as one walks it, drawn whole, what was published of it, and what people think of it."""

import asyncio
from collections.abc import Sequence
from typing import Final

from flowpilot_core.application.knowledge.trees import TreeShown
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.permissions import Permission, permits
from flowpilot_core.domain.knowledge.problems import Problem
from flowpilot_core.domain.knowledge.rating import Subject
from flowpilot_core.domain.knowledge.template import TEMPLATE, TemplateMove
from flowpilot_http.pages.moves import Made, Moves, Shown, formed
from flowpilot_http.pages.page_request import OfAccount, Visit, shows
from flowpilot_http.responses import Body
from flowpilot_http.schemas.knowledge.trees import DRAFT, DiffOut, DiffWanted, RevisionOut, TreeDetailOut

from .reading import read
from .shelf import TREES, Asked, categories, category_id, shelved, to_choose
from .templates import STARS, AsRead, Publish, Ratings, Rename, put_away_and_rated

TREE: Final = f"{TREES}/{{tree_id:str}}"
move: Final = Moves()


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


@move("publish", Publish)
async def publish_tree(request: Visit, person: Person, form: Publish) -> Made:
    """The draft is the next revision."""
    trees = request.flowpilot.trees
    await request.do(form, lambda change: trees.publish(person, request.tree_id, form.note, request=change), version=form.version)
    return f"{TREES}/{request.tree_id}"


@move("delete", AsRead)
async def delete_tree(request: Visit, person: Person, form: AsRead) -> Made:
    """Gone: it was never published."""
    await request.do(form, lambda change: request.flowpilot.trees.delete(person, request.tree_id, request=change), version=form.version)
    return TREES


@move("copy", AsRead)
async def copy_tree(request: Visit, person: Person, form: AsRead) -> Made:
    """A draft of one's own."""
    copied = await request.do(form, lambda change: request.flowpilot.trees.copy(person, request.tree_id, request=change))
    return _at(copied)


@move("follow-origin", AsRead)
async def follow_origin(request: Visit, person: Person, form: AsRead) -> Made:
    """What the original says by now is the draft."""
    await request.do(
        form, lambda change: request.flowpilot.trees.draft_from_origin(person, request.tree_id, request=change), version=form.version
    )
    return None


def _at(shown: TreeShown | None) -> str:
    return f"{TREES}/{shown.detail.listed.tree.id}" if shown else TREES


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


put_away_and_rated(move, lambda request: (request.flowpilot.trees, request.tree_id), Subject.TREE)
ROUTES = (*formed(TREE, _shown, move), diff_page)
