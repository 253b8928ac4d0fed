"""Every state machine is a table; these tests walk all of them, pair by pair."""

from collections.abc import Mapping
from enum import StrEnum
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpilot_core.domain.handoffs.handoff import ESCALATION, PARK, HandoffMove, HandoffState
from flowpilot_core.domain.kernel.errors import InvalidTransition
from flowpilot_core.domain.kernel.sending import DELIVERY, DeliveryMove, DeliveryState
from flowpilot_core.domain.kernel.transitions import advance
from flowpilot_core.domain.sessions.branch import BRANCH, BranchMove, BranchState
from flowpilot_core.domain.sessions.session import SESSION, SessionMove, Status

Table = Mapping[tuple[StrEnum, StrEnum], StrEnum]

MACHINES: dict[str, tuple[Table, type[StrEnum], type[StrEnum]]] = {
    "session": (SESSION, Status, SessionMove),  # type: ignore[dict-item]  # a mapping is invariant in its keys
    "park": (PARK, HandoffState, HandoffMove),  # type: ignore[dict-item]  # as above
    "escalation": (ESCALATION, HandoffState, HandoffMove),  # type: ignore[dict-item]  # as above
    "branch": (BRANCH, BranchState, BranchMove),  # type: ignore[dict-item]  # as above
    "delivery": (DELIVERY, DeliveryState, DeliveryMove),  # type: ignore[dict-item]  # as above
}

PROMISED = {
    "session": """
        active: work active, park parked, escalate escalated, give_back escalated, reassign active, join active, leave active
        active: resolve resolved, abandon abandoned
        parked: resume active, reassign parked
        escalated: claim active, withdraw active
        resolved: reopen active, document resolved
        abandoned: reopen active
    """,
    "park": "open: resume resumed",
    "escalation": """
        open: claim claimed, reroute open, withdraw withdrawn
        claimed: unclaim open, lapse open, judge claimed
    """,
    "branch": "open: work open, solved solved, dead_end dead_end, abandoned abandoned",
    "delivery": """
        pending: take sending, suppress suppressed
        failed: take sending, suppress suppressed
        sending: take sending, suppress suppressed, send sent, arrive delivered, fail failed, give_up dead
        sent: arrive delivered
        dead: retry pending
    """,
}
"""What clients can rely on, said once more by hand."""


@pytest.mark.parametrize("name", MACHINES)
def test_every_pair_either_is_in_the_table_or_is_refused_with_its_facts(name: str) -> None:
    table, states, moves = MACHINES[name]

    for state, move in product(states, moves):
        if (state, move) in table:
            assert table[state, move] is advance(table, state, move, thing=name)
        else:
            with pytest.raises(InvalidTransition) as refused:
                advance(table, state, move, thing=name)
            assert (name, state, move) == (refused.value.thing, refused.value.state, refused.value.move)


@pytest.mark.parametrize("name", MACHINES)
def test_the_table_says_what_was_promised(name: str) -> None:
    table, _, _ = MACHINES[name]
    promised = {
        (state, move): after
        for line in PROMISED[name].strip().splitlines()
        for state, _, rest in [line.strip().partition(": ")]
        for move, after in [pair.split() for pair in rest.split(", ")]
    }

    assert promised == {(str(state), str(move)): str(after) for (state, move), after in table.items()}


@given(st.sampled_from(sorted(MACHINES)), st.data())
def test_no_walk_of_any_length_leaves_the_states(name: str, data: st.DataObject) -> None:
    table, states, moves = MACHINES[name]
    state = next(iter(states))

    for move in data.draw(st.lists(st.sampled_from(list(moves)), max_size=30)):
        try:
            state = advance(table, state, move, thing=name)
        except InvalidTransition:
            assert (state, move) not in table
        assert state in states


@pytest.mark.parametrize("name", MACHINES)
def test_every_state_can_be_reached_or_belongs_to_the_sibling_machine(name: str) -> None:
    table, states, _ = MACHINES[name]
    elsewhere = {"park": {"claimed", "withdrawn"}, "escalation": {"resumed"}}.get(name, set())

    reached = {str(next(iter(states)))}
    while more := {str(after) for (state, _), after in table.items() if str(state) in reached} - reached:
        reached |= more

    assert {str(state) for state in states} - elsewhere == reached
