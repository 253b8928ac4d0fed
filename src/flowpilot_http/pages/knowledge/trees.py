"""The list of the account's trees, and how a new one begins: empty, with a file, or with what a session found."""

import asyncio
from typing import Final
from uuid import UUID

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.identifiers import SessionId, TreeId
from flowpilot_core.domain.kernel.permissions import Permission, require_role
from flowpilot_core.domain.knowledge.content import TreeKind
from flowpilot_core.ports.knowledge import TreeFilter
from flowpilot_http.api_request import MIB
from flowpilot_http.pages.moves import WRONG, Made, Move, Moves, Shown, formed, require_sayable
from flowpilot_http.pages.page_request import Form, Visit, takes_file
from flowpilot_http.responses import Body
from flowpilot_http.schemas.knowledge.content import TreeFile
from flowpilot_http.schemas.knowledge.trees import TreeOut

from .shelf import MOST, STATES, TREES, Sought, categories, category_id, shelved, to_choose
from .templates import About

KINDS: Final = ((TreeKind.TROUBLESHOOTING, "Troubleshooting"), (TreeKind.PROCEDURE, "Procedure"))
move: Final = Moves()


class Chosen(Sought, kw_only=True, frozen=True):
    """Which trees, and from where on."""

    kind: TreeKind | None = None


async def _shown(request: Visit, made: Shown, refusal: Exception | None) -> Body:
    wanted = await request.wanted(Chosen)
    person = request.person_for(wanted.account)
    where = TreeFilter(kind=wanted.kind, **wanted.by(person))
    (trees, names), named = await asyncio.gather(
        request.flowpilot.trees.list(person, where, after=None if wanted.after is None else TreeId(wanted.after), limit=MOST + 1),
        categories(request, person),
    )
    return await shelved(
        request,
        "library_trees.html",
        made,
        refusal,
        wanted=wanted,
        items=[TreeOut.of(one, names, person) for one in trees[:MOST]],
        older=trees[MOST - 1].tree.id if len(trees) > MOST else None,
        kinds=KINDS,
        states=STATES,
        named=named,
        to_choose=to_choose,
    )


class New(About, kw_only=True, frozen=True):
    """What it is called, and what it is for."""

    kind: TreeKind = TreeKind.TROUBLESHOOTING


@move("new", New)
async def begin_tree(request: Visit, person: Person, form: New) -> Made:
    """A draft, to be written next."""
    trees = request.flowpilot.trees
    begun = await request.do(
        form,
        lambda change: trees.make(
            person, name=form.name, kind=form.kind, description=form.description, category_id=category_id(form.category), request=change
        ),
    )
    return f"{TREES}/{begun.detail.listed.tree.id}/edit" if begun else TREES


class Save(Move, kw_only=True, frozen=True):
    """Which session, and what its tree is called."""

    session: UUID
    name: str = ""
    category: UUID | None = None


@move("save-as-tree", Save)
async def save_session(request: Visit, person: Person, form: Save) -> Made:
    """A draft of what a resolved session found."""
    saving = request.flowpilot.saving
    saved = await request.do(
        form,
        lambda change: saving.save(person, SessionId(form.session), name=form.name, category_id=category_id(form.category), request=change),
    )
    return f"{TREES}/{saved.detail.listed.tree.id}" if saved else TREES


@takes_file(f"{TREES}/import", most=MIB)
async def import_tree(request: Visit) -> Body:
    """A draft with what a file says, as an export writes it."""
    person, trees = request.user, request.flowpilot.trees
    require_role(person, Permission.WRITE_TREES)
    try:
        form, raw = await request.sent(Form), await request.uploaded("file")
        file = await request.read_as(TreeFile, raw, yaml=not raw.lstrip().startswith(b"{"))
        begun = await request.do(
            form,
            lambda change: trees.make(
                person, name=file.name, kind=file.kind, description=file.description, content=file.content.content(), request=change
            ),
            file=raw,
        )
    except WRONG as refusal:
        require_sayable(refusal)
        return await _shown(request, {}, refusal)
    return request.see(f"{TREES}/{begun.detail.listed.tree.id}" if begun else TREES)


ROUTES = (*formed(TREES, _shown, move), import_tree)
