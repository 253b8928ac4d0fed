"""What PowerShell takes a placeholder for, by its grammar."""

from collections.abc import Sequence
from typing import Final

import tree_sitter_powershell
from tree_sitter import Language, Node

from flowpilot_core.domain.knowledge.evaluating import is_block, is_cmdlet_that_runs, is_method_that_runs, runs
from flowpilot_core.domain.knowledge.parameter import ParameterType
from flowpilot_core.domain.knowledge.script import Stands

from .syntax import said

GRAMMAR: Final = Language(tree_sitter_powershell.language())

_TEXT: Final = frozenset({"attribute", "comment", "generic_token", "key_expression", "path_command_name", "simple_name", "string_literal"})
_NAMES: Final = frozenset({"command_name", "command_name_expr", "left_assignment_expression", "member_name", "type_spec"})
_INVOCATIONS: Final = frozenset({"invokation_expression", "invocation_expression", "invokation_foreach_expression"})
_BEFORE: Final = frozenset(b" \t\r\n(,;=[{|:!")
_AFTER: Final = frozenset(b" \t\r\n),;]}|")


def marker(number: int) -> str:
    """A variable that is nowhere else: a value wherever one may stand."""
    return f"$FlowPilot{number}x"


def word(number: int) -> str:
    """A word that is nowhere else: a command where one may stand."""
    return f"FlowPilot{number}x"


def is_command(path: Sequence[Node]) -> bool:
    """Whether a plain word in place of the placeholder would be a command."""
    return any(node.type in ("command_name", "command_name_expr") for node in path)


def stands(path: Sequence[Node], _: ParameterType) -> Stands:
    """What PowerShell takes the innermost of these nodes for, where a variable stands for the placeholder."""
    if any(node.type in _NAMES for node in path):
        return Stands.COMMAND
    if any(node.type in _TEXT or node.type.endswith("here_string_characters") for node in path):
        return Stands.TEXT
    found = (_in(node, path[number + 1]) for number, node in enumerate(path[:-1]))
    return Stands.COMMAND if any(found) else Stands.VALUE


def is_whole(path: Sequence[Node], start: int, end: int, text: bytes) -> bool:
    """Whether what was put in place of a placeholder is read as it was put: one value, with nothing that clings to it."""
    if text[start - 1 : start].strip(bytes(_BEFORE)) or text[end : end + 1].strip(bytes(_AFTER)):
        return False
    return any((node.start_byte, node.end_byte) == (start, end) for node in path)


def _in(node: Node, inner: Node) -> bool:
    if node.type == "command":
        return _in_command(node, inner)
    if node.type in _INVOCATIONS:
        member = next((child for child in node.children if child.type == "member_name"), None)
        if member is None or inner.end_byte <= member.start_byte:
            return False
        of = (node.text or b"")[: member.start_byte - node.start_byte].decode(errors="replace")
        return is_method_that_runs(of, said(member))
    if node.type == "pipeline_chain":
        return any(child.type == "command" and is_cmdlet_that_runs(_name(child)) for child in node.children if child != inner)
    return False


def _in_command(command: Node, inner: Node) -> bool:
    if inner.type != "command_elements":
        return False
    name = _name(command)
    if is_cmdlet_that_runs(name):
        return True
    elements = [child for child in inner.children if child.type != "command_argument_sep"]
    place = next((at for at, child in enumerate(elements) if _holds_marker(child)), None)
    if place is None:
        return False
    named = place > 0 and elements[place - 1].type == "command_parameter"
    if is_block(name, said(elements[place - 1]).strip("-:") if named else None):
        return True
    return runs([name, *(None if _holds_marker(element) else said(element).strip("'\"") for element in elements)], place + 1)


def _holds_marker(node: Node) -> bool:
    return b"$FlowPilot" in (node.text or b"")


def _name(command: Node) -> str:
    name = command.child_by_field_name("command_name")
    return "" if name is None else said(name).strip("'\"")
