"""A tree as a drawing."""

import re

from hypothesis import given
from hypothesis import strategies as st

from flowpilot_core.domain.knowledge.drawing import as_mermaid
from tests.support.trees import SOUND, outcome, tree


def test_every_node_and_every_way_is_drawn() -> None:
    assert [
        "flowchart TD",
        '    n0{"Does it answer a ping?"}',
        '    n1["Restart the spooler"]',
        '    n2(["It prints"])',
        '    n0 -->|"answer 1"| n1',
        '    n0 -->|"answer 2"| n2',
        '    n1 -->|"otherwise"| n2',
    ] == as_mermaid(SOUND).splitlines()


@given(text=st.text())
def test_nothing_that_somebody_wrote_means_anything_in_a_drawing(text: str) -> None:
    """A61: a node's text that would be markup, a script or another node where it is drawn."""
    _, node = as_mermaid(tree(outcome("start", text=text))).splitlines()

    assert re.fullmatch(r'    n0\(\["[A-Za-z0-9 ,.;:?!()/+=%#-]*"\]\)', node)
