"""What bash takes a placeholder for, by its grammar."""

from collections.abc import Sequence
from typing import Final

import tree_sitter_bash
from tree_sitter import Language, Node

from flowpilot_core.domain.knowledge.evaluating import names_code, reads_code, runs
from flowpilot_core.domain.knowledge.parameter import ParameterType
from flowpilot_core.domain.knowledge.script import NUMBERS, Stands

from .syntax import said

GRAMMAR: Final = Language(tree_sitter_bash.language())

_TEXT: Final = frozenset(
    {
        "ansi_c_string",
        "comment",
        "expansion",
        "file_descriptor",
        "heredoc_body",
        "heredoc_end",
        "heredoc_start",
        "raw_string",
        "regex",
        "simple_expansion",
        "string",
        "translated_string",
    }
)
_ARITHMETIC: Final = frozenset({"arithmetic_expansion", "c_style_for_statement"})
_COMPARES_NUMBERS: Final = frozenset({"-eq", "-ne", "-lt", "-le", "-gt", "-ge"})
_STATIC: Final = frozenset({"word", "number", "raw_string"})


def marker(number: int) -> str:
    """A word that is nowhere else."""
    return f"FlowPilot{number}x"


def stands(path: Sequence[Node], kind: ParameterType) -> Stands:
    """What bash takes the innermost of these nodes for, where a plain word stands for the placeholder."""
    if any(node.type in _TEXT or (node.type == "command_substitution" and said(node).startswith("`")) for node in path):
        return Stands.TEXT
    found = (_in(node, path[number + 1], kind) for number, node in enumerate(path[:-1]))
    return Stands.COMMAND if any(found) else Stands.VALUE


def is_whole(path: Sequence[Node], start: int, end: int, kind: ParameterType) -> bool:
    """Whether what was put in place of a placeholder is read as it was put, where its literal stands for it."""
    if kind in NUMBERS | {ParameterType.YES_NO}:
        # A bare word: as good as any other part of a word, except before `<` and `>`, where it would be a descriptor.
        return not any(node.type == "file_descriptor" for node in path)
    return any((node.start_byte, node.end_byte) == (start, end) and node.type in ("raw_string", "string") for node in path)


def _in(node: Node, inner: Node, kind: ParameterType) -> bool:
    match node.type:
        case "command_name" | "function_definition":
            return node.type == "command_name" or inner.type == "word"
        case "command":
            return _in_command(node, inner)
        case "declaration_command":
            options = [said(child) for child in node.children if child.type == "word" and said(child).startswith("-")]
            return inner.type != "variable_assignment" or any(set(option) & set("in") for option in options)
        case "unset_command":
            return True
        case "variable_assignment":
            name = node.child_by_field_name("name")
            return name is None or inner == name or names_code(said(name))
        case "subscript":
            return kind not in NUMBERS or inner.type == "variable_name"
        case "for_statement":
            return inner == node.child_by_field_name("variable")
        case "binary_expression" | "unary_expression":
            operator = node.child_by_field_name("operator")
            said_operator = "" if operator is None else said(operator)
            return (said_operator in _COMPARES_NUMBERS and kind not in NUMBERS) or said_operator == "-v"
        case "compound_statement":
            return bool(node.children) and node.children[0].type == "((" and kind not in NUMBERS
        case "pipeline":
            return any(_reads_code(child) for child in node.children if child.start_byte > inner.end_byte)
        case "redirected_statement":
            return inner.type == "herestring_redirect" and any(_reads_code(child) for child in node.children)
        case arithmetic if arithmetic in _ARITHMETIC:
            return kind not in NUMBERS and inner.type != "do_group"
    return False


def _in_command(command: Node, inner: Node) -> bool:
    if inner.type == "herestring_redirect":
        return _reads_code(command)
    words = [child for child in command.children if child.type == "command_name" or _is_word(command, child)]
    return inner in words and runs([_static(word) for word in words], words.index(inner))


def _is_word(command: Node, child: Node) -> bool:
    return child.is_named and child.type not in ("variable_assignment", "file_redirect", "herestring_redirect", "heredoc_redirect")


def _reads_code(node: Node) -> bool:
    if node.type != "command":
        return any(_reads_code(child) for child in node.children if child.type in ("command", "redirected_statement", "subshell", "list"))
    words = [child for child in node.children if child.type == "command_name" or _is_word(node, child)]
    return reads_code([_static(word) for word in words])


def _static(word: Node) -> str | None:
    """A word that bash makes nothing of but what is written."""
    while word.type == "command_name" and word.child_count == 1:
        word = word.children[0]
    if word.type == "string" and all(child.type in ('"', "string_content") for child in word.children):
        return said(word)[1:-1]
    if word.type == "concatenation":
        parts = [_static(part) for part in word.children]
        return None if None in parts else "".join(filter(None, parts))
    if word.type not in _STATIC:
        return None
    text = said(word)
    return text[1:-1] if word.type == "raw_string" else text.replace("\\", "")
