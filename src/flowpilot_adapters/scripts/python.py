"""What Python takes a placeholder for, by its grammar."""

from collections.abc import Sequence
from typing import Final

import tree_sitter_python
from tree_sitter import Language, Node

from flowpilot_core.domain.knowledge.evaluating import evaluates, runs
from flowpilot_core.domain.knowledge.parameter import ParameterType
from flowpilot_core.domain.knowledge.script import Stands

from .syntax import said

GRAMMAR: Final = Language(tree_sitter_python.language())

_TEXT: Final = frozenset({"case_pattern", "comment", "string", "string_content", "type"})
_NAMED: Final = {
    "as_pattern": "alias",
    "assignment": "left",
    "attribute": "attribute",
    "augmented_assignment": "left",
    "call": "function",
    "class_definition": "name",
    "default_parameter": "name",
    "for_in_clause": "left",
    "for_statement": "left",
    "function_definition": "name",
    "keyword_argument": "name",
    "named_expression": "name",
    "typed_default_parameter": "name",
}
"""Where nodes have a name, or something that is run."""
_NAMES: Final = frozenset(
    {
        "as_pattern_target",
        "decorator",
        "delete_statement",
        "dotted_name",
        "global_statement",
        "nonlocal_statement",
    }
)
_PARAMETERS: Final = frozenset({"parameters", "lambda_parameters", "typed_parameter", "list_splat_pattern", "dictionary_splat_pattern"})


def marker(number: int) -> str:
    """A name that is nowhere else: a value wherever one may stand."""
    return f"FlowPilot{number}x"


def stands(path: Sequence[Node], _: ParameterType) -> Stands:
    """What Python takes the innermost of these nodes for, where a name stands for the placeholder."""
    if any(node.type in _TEXT for node in path):
        return Stands.TEXT
    found = (_in(node, path[number + 1], path) for number, node in enumerate(path[:-1]))
    return Stands.COMMAND if any(found) else Stands.VALUE


def is_whole(path: Sequence[Node], start: int, end: int) -> bool:
    """Whether what was put in place of a placeholder is read as it was put."""
    return any((node.start_byte, node.end_byte) == (start, end) for node in path)


def _in(node: Node, inner: Node, path: Sequence[Node]) -> bool:
    if node.type in _NAMES:
        return True
    if node.type in _PARAMETERS:
        return inner.type in ("identifier", "typed_parameter") and inner == path[-1]
    if (field := _NAMED.get(node.type)) is not None and node.child_by_field_name(field) == inner and inner == path[-1]:
        return True
    return node.type == "call" and inner.type in ("argument_list", "generator_expression") and _evaluates(node, inner, path)


def _evaluates(call: Node, arguments: Node, path: Sequence[Node]) -> bool:
    function = call.child_by_field_name("function")
    called = _called(function)
    if function is None or (called == "compile" and function.type == "attribute"):
        return False
    inner = path[path.index(arguments) + 1] if path[-1] != arguments else arguments
    if inner.type == "keyword_argument":
        name, value = inner.child_by_field_name("name"), inner.child_by_field_name("value")
        return name is not None and evaluates(called, said(name)) and not _is_word_of(value, path)
    given = [child for child in arguments.children if child.is_named and child.type not in ("keyword_argument", "comment")]
    return inner in given and evaluates(called, given.index(inner)) and not _is_word_of(inner, path)


def _called(function: Node | None) -> str:
    if function is None:
        return ""
    last = function.child_by_field_name("attribute") if function.type == "attribute" else function
    return "" if last is None else said(last)


def _is_word_of(value: Node | None, path: Sequence[Node]) -> bool:
    """Whether the placeholder is one word of a command given as a list, and one that the command does not run."""
    if value is None or value.type not in ("list", "tuple") or value not in path[:-1]:
        return False
    inner = path[path.index(value) + 1]
    words = [child for child in value.children if child.is_named and child.type != "comment"]
    return inner in words and not runs([_static(word) for word in words], words.index(inner))


def _static(word: Node) -> str | None:
    if word.type != "string" or any(child.type == "interpolation" for child in word.children):
        return None
    return "".join(said(child) for child in word.children if child.type == "string_content")
