"""The editor of a tree: its nodes as a list, one of them as a form, and what is wrong with each where it is."""

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import Any, Final
from uuid import UUID

from attrs import evolve

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import ScriptTemplateId
from flowpilot_core.domain.kernel.permissions import Permission
from flowpilot_core.domain.knowledge.content import RESULTS, Answer, Content, Next, Node, NodeId, NodeKind, ScriptRef
from flowpilot_core.domain.knowledge.editing import with_node, with_node_at, without_node_at
from flowpilot_core.domain.knowledge.parameter import ParameterType
from flowpilot_core.domain.knowledge.problems import MOST_ANSWERS, Problem
from flowpilot_core.domain.knowledge.template import TemplateState
from flowpilot_core.domain.sessions.walk import TreeOutcome
from flowpilot_core.ports.knowledge import ScriptFilter
from flowpilot_http.pages.moves import Made, Move, Moves, Shown, form_of, formed
from flowpilot_http.pages.page_request import OfAccount, Visit
from flowpilot_http.pages.settings import shown_as
from flowpilot_http.responses import Body
from flowpilot_http.schemas.knowledge.content import NodeIO
from flowpilot_http.schemas.knowledge.trees import TreeDetailOut

from .parameters import GIVEN, TYPES, Named, Written, typed_values, with_written, without
from .shelf import shelved
from .tree import TREE

KINDS: Final = tuple((kind, kind.capitalize()) for kind in NodeKind)
OUTCOMES: Final = (
    ("", "Not said yet"),
    (TreeOutcome.SOLVED, "Solved"),
    (TreeOutcome.DEAD_END, "Dead end"),
    (TreeOutcome.ESCALATE, "Escalate"),
)
WAYS: Final = (*((result, result.capitalize()) for result in RESULTS), ("otherwise", "Otherwise"))
MOST_SCRIPTS: Final = 200
_PLACE: Final = re.compile(r"content\.nodes\.(\d+)(?:\.|$)")
move: Final = Moves()


class Chosen(OfAccount, kw_only=True, frozen=True):
    """Which node is written: by its place, or its id."""

    at: int | None = None
    node: str | None = None

    def place(self, content: Content) -> int | None:
        """Where it is; the first node of the tree, if none is chosen, and None where there is none at all."""
        if self.at is not None and 0 <= self.at < len(content.nodes):
            return self.at
        ids = [node.id for node in content.nodes]
        return next((ids.index(NodeId(one)) for one in (self.node, content.root) if one in ids), 0 if ids else None)


def by_place(problems: Sequence[Problem]) -> dict[int | None, list[Problem]]:
    """What is wrong, by the place of the node where it is; None: with the tree itself."""
    found: dict[int | None, list[Problem]] = {}
    for one in problems:
        place = _PLACE.match(one.field)
        found.setdefault(int(place[1]) if place else None, []).append(one)
    return found


async def _shown(request: Visit, made: Shown, refusal: Exception | None) -> Body:
    wanted = await request.wanted(Chosen)
    person = request.person_for(wanted.account)
    shown = await request.flowpilot.trees.get(person, request.tree_id)
    content, tree = shown.content, shown.detail.listed.tree
    tree.owner.require_own(person, Permission.WRITE_TREES)
    place = wanted.place(content)
    node = None if place is None else content.nodes[place]
    scripts, parameters = await asyncio.gather(_scripts(request, person, node), _asked(request, person, node))
    held = tree.draft.by if tree.draft and shown.draft and tree.revision else None
    return await shelved(
        request,
        "library_tree_edit.html",
        made,
        refusal,
        tree=TreeDetailOut.shown(shown),
        content=content,
        place=place,
        node=node,
        shown_as=None if node is None else shown_as(NodeIO.of(node)),
        problems=by_place(shown.problems),
        taken=held is not None and held != person.user_id,
        offers=tree.offers(person),
        scripts=scripts,
        parameters=parameters,
        kinds=KINDS,
        types=TYPES,
        outcomes=OUTCOMES,
        ways=WAYS,
        most_answers=MOST_ANSWERS,
    )


async def _scripts(request: Visit, person: Person, node: Node | None) -> Sequence[tuple[UUID | str, str]]:
    """Script templates that a node can ask for; the one that it does among them, if it is the platform's too."""
    if node is None or node.kind is not NodeKind.SCRIPT:
        return ()
    templates = request.flowpilot.script_templates
    where = ScriptFilter(state=TemplateState.PUBLISHED)
    found = [(one.template.id, one.template.name) for one in await templates.list(person, where, after=None, limit=MOST_SCRIPTS)]
    if node.script and node.script.id not in {id_ for id_, _ in found}:
        named = await _named(request, person, node.script.id)
        found.append((node.script.id, named or "what is not there any more"))
    return [("", "None yet"), *found]


async def _named(request: Visit, person: Person, template_id: ScriptTemplateId) -> str | None:
    try:
        return (await request.flowpilot.script_templates.get(person, template_id)).template.name
    except NotFound:
        return None


async def _asked(request: Visit, person: Person, node: Node | None) -> Sequence[tuple[str, str]]:
    """The parameters that a node's script asks for, with what they are called."""
    if node is None or node.script is None:
        return ()
    try:
        shown = await request.flowpilot.script_templates.get(person, node.script.id)
    except NotFound:
        return [(name, name) for name in node.parameters]
    known = {one.name: one.label for one in shown.content.parameters if one.type is not ParameterType.SECRET}
    return [*known.items(), *((name, name) for name in node.parameters if name not in known)]


