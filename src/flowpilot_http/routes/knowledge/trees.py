"""Trees: their drafts, revisions, copies and files."""

from typing import Final
from uuid import UUID

import msgspec

from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.identifiers import TreeCategoryId, TreeId, UserId
from flowpilot_core.domain.knowledge.content import EMPTY
from flowpilot_core.domain.knowledge.drawing import as_mermaid
from flowpilot_core.ports.knowledge import TreeListed
from flowpilot_http import yaml_text
from flowpilot_http.api_request import Call
from flowpilot_http.operations import Part
from flowpilot_http.responses import Body, encode
from flowpilot_http.schemas.kernel import Listed, Nothing
from flowpilot_http.schemas.knowledge.content import ContentIO, TreeFile
from flowpilot_http.schemas.knowledge.trees import (
    ChangeTree,
    DiffOut,
    DiffWanted,
    ExportWanted,
    NewContent,
    NewTree,
    NodeOut,
    Publish,
    RevisionDetailOut,
    RevisionOut,
    SaveAs,
    TakeOver,
    TreeDetailOut,
    TreeOut,
    TreesWanted,
)

part = Part("Trees")

TREE: Final = "/trees/{tree_id:str}"
YAML: Final = "application/yaml"
MERMAID: Final = "text/vnd.mermaid"
OF_STATE: Final = ("invalid_transition",)


@part.reads("/trees", Listed[TreeOut], query=TreesWanted, problems=("invalid_cursor",))
async def list_trees(request: Call) -> Body:
    """The trees of your account, newest first or as asked: what was published, and the drafts that you may see."""
    wanted = await request.wanted(TreesWanted)
    where = wanted.filter()
    names: dict[UserId, str] = {}

    async def more(after: UUID | None, limit: int) -> list[TreeListed]:
        last = None if after is None else TreeId(after)
        found, named = await request.flowpilot.trees.list(request.user, where, after=last, limit=limit)
        names.update(named)
        return list(found)

    return await request.listed(
        wanted,
        f"trees {where}",
        UUID,
        more,
        shown=lambda one: TreeOut.of(one, names, request.user),
        at=lambda one: one.tree.id,
    )


@part.makes("/trees", TreeDetailOut, body=NewTree, problems=("not_found",))
async def make_tree(request: Call) -> Body:
    """Begin a tree: a draft, finished or not. What is wrong with it stands in `problems`."""
    new = await request.read(NewTree)
    return await request.changed(
        lambda change: request.flowpilot.trees.make(
            request.user,
            name=new.name,
            kind=new.kind,
            description=new.description,
            category_id=None if new.category_id is None else TreeCategoryId(new.category_id),
            content=EMPTY if new.content is None else new.content.content(),
            request=change,
        ),
        TreeDetailOut.shown,
        status=201,
    )


@part.makes("/trees/import", TreeDetailOut, body=TreeFile, also=YAML)
async def import_tree(request: Call) -> Body:
    """Begin a tree with what a file says, as `export` writes it: YAML or JSON, as the `Content-Type` says."""
    file = await request.read_file(TreeFile)
    return await request.changed(
        lambda change: request.flowpilot.trees.make(
            request.user,
            name=file.name,
            kind=file.kind,
            description=file.description,
            content=file.content.content(),
            request=change,
        ),
        TreeDetailOut.shown,
        status=201,
    )


@part.makes("/ai-sessions/{session_id:str}/save-as-tree", TreeDetailOut, body=SaveAs, problems=OF_STATE)
async def save_as_tree(request: Call) -> Body:
    """Begin a tree with what a resolved session did: without secrets, and without whom and which machines it was about."""
    new = await request.read(SaveAs)
    return await request.changed(
        lambda change: request.flowpilot.saving.save(
            request.user,
            request.session_id,
            name=new.name,
            category_id=None if new.category_id is None else TreeCategoryId(new.category_id),
            request=change,
        ),
        TreeDetailOut.shown,
        status=201,
    )


@part.reads(TREE, TreeDetailOut, etag=True)
async def get_tree(request: Call) -> Body:
    """One tree, with its draft for who may see that, else with its newest revision."""
    await request.wanted(Nothing)
    shown = await request.flowpilot.trees.get(request.user, request.tree_id)
    return request.shown(TreeDetailOut.shown(shown), version=shown.detail.listed.tree.version)


@part.mends(TREE, TreeDetailOut, body=ChangeTree, problems=OF_STATE)
async def change_tree(request: Call) -> Body:
    """Give a tree another name, description or category; what is left out stays."""
    new = await request.read(ChangeTree)
    return await request.changed(
        lambda change: request.flowpilot.trees.change(request.user, request.tree_id, new.of, request=change), TreeDetailOut.shown
    )


