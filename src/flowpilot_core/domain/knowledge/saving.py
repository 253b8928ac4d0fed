"""A resolved session as a tree: its forks become questions, its steps actions, its dead ends and its solution outcomes."""

from collections.abc import Callable, Container, Mapping, Sequence
from typing import Final

from attrs import define, evolve, field

from flowpilot_core.domain.kernel.identifiers import BranchId
from flowpilot_core.domain.kernel.name import printable
from flowpilot_core.domain.kernel.text import TITLE
from flowpilot_core.domain.sessions.branch import Branch, BranchState, ForkPoint
from flowpilot_core.domain.sessions.session import Session
from flowpilot_core.domain.sessions.step import Step, StepKind, StepResult
from flowpilot_core.domain.sessions.walk import TreeOutcome

from .content import LONGEST_TEXT, Answer, Content, Next, Node, NodeId, NodeKind
from .problems import LONGEST_PATH, MOST_NODES

GO_ON: Final = "None of these"
"""The answer for what was done in a branch after it had split."""
NOT_FOLLOWED: Final = "This was not followed to its end."
MORE: Final = "The session went on from here; the tree does not."
NO_HELP: Final = "What solved it once does not help here."
UNNAMED: Final = "What solved a session"
JOINED: Final = (None, 8, 4, 2, 1)
"""Into how many nodes the steps between two forks are put at most, tried one after the other until all of the session fits."""
ROOM: Final = 4
"""Nodes of a path, and of a tree, that are kept for its ends."""


def as_tree(session: Session, steps: Sequence[Step], solved: BranchId, left: BranchId | None = None) -> Content:
    """What a resolved session with all its steps, by number, makes as a tree; `solved` is the branch that led to the solution.

    `left`: a branch in which its own tree was left; then no more than what was done there from then on.

    It has no problem, whatever the session: where it would be too deep or too large, steps are joined, and what still is does not
    go on. Notes are left out, which people write among themselves. Nothing is redacted yet.
    """
    for most in JOINED:
        drawn = _Drawn(session, steps, solved, left, most)
        content = drawn.content()
        if not drawn.cut:
            break
    return content


def with_texts(content: Content, said: Callable[[str], str]) -> Content:
    """A tree with each of its texts as `said` has it: never blank, never too long, and asking for no parameter."""

    def answers(node: Node) -> tuple[Answer, ...]:
        known = dict[str, Answer]()
        for answer in node.answers:
            free = free_label(as_label(said(answer.label)), known)
            known[free.casefold()] = Answer(label=free, next=answer.next)
        return tuple(known.values())

    return evolve(
        content, nodes=tuple(evolve(node, text=_plain(said(node.text), LONGEST_TEXT), answers=answers(node)) for node in content.nodes)
    )


def as_label(text: str) -> str:
    """A text as an answer says it: never blank, with room for a number behind it, and asking for no parameter."""
    return _plain(text, TITLE - 8)


def free_label(label: str, taken: Container[str]) -> str:
    """The label, or with a number behind it where one of its kind is among those taken, which are casefolded."""
    number, free = 1, label
    while free.casefold() in taken:
        number += 1
        free = f"{label} ({number})"
    return free


def as_name(text: str) -> str:
    """A text as the name of a tree: one line of what shows, and never blank."""
    line = " ".join(printable(_plain(text, LONGEST_TEXT)).split())
    return printable(line[:TITLE]).strip() or UNNAMED


def _plain(text: str, most: int) -> str:
    plain = text.replace("{{", "{ {").replace("}}", "} }").strip()
    return plain[:most].strip() or "…"