async def _edit(request: Visit, person: Person, form: Move, change: Callable[[Content], Content], *, take_over: bool = False) -> Content:
    """Keep what `change` makes of the draft as it is now."""
    trees = request.flowpilot.trees
    shown = await trees.get(person, request.tree_id)
    content = change(shown.content)
    await request.do(
        form,
        lambda with_: trees.edit(person, request.tree_id, content, take_over=take_over, request=with_),
        version=shown.detail.listed.tree.version,
    )
    return content


def _at(request: Visit, place: int | None = None) -> str:
    return request.scope["path"] + ("" if place is None else f"?at={place}")


WrittenNode: Final[Any] = form_of(
    "NodeWritten",
    ("at", int),
    ("shown", str, ""),
    ("id", str, ""),
    ("kind", NodeKind),
    ("text", str, ""),
    ("help", str | None, None),
    *((f"{name}_{number}", str, "") for number in range(1, MOST_ANSWERS + 1) for name in ("label", "next")),
    *((name, str | None, None) for name, _ in WAYS),
    ("script", UUID | None, None),
    ("revision", int | None, None),
    *GIVEN,
    ("outcome", TreeOutcome | None, None),
)
"""One node: of what belongs to another kind than its own nothing is kept."""


@move("node", WrittenNode)
async def write_node(request: Visit, person: Person, form: Any) -> Made:
    """Unless somebody else has changed it meanwhile."""
    shown = await request.flowpilot.trees.get(person, request.tree_id)
    _require_place(shown.content, form.at)
    now = shown.content.nodes[form.at]
    wanted = _node(form, now)
    if form.shown not in ("", shown_as(NodeIO.of(now))) and wanted != now:
        return {"stale": True}
    await _edit(request, person, form, lambda content: with_node_at(content, form.at, wanted))
    return _at(request, form.at)


def _require_place(content: Content, place: int) -> None:
    if not 0 <= place < len(content.nodes):
        raise NotFound("node")


def _node(form: Any, now: Node) -> Node:
    node = Node(id=NodeId(form.id), kind=form.kind, text=form.text, help=form.help)
    if form.kind is NodeKind.QUESTION:
        pairs = [(getattr(form, f"label_{number}"), getattr(form, f"next_{number}")) for number in range(1, MOST_ANSWERS + 1)]
        own = tuple(Answer(label=label, next=_to(to)) for label, to in pairs if label or to)
        return evolve(node, answers=(*own, *now.answers[MOST_ANSWERS:]))
    if form.kind is NodeKind.OUTCOME:
        return evolve(node, outcome=form.outcome)
    node = evolve(node, next=Next(**{name: _to(getattr(form, name)) for name, _ in WAYS}))
    if form.kind is NodeKind.ACTION:
        return node
    script = None if form.script is None else ScriptRef(id=ScriptTemplateId(form.script), revision=form.revision)
    return evolve(node, script=script, parameters=typed_values(form))


def _to(text: str | None) -> NodeId | None:
    return NodeId(text) if text else None


class Add(Move, kw_only=True, frozen=True):
    """A node more."""

    id: str = ""
    kind: NodeKind = NodeKind.QUESTION
    text: str = ""


@move("add", Add)
async def add_node(request: Visit, person: Person, form: Add) -> Made:
    """It is written on at once."""
    new = Node(id=NodeId(form.id), kind=form.kind, text=form.text)
    content = await _edit(request, person, form, lambda content: with_node(content, new))
    return _at(request, len(content.nodes) - 1)


class At(Move, kw_only=True, frozen=True):
    """Which node, and its id, so that no other is meant."""

    at: int
    id: str

    def of(self, content: Content) -> int:
        """Its place. Raises `NotFound` where it is another by now."""
        _require_place(content, self.at)
        if content.nodes[self.at].id != self.id:
            raise NotFound("node")
        return self.at


@move("drop", At)
async def drop_node(request: Visit, person: Person, form: At) -> Made:
    """What led to it says that it leads nowhere."""
    await _edit(request, person, form, lambda content: without_node_at(content, form.of(content)))
    return _at(request)


@move("root", At)
async def begin_at(request: Visit, person: Person, form: At) -> Made:
    """The tree begins here."""
    await _edit(request, person, form, lambda content: evolve(content, root=content.nodes[form.of(content)].id))
    return _at(request, form.at)


@move("take-over", Move)
async def take_over(request: Visit, person: Person, form: Move) -> Made:
    """The draft that somebody else began is one's own."""
    await _edit(request, person, form, lambda content: content, take_over=True)
    return _at(request)


@move("parameter", Written)
async def write_parameter(request: Visit, person: Person, form: Written) -> Made:
    """What the tree asks for before it is followed."""
    await _edit(request, person, form, lambda content: evolve(content, parameters=with_written(content.parameters, form)))
    return _at(request)


@move("drop-parameter", Named)
async def drop_parameter(request: Visit, person: Person, form: Named) -> Made:
    """It is asked for no longer."""
    await _edit(request, person, form, lambda content: evolve(content, parameters=without(content.parameters, form.was)))
    return _at(request)


ROUTES = formed(f"{TREE}/edit", _shown, move)
