"""What a tree says, as clients and files write and read it."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowpilot_core.domain.kernel.identifiers import ScriptTemplateId
from flowpilot_core.domain.kernel.text import TITLE
from flowpilot_core.domain.knowledge.content import (
    LONGEST_TEXT,
    Answer,
    Content,
    Next,
    Node,
    NodeId,
    NodeKind,
    ScriptRef,
    TreeKind,
)
from flowpilot_core.domain.knowledge.parameter import LONGEST_VALUE, Parameter, ParameterType
from flowpilot_core.domain.sessions.walk import TreeOutcome
from flowpilot_http.schemas.kernel import Closed, Line, MaybeText

ValueIO = str | int | float | bool
Id = Annotated[str, Meta(extra_json_schema={"pattern": "^[a-z0-9_-]{1,64}$"}, examples=["restart"])]
Said = Annotated[str, Meta(extra_json_schema={"maxLength": LONGEST_TEXT})]
Label = Annotated[str, Meta(extra_json_schema={"maxLength": TITLE})]


class ParameterIO(Closed, kw_only=True, frozen=True, omit_defaults=True):
    """What is asked before a tree or a script template is used."""

    name: Annotated[str, Meta(extra_json_schema={"pattern": "^[A-Za-z_][A-Za-z0-9_]{0,63}$"}, examples=["host"])]
    label: Line
    type: ParameterType
    required: bool
    default: ValueIO | None = None
    choices: list[Label] = []
    pattern: Annotated[str | None, Meta(description="What the whole of a text must match.")] = None
    min: Annotated[int | float | None, Meta(description="The least number, or the fewest characters.")] = None
    max: Annotated[int | float | None, Meta(description="The greatest number, or the most characters.")] = None

    def parameter(self) -> Parameter:
        """As the core knows it."""
        return Parameter(**{**msgspec.structs.asdict(self), "choices": tuple(self.choices)})

    @classmethod
    def of(cls, one: Parameter) -> "ParameterIO":
        """As clients read it."""
        values = {name: getattr(one, name) for name in cls.__struct_fields__}
        return cls(**{**values, "choices": list(one.choices)})


class AnswerIO(Closed, kw_only=True, frozen=True, omit_defaults=True):
    """One answer of a question, and the node that it leads to."""

    label: Label
    next: Id | None = None


class NextIO(Closed, kw_only=True, frozen=True, omit_defaults=True):
    """The node that each result leads to."""

    worked: Id | None = None
    failed: Id | None = None
    inconclusive: Id | None = None
    otherwise: Annotated[Id | None, Meta(description="For every result without a node of its own.")] = None


class ScriptRefIO(Closed, kw_only=True, frozen=True, omit_defaults=True):
    """A script template."""

    id: UUID
    revision: Annotated[int | None, Meta(description="Without it: the newest.")] = None


class NodeIO(Closed, kw_only=True, frozen=True, omit_defaults=True):
    """One node: a question has `answers`, an action and a script `next`, a script `script` and `parameters`, an outcome `outcome`."""

    id: Id
    kind: NodeKind
    text: Annotated[Said, Meta(description="May hold `{{ name }}` of a parameter.")]
    help: Said | None = None
    answers: list[AnswerIO] | UnsetType = UNSET
    next: Annotated[NextIO | Id | UnsetType | None, Meta(description="One node for every result, or one for each.")] = UNSET
    script: ScriptRefIO | UnsetType | None = UNSET
    parameters: dict[str, Annotated[str, Meta(extra_json_schema={"maxLength": LONGEST_VALUE})]] | UnsetType = UNSET
    outcome: TreeOutcome | UnsetType | None = UNSET

    def node(self) -> Node:
        """As the core knows it."""
        return Node(
            id=NodeId(self.id),
            kind=self.kind,
            text=self.text,
            help=self.help,
            answers=tuple(Answer(label=one.label, next=_node_id(one.next)) for one in self.answers or ()),
            next=_next(self.next),
            script=ScriptRef(id=ScriptTemplateId(self.script.id), revision=self.script.revision) if self.script else None,
            parameters=self.parameters or {},
            outcome=self.outcome or None,
        )

    @classmethod
    def of(cls, node: Node) -> "NodeIO":
        """As clients read it: with all that its kind has, and nothing else."""
        is_script = node.kind is NodeKind.SCRIPT
        return cls(
            id=node.id,
            kind=node.kind,
            text=node.text,
            help=node.help,
            answers=[AnswerIO(label=one.label, next=one.next) for one in node.answers] if node.kind is NodeKind.QUESTION else UNSET,
            next=_next_io(node.next) if node.kind in (NodeKind.ACTION, NodeKind.SCRIPT) else UNSET,
            script=(ScriptRefIO(id=node.script.id, revision=node.script.revision) if node.script else None) if is_script else UNSET,
            parameters=dict(node.parameters) if is_script else UNSET,
            outcome=node.outcome if node.kind is NodeKind.OUTCOME else UNSET,
        )


class ContentIO(Closed, kw_only=True, frozen=True):
    """All of a tree."""

    root: Annotated[Id | None, Meta(description="The node to begin at; a draft may have none.")]
    nodes: list[NodeIO]
    parameters: list[ParameterIO] = []

    def content(self) -> Content:
        """As the core knows it."""
        return Content(
            root=_node_id(self.root),
            nodes=tuple(node.node() for node in self.nodes),
            parameters=tuple(one.parameter() for one in self.parameters),
        )

    @classmethod
    def of(cls, content: Content) -> "ContentIO":
        """As clients read it."""
        return cls(
            root=content.root,
            nodes=[NodeIO.of(node) for node in content.nodes],
            parameters=[ParameterIO.of(one) for one in content.parameters],
        )


class TreeFile(Closed, kw_only=True, frozen=True, omit_defaults=True):
    """A tree in a file, YAML or JSON."""

    name: Line
    kind: TreeKind
    description: MaybeText | None = None
    content: ContentIO


def _node_id(given: str | None) -> NodeId | None:
    return None if given is None else NodeId(given)


def _next(given: NextIO | str | UnsetType | None) -> Next:
    if isinstance(given, NextIO):
        return Next(**{name: _node_id(to) for name, to in msgspec.structs.asdict(given).items()})
    return Next(otherwise=NodeId(given)) if given else Next()


def _next_io(ways: Next) -> NextIO | str | None:
    """One id where it is all there is."""
    own = (ways.worked, ways.failed, ways.inconclusive)
    return (
        ways.otherwise if own == (None, None, None) else NextIO(worked=own[0], failed=own[1], inconclusive=own[2], otherwise=ways.otherwise)
    )