@define
class _Drawn:
    session: Session
    steps: Sequence[Step]
    solved: BranchId
    left: BranchId | None
    most: int | None
    nodes: list[Node] = field(factory=list)
    cut: bool = False
    shared: dict[tuple[TreeOutcome, str], NodeId] = field(factory=dict)

    def content(self) -> Content:
        by_branch: dict[BranchId, list[Step]] = {branch.id: [] for branch in self.session.branches.all}
        for step in self.steps:
            if step.kind is not StepKind.NOTE:
                by_branch[step.branch_id].append(step)
        forks: dict[BranchId, list[ForkPoint]] = {}
        for fork in sorted(self.session.branches.fork_points, key=lambda one: one.at_step_number):
            forks.setdefault(fork.branch_id, []).append(fork)
        first, after = self.session.branches.all[0], -1
        if self.left is not None:
            first = self.session.branches.get(self.left)
            after = max((step.number for step in by_branch[first.id] if step.node), default=-1)
        done = sum(fork.at_step_number <= after for fork in forks.get(first.id, ()))
        root = self.branch(first, by_branch, forks, done, after, 1)
        return Content(root=root, nodes=tuple(self.nodes))

    def branch(
        self,
        branch: Branch,
        steps: Mapping[BranchId, Sequence[Step]],
        forks: Mapping[BranchId, Sequence[ForkPoint]],
        done: int,
        after: int,
        depth: int,
    ) -> NodeId:
        """What is done in a branch after the step of number `after`, where `done` of its forks lie behind: its first node."""
        fork = next(iter(forks.get(branch.id, ())[done:]), None)
        until = fork.at_step_number if fork else None
        own = [step for step in steps[branch.id] if step.number > after and (until is None or step.number <= until)]
        groups = self.grouped(own)
        if depth + len(groups) > LONGEST_PATH - ROOM or len(self.nodes) + len(groups) > MOST_NODES - 2 * ROOM:
            self.cut = True
            return self.end(TreeOutcome.DEAD_END, MORE)
        first = [self.place() for _ in groups]
        depth += len(groups)
        if fork is None:
            end = self.ending(branch)
        else:
            end = self.place()
            ways = [(self.session.branches.get(one).label, self.session.branches.get(one), 0, -1) for one in fork.branch_ids]
            later = any(step.number > fork.at_step_number for step in steps[branch.id]) or len(forks[branch.id]) > done + 1
            if later or branch.id == self.solved or branch.state in (BranchState.SOLVED, BranchState.DEAD_END):
                ways.append((GO_ON, branch, done + 1, fork.at_step_number))
            answers = tuple(
                Answer(label=label, next=self.branch(to, steps, forks, behind, number, depth + 1)) for label, to, behind, number in ways
            )
            self.put(end, Node(id=end, kind=NodeKind.QUESTION, text=fork.reason, answers=answers))
        for node_id, group, to in zip(first, groups, [*first, end][1:], strict=True):
            self.put(node_id, self.action(node_id, group, to, branch))
        return first[0] if first else end

    def grouped(self, steps: Sequence[Step]) -> list[Sequence[Step]]:
        size = 1 if self.most is None else max(1, -(-len(steps) // self.most))
        return [steps[at : at + size] for at in range(0, len(steps), size)]

    def action(self, node_id: NodeId, group: Sequence[Step], to: NodeId, branch: Branch) -> Node:
        """One step, or several that are joined, with what came of the last of them as the way on."""
        text, result = "\n\n".join(step.content for step in group), group[-1].result
        own = {} if result is None else {str(result): to}
        helped = result is StepResult.WORKED and branch.id == self.solved and self.is_last(group[-1])
        otherwise = self.end(TreeOutcome.ESCALATE, NO_HELP) if helped else to
        return Node(id=node_id, kind=NodeKind.ACTION, text=text, next=Next(**own, otherwise=otherwise))

    def is_last(self, step: Step) -> bool:
        worked = [one.number for one in self.steps if one.branch_id == self.solved and one.result is StepResult.WORKED]
        return step.number == max(worked, default=0)

    def ending(self, branch: Branch) -> NodeId:
        resolution = self.session.resolution
        if branch.id == self.solved and resolution is not None:
            return self.end(TreeOutcome.SOLVED, "\n\n".join(part for part in (resolution.summary, resolution.root_cause) if part))
        if branch.state is BranchState.SOLVED:
            return self.end(TreeOutcome.SOLVED, branch.close_reason or NOT_FOLLOWED)
        return self.end(TreeOutcome.DEAD_END, branch.close_reason or NOT_FOLLOWED)

    def end(self, outcome: TreeOutcome, text: str) -> NodeId:
        """An outcome; those that say the same are one."""
        if (outcome, text) not in self.shared:
            node_id = self.place()
            self.shared[outcome, text] = node_id
            self.put(node_id, Node(id=node_id, kind=NodeKind.OUTCOME, text=text, outcome=outcome))
        return self.shared[outcome, text]

    def place(self) -> NodeId:
        """The id of a node that is still to be put there."""
        node_id = NodeId(f"n{len(self.nodes) + 1}")
        self.nodes.append(Node(id=node_id, kind=NodeKind.OUTCOME))
        return node_id

    def put(self, node_id: NodeId, node: Node) -> None:
        self.nodes[int(node_id[1:]) - 1] = node
