"""Hypothesis strategies: what the product accepts, and more of it than anybody would think of."""

from hypothesis import strategies as st

from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.sessions.branch import Outcome
from flowpilot_core.domain.sessions.session import Priority
from flowpilot_core.domain.sessions.step import StepKind, StepResult

from .builders import Case, a_session

MOST_EXACT = 2**53 - 1
"""The greatest integer that every JSON reader reads as it was written."""


def texts(*, min_size: int = 0, max_size: int = 60) -> st.SearchStrategy[str]:
    """Text that can be stored and sent: anything but NUL and lone surrogates."""
    return st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=min_size, max_size=max_size)


def said() -> st.SearchStrategy[str]:
    """Text that says something."""
    return texts(min_size=1).filter(str.strip)


def plain() -> st.SearchStrategy[Plain]:
    """Plain data as events and snapshots are made of: no floats, ASCII keys."""
    leaves = st.none() | st.booleans() | st.integers(-MOST_EXACT, MOST_EXACT) | texts()
    keys = st.text(st.characters(codec="ascii"), max_size=10)
    return st.recursive(leaves, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=5), max_leaves=20)


@st.composite
def cases(draw: st.DrawFn, *, most_moves: int = 12) -> Case:
    """An active session that steps, forks and closed branches, parks and escalations have made what it is."""
    case = a_session(title=draw(texts(min_size=1, max_size=30).filter(str.strip)), problem=draw(said()))
    for move in draw(st.lists(st.sampled_from(["step", "result", "fork", "activate", "close", "park", "escalate"]), max_size=most_moves)):
        open_branches = [branch for branch in case.session.branches.all if not branch.closed_at]
        if move == "step" and not case.session.branches.get(case.session.branches.active_id).closed_at:
            case = case.step(
                draw(said()),
                kind=draw(st.sampled_from(StepKind)),
                result=draw(st.none() | st.sampled_from(StepResult)),
                evidence=draw(st.none() | texts()),
            )
        elif move == "result" and case.steps:
            case = case.result(draw(st.sampled_from(StepResult)), of=draw(st.integers(0, len(case.steps) - 1)))
        elif move == "fork":
            at_step = draw(st.integers(0, max(0, len(case.steps) - 1)))
            if case.steps and case.steps[at_step].branch_id in {branch.id for branch in open_branches}:
                number = len(case.session.branches.all)
                case = case.fork(*(f"branch {number + n}" for n in range(draw(st.integers(2, 4)))), at_step=at_step)
        elif move == "activate" and open_branches:
            case = case.in_branch(draw(st.sampled_from(open_branches)).label)
        elif move == "close" and open_branches:
            case = case.closed(draw(st.sampled_from(open_branches)).label, draw(st.sampled_from(Outcome)))
        elif move == "park":
            case = case.parked(draw(said())).resumed()
        elif move == "escalate":
            case = case.escalated(draw(said()), priority=draw(st.none() | st.sampled_from(Priority))).withdrawn()
    return case
