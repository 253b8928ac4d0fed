"""Trees that tests share, and any tree at all."""

from hypothesis import strategies as st

from flowpilot_core.domain.knowledge.content import Answer, Content, Next, Node, NodeId, NodeKind
from flowpilot_core.domain.knowledge.parameter import Parameter
from flowpilot_core.domain.sessions.walk import TreeOutcome


def question(node_id: str, *ways: str | None, text: str = "Does it answer a ping?") -> Node:
    answers = tuple(Answer(label=f"answer {number}", next=NodeId(to) if to else None) for number, to in enumerate(ways, 1))
    return Node(id=NodeId(node_id), kind=NodeKind.QUESTION, text=text, answers=answers)


def action(node_id: str, to: str | None, text: str = "Restart the spooler", **own: str) -> Node:
    ways = Next(otherwise=NodeId(to) if to else None, **{name: NodeId(way) for name, way in own.items()})
    return Node(id=NodeId(node_id), kind=NodeKind.ACTION, text=text, next=ways)


def outcome(node_id: str, outcome: TreeOutcome | None = TreeOutcome.SOLVED, text: str = "It prints") -> Node:
    return Node(id=NodeId(node_id), kind=NodeKind.OUTCOME, text=text, outcome=outcome)


def tree(*nodes: Node, root: str | None = "start", parameters: tuple[Parameter, ...] = ()) -> Content:
    return Content(root=NodeId(root) if root else None, nodes=nodes, parameters=parameters)


SOUND = tree(question("start", "act", "end"), action("act", "end"), outcome("end"))


@st.composite
def sound_trees(draw: st.DrawFn, most: int = 12) -> Content:
    """A tree that can be published: every node leads to later ones alone, the last are outcomes."""
    inner = draw(st.integers(0, most))
    outcomes = draw(st.integers(1, 4))
    names = [f"n{number}" for number in range(inner + outcomes)]
    nodes = []
    for place in range(inner):
        # Of a later node somebody must lead to it: the next one is always among those that follow.
        others = draw(st.lists(st.sampled_from(names[place + 1 :]), max_size=3))
        if draw(st.booleans()):
            nodes.append(question(names[place], *others, names[place + 1], *([names[-1]] if len(others) < 1 else [])))
        else:
            own = dict(zip(("worked", "failed"), others, strict=False))
            nodes.append(action(names[place], names[place + 1], **own))
    for place in range(inner, inner + outcomes):
        nodes.append(outcome(names[place], draw(st.sampled_from(TreeOutcome)), text=f"ends at {names[place]}"))
    ends = [node.id for node in nodes[inner:]]
    first = question("start", *ends, names[0]) if len(ends) + 1 >= 2 else nodes[0]
    return Content(root=first.id, nodes=(first, *nodes))
