"""Trees as files: what is written out and read again is the same, and nothing but plain data is read."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.identifiers import ScriptTemplateId
from flowpilot_core.domain.knowledge.content import Answer, Content, Next, Node, NodeId, NodeKind, ScriptRef, checked_content
from flowpilot_core.domain.knowledge.parameter import Parameter, ParameterType
from flowpilot_core.domain.sessions.walk import TreeOutcome
from flowpilot_http import yaml_text
from flowpilot_http.schemas.knowledge.content import ContentIO

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
IDS = st.from_regex(r"\A[a-z0-9_-]{1,64}\Z").map(NodeId)
MAYBE_IDS = st.none() | IDS
NAMES = st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_]{0,8}\Z")
VALUES: dict[ParameterType, st.SearchStrategy[Any]] = {
    ParameterType.TEXT: TEXTS,
    ParameterType.INTEGER: st.integers(-(10**15), 10**15),
    ParameterType.NUMBER: st.floats(-1e15, 1e15, allow_nan=False),
    ParameterType.YES_NO: st.booleans(),
}


@st.composite
def nodes(draw: st.DrawFn) -> Node:
    kind = draw(st.sampled_from(NodeKind))
    more: dict[str, Any] = {}
    if kind is NodeKind.QUESTION:
        more["answers"] = tuple(draw(st.lists(st.builds(Answer, label=TEXTS, next=MAYBE_IDS), max_size=3)))
    elif kind is NodeKind.OUTCOME:
        more["outcome"] = draw(st.none() | st.sampled_from(TreeOutcome))
    else:
        more["next"] = draw(st.builds(Next, worked=MAYBE_IDS, failed=MAYBE_IDS, inconclusive=MAYBE_IDS, otherwise=MAYBE_IDS))
    if kind is NodeKind.SCRIPT:
        ref = st.builds(ScriptRef, id=st.uuids().map(ScriptTemplateId), revision=st.none() | st.integers(1, 9))
        more |= {"script": draw(st.none() | ref), "parameters": draw(st.dictionaries(NAMES, TEXTS, max_size=2))}
    return Node(id=draw(IDS), kind=kind, text=draw(TEXTS), help=draw(st.none() | TEXTS), **more)


@st.composite
def parameters(draw: st.DrawFn) -> Parameter:
    kind = draw(st.sampled_from(list(VALUES)))
    default: Any = draw(st.none() | VALUES[kind])
    return Parameter(name=draw(NAMES), label="What it is", type=kind, required=draw(st.booleans()), default=default)


LOOKS_LIKE = (
    "no",
    "1e3",
    "2020-01-01",
    "~",
    "0x10",
    "12:30",
    "a: b",
    "- a",
    "# a",
    "'",
    '"',
    "a\r\nb",
    "\u2028",
    "\x85",
    "\ufeff",
    " a ",
    "=",
    "<<",
)

CONTENTS = st.builds(
    Content,
    root=MAYBE_IDS,
    nodes=st.lists(nodes(), max_size=4).map(tuple),
    parameters=st.lists(parameters(), max_size=2, unique_by=lambda one: one.name).map(tuple),
)


@given(content=CONTENTS)
@example(content=Content(root=NodeId("no"), nodes=tuple(Node(id=NodeId("1e3"), kind=NodeKind.ACTION, text=text) for text in LOOKS_LIKE)))
def test_what_is_written_as_yaml_is_read_as_the_same_tree(content: Content) -> None:
    """P20: whatever a text looks like."""
    text = yaml_text.write(msgspec.to_builtins(ContentIO.of(content)))

    assert content == msgspec.convert(yaml_text.read(text.encode()), ContentIO).content()


@given(content=CONTENTS)
def test_what_is_written_as_json_is_read_as_the_same_tree(content: Content) -> None:
    assert content == msgspec.json.decode(msgspec.json.encode(ContentIO.of(content)), type=ContentIO).content()


@pytest.mark.parametrize(
    "text",
    [
        "a: &x [1]\nb: *x",
        "a: &x 1",
        "!!python/object/apply:os.system ['true']",
        "!!binary aGk=",
        "[" * 40 + "]" * 40,
        "[" * 100_000,
        "[" + "0," * 200_001 + "]",
        "a: " + "9" * 400,
        "[-9223372036854775809]",
        "a: {0x" + "f" * 3000 + ": b}",
        "a: [",
        "a: 1\n---\nb: 2",
        "\x00",
        "\xff".encode("latin-1").decode("latin-1") + "\x07",
    ],
)
def test_nothing_but_plain_data_of_one_document_is_read(text: str) -> None:
    """A61: YAML that is larger, deeper or more than it looks."""
    with pytest.raises(yaml_text.NoPlainYaml):
        yaml_text.read(text.encode())


def test_bytes_that_are_no_utf_8_are_no_yaml() -> None:
    with pytest.raises(yaml_text.NoPlainYaml):
        yaml_text.read(b"a: \xff")


@pytest.mark.parametrize("one", ["root", "nodes/0/id", "nodes/0/answers/0/next"])
def test_an_id_that_is_none_is_in_no_tree(one: str) -> None:
    data: Any = {"root": "a", "nodes": [{"id": "a", "kind": "question", "text": "", "answers": [{"label": "", "next": "a"}]}]}
    *above, last = [int(part) if part.isdecimal() else part for part in one.split("/")]
    at = data
    for part in above:
        at = at[part]
    at[last] = "No Id"

    with pytest.raises(InvalidValue) as refused:
        checked_content(msgspec.json.decode(json.dumps(data), type=ContentIO).content(), lambda *_: True)
    assert f"content.{one.replace('/', '.')}" == refused.value.field


def test_what_belongs_to_another_kind_of_node_is_in_no_tree() -> None:
    content = Content(nodes=(Node(id=NodeId("a"), kind=NodeKind.ACTION, outcome=TreeOutcome.SOLVED),))

    with pytest.raises(InvalidValue) as refused:
        checked_content(content, lambda *_: True)
    assert ("content.nodes.0.outcome", "is not for an action") == (refused.value.field, refused.value.problem)