@part.drops(TREE, problems=OF_STATE)
async def delete_tree(request: Call) -> Body:
    """Delete a tree that was never published."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.trees.delete(request.user, request.tree_id, request=change), lambda _: None, status=204
    )


@part.sets(f"{TREE}/content", TreeDetailOut, body=NewContent, query=TakeOver, problems=("draft_taken", *OF_STATE))
async def edit_tree(request: Call) -> Body:
    """Keep this as the draft, unfinished or not: `problems` says what is missing. The draft of a published tree belongs to who began it."""
    new, asked = await request.read(NewContent, query=TakeOver), await request.wanted(TakeOver)
    return await request.changed(
        lambda change: request.flowpilot.trees.edit(
            request.user, request.tree_id, new.content.content(), take_over=asked.take_over, request=change
        ),
        TreeDetailOut.shown,
    )


@part.moves(f"{TREE}/publish", TreeDetailOut, body=Publish, problems=("invalid_tree", *OF_STATE))
async def publish_tree(request: Call) -> Body:
    """Make the draft the next revision, which never changes."""
    said = await request.read(Publish)
    return await request.changed(
        lambda change: request.flowpilot.trees.publish(request.user, request.tree_id, said.note, request=change), TreeDetailOut.shown
    )


@part.moves(f"{TREE}/archive", TreeDetailOut, body=Nothing, problems=OF_STATE)
async def archive_tree(request: Call) -> Body:
    """Offer a tree to nobody any more; walks that are under way go on."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.trees.archive(request.user, request.tree_id, request=change), TreeDetailOut.shown
    )


@part.moves(f"{TREE}/restore", TreeDetailOut, body=Nothing, problems=OF_STATE)
async def restore_tree(request: Call) -> Body:
    """Offer an archived tree again."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.trees.restore(request.user, request.tree_id, request=change), TreeDetailOut.shown
    )


@part.makes(f"{TREE}/copy", TreeDetailOut, body=Nothing, problems=OF_STATE)
async def copy_tree(request: Call) -> Body:
    """Make a draft of your own from a published tree, your account's or the platform's."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.trees.copy(request.user, request.tree_id, request=change), TreeDetailOut.shown, status=201
    )


@part.moves(f"{TREE}/draft-from-origin", TreeDetailOut, body=Nothing, problems=("draft_taken", *OF_STATE))
async def draft_from_origin(request: Call) -> Body:
    """Take what the original of a copy says by now as the draft."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.trees.draft_from_origin(request.user, request.tree_id, request=change), TreeDetailOut.shown
    )


@part.reads(f"{TREE}/revisions", Listed[RevisionOut], query=Nothing)
async def list_revisions(request: Call) -> Body:
    """All that was published of a tree, newest first."""
    await request.wanted(Nothing)
    found, names = await request.flowpilot.trees.revisions(request.user, request.tree_id)
    return request.shown(Listed(items=[RevisionOut.of(one, names) for one in found], next_cursor=None))


@part.reads(f"{TREE}/revisions/{{number:str}}", RevisionDetailOut)
async def get_revision(request: Call) -> Body:
    """What was published under that number."""
    await request.wanted(Nothing)
    shown = await request.flowpilot.trees.revision(request.user, request.tree_id, request.number)
    return request.shown(RevisionDetailOut.shown(shown))


@part.reads(f"{TREE}/nodes", Listed[NodeOut], query=Nothing)
async def list_nodes(request: Call) -> Body:
    """The nodes of a tree as you see it, with the thumbs that people of your account gave steps there, in every revision."""
    await request.wanted(Nothing)
    found = await request.flowpilot.trees.nodes(request.user, request.tree_id)
    return request.shown(Listed(items=[NodeOut.of(node, thumbs) for node, thumbs in found], next_cursor=None))


@part.reads(f"{TREE}/diff", DiffOut, query=DiffWanted)
async def diff_tree(request: Call) -> Body:
    """What is different from one revision to another, or to the draft."""
    wanted = await request.wanted(DiffWanted)
    try:
        before, after = wanted.numbers()
    except InvalidValue:
        await request.flowpilot.trees.require(request.user, request.tree_id)
        raise
    return request.shown(DiffOut.of(await request.flowpilot.trees.diff(request.user, request.tree_id, before, after)))


@part.reads(f"{TREE}/export", TreeFile, query=ExportWanted, also=YAML, documents=(MERMAID,))
async def export_tree(request: Call) -> Body:
    """A tree as a file that `import` takes, or as a drawing in the language of Mermaid."""
    format = (await request.wanted(ExportWanted)).format
    shown = await request.flowpilot.trees.get(request.user, request.tree_id)
    tree = shown.detail.listed.tree
    if format == "mermaid":
        return _file(as_mermaid(shown.content).encode(), MERMAID, f"{tree.id}.mmd")
    file = TreeFile(name=tree.name, kind=tree.kind, description=tree.description, content=ContentIO.of(shown.content))
    if format == "json":
        return _file(encode(file), "application/json", f"{tree.id}.json")
    text = await request.flowpilot.trees.converted(request.user, yaml_text.write, msgspec.to_builtins(file))
    return _file(text.encode(), YAML, f"{tree.id}.yaml")


def _file(raw: bytes, media_type: str, name: str) -> Body:
    return Body(raw, media_type=media_type.encode(), headers=((b"content-disposition", f'attachment; filename="{name}"'.encode()),))


ROUTES = (
    list_trees,
    make_tree,
    import_tree,
    save_as_tree,
    get_tree,
    change_tree,
    delete_tree,
    edit_tree,
    publish_tree,
    archive_tree,
    restore_tree,
    copy_tree,
    draft_from_origin,
    list_revisions,
    get_revision,
    list_nodes,
    diff_tree,
    export_tree,
)
