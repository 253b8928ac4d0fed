"""The parameters that a script itself declares, for somebody to take or leave."""

import ast
import re
from collections.abc import Callable, Iterator
from typing import Final

from attrs import evolve
from tree_sitter import Language as Grammar
from tree_sitter import Node, Parser

from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.text import TITLE
from flowpilot_core.domain.knowledge.literals import Language
from flowpilot_core.domain.knowledge.parameter import MOST_PARAMETERS, Parameter, ParameterType, Value, checked_parameters

from . import bash, powershell, python
from .syntax import find, said

_POWERSHELL_TYPES: Final = {
    **dict.fromkeys(("int", "int16", "int32", "int64", "long", "uint16", "uint32", "uint64", "byte"), ParameterType.INTEGER),
    **dict.fromkeys(("double", "float", "single", "decimal"), ParameterType.NUMBER),
    **dict.fromkeys(("switch", "switchparameter", "bool", "boolean"), ParameterType.YES_NO),
    **dict.fromkeys(("securestring", "pscredential"), ParameterType.SECRET),
}
_PYTHON_TYPES: Final = {"int": ParameterType.INTEGER, "float": ParameterType.NUMBER}
_OPTIONS: Final = re.compile(r"([A-Za-z0-9])(:?)")
_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")


def declared_parameters(language: Language, body: str) -> tuple[Parameter, ...]:
    """As `DeclaredParameters` says."""
    grammar, declared = _LANGUAGES[language]
    root = Parser(grammar).parse(body.encode()).root_node
    found: dict[str, Parameter] = {}
    for one in declared(root):
        if one.name not in found and len(found) < MOST_PARAMETERS and (fitting := _fitting(one)) is not None:
            found[one.name] = fitting
    return tuple(found.values())


def _fitting(one: Parameter) -> Parameter | None:
    """The parameter, without a default or choices that it could not have; None where it cannot be one."""
    label = " ".join(one.label.split())[:TITLE].strip() or one.name
    for try_one in (one, evolve(one, default=None), evolve(one, default=None, choices=(), type=ParameterType.TEXT)):
        try:
            return checked_parameters([evolve(try_one, label=label)], lambda _, __: True)[0]
        except InvalidValue:
            continue
    return None


def _in_bash(root: Node) -> Iterator[Parameter]:
    for node in find(root, "command", "expansion", "simple_expansion"):
        if node.type == "command":
            yield from _getopts(node)
        elif (number := _variable(node)).isdigit() and number != "0" and not _in_function(node):
            yield _positional(number, node)


def _variable(node: Node) -> str:
    return next((said(child) for child in node.children if child.type in ("variable_name", "special_variable_name")), "")


def _in_function(node: Node) -> bool:
    around = node.parent
    while around is not None and around.type != "function_definition":
        around = around.parent
    return around is not None


def _positional(number: str, node: Node) -> Parameter:
    operator = node.child_by_field_name("operator")
    optional = operator is not None and said(operator) in (":-", "-", ":=", "=")
    after = said(node).partition(said(operator))[2].removesuffix("}") if optional and operator is not None else ""
    default = None if "$" in after or "`" in after else after.strip("'\"")
    return Parameter(
        name=f"arg{number}", label=f"Argument {number}", type=ParameterType.TEXT, required=not optional, default=default or None
    )


def _getopts(command: Node) -> Iterator[Parameter]:
    words = [child for child in command.children if child.is_named]
    if len(words) < 2 or said(words[0]) != "getopts":
        return
    for letter, valued in _OPTIONS.findall(said(words[1])):
        kind = ParameterType.TEXT if valued else ParameterType.YES_NO
        yield Parameter(name=letter, label=f"Option -{letter}", type=kind, required=False, default=None if valued else False)


def _in_powershell(root: Node) -> Iterator[Parameter]:
    block = next(find(root, "param_block"), None)
    for node in () if block is None else find(block, "script_parameter"):
        variable = next((said(child) for child in node.children if child.type == "variable"), "")
        attributes = {name.lower(): arguments for name, arguments in _attributes(node)}
        types = [_POWERSHELL_TYPES[short] for short in map(_short, attributes) if short in _POWERSHELL_TYPES]
        kind = types[0] if types else ParameterType.TEXT
        choices = tuple(text for text in map(_powershell_value, attributes.get("validateset", ())) if isinstance(text, str))
        own = dict(argument.partition("=")[::2] for argument in attributes.get("parameter", ()))
        own = {name.strip().lower(): value.strip() for name, value in own.items()}
        default = next((_powershell_value(said(child)[1:]) for child in node.children if child.type == "script_parameter_default"), None)
        least, most = _bounds(attributes.get("validatelength" if kind is ParameterType.TEXT else "validaterange", ()))
        help_text = _powershell_value(own.get("helpmessage", ""))
        name = variable.removeprefix("$").strip("{}")
        yield Parameter(
            name=name,
            label=help_text if isinstance(help_text, str) and help_text else name,
            type=ParameterType.CHOICE if choices else kind,
            required=own.get("mandatory", "$false").lower() not in ("$false", ""),
            default=False if default is None and kind is ParameterType.YES_NO else default,
            choices=choices,
            min=least,
            max=most,
        )


def _attributes(parameter: Node) -> Iterator[tuple[str, list[str]]]:
    """Types and attributes of a parameter, each with its arguments as they are written."""
    for attribute in find(parameter, "attribute"):
        name = next(find(attribute, "type_name"), None)
        arguments = next(find(attribute, "attribute_arguments"), None)
        written = [] if arguments is None else [said(child) for child in arguments.children if child.type == "attribute_argument"]
        # A name alone is a switch that is on.
        yield (
            ("" if name is None else said(name)),
            [f"{one}=$true" if one.isidentifier() else one for one in written],
        )


def _short(name: str) -> str:
    return name.rsplit(".", 1)[-1]


def _bounds(arguments: object) -> tuple[int | float | None, int | float | None]:
    match [_powershell_value(one) for one in arguments] if isinstance(arguments, list) else []:
        case [int() | float() as least, int() | float() as most]:
            return least, most
    return None, None


def _powershell_value(written: str) -> Value | None:
    written = written.strip()
    if written.lower() in ("$true", "$false"):
        return written.lower() == "$true"
    if _NUMBER.fullmatch(written):
        return float(written) if "." in written else int(written)
    if len(written) > 1 and written[0] == written[-1] == "'":
        return written[1:-1].replace("''", "'")
    if len(written) > 1 and written[0] == written[-1] == '"' and not set(written) & set("$`"):
        return written[1:-1].replace('""', '"')
    return None


def _in_python(root: Node) -> Iterator[Parameter]:
    for call in find(root, "call"):
        function, arguments = call.child_by_field_name("function"), call.child_by_field_name("arguments")
        last = None if function is None else function.child_by_field_name("attribute")
        if last is None or arguments is None or said(last) != "add_argument":
            continue
        flags = [value for value in map(_python_value, arguments.children) if isinstance(value, str)]
        named = {
            said(name): value
            for child in arguments.children
            if child.type == "keyword_argument"
            and (name := child.child_by_field_name("name")) is not None
            and (value := child.child_by_field_name("value")) is not None
        }
        if flags:
            yield _argument(flags, named)


def _argument(flags: list[str], named: dict[str, Node]) -> Parameter:
    values = {name: _python_value(node) for name, node in named.items()}
    written = {name: said(node) for name, node in named.items()}
    action, help_text, dest = values.get("action"), values.get("help"), values.get("dest")
    longest = next((flag for flag in flags if flag.startswith("--")), flags[0])
    name = dest if isinstance(dest, str) else longest.lstrip("-").replace("-", "_")
    kind = _PYTHON_TYPES.get(written.get("type", ""), ParameterType.TEXT)
    listed = values.get("choices")
    choices = tuple(map(str, listed)) if isinstance(listed, list | tuple) and all(isinstance(one, str) for one in listed) else ()
    default = values.get("default")
    if action in ("store_true", "store_false"):
        kind, default = ParameterType.YES_NO, action == "store_false"
    return Parameter(
        name=name,
        label=help_text if isinstance(help_text, str) and help_text else name,
        type=ParameterType.CHOICE if choices else kind,
        required=values.get("required") is True or (not flags[0].startswith("-") and values.get("nargs") not in ("?", "*")),
        default=default if isinstance(default, str | int | float | bool) else None,
        choices=choices,
    )


def _python_value(node: Node) -> object:
    if node.type not in ("string", "integer", "float", "true", "false", "unary_operator", "list", "tuple") or len(said(node)) > TITLE * 10:
        return None
    try:
        value: object = ast.literal_eval(said(node))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return value


_LANGUAGES: Final[dict[Language, tuple[Grammar, Callable[[Node], Iterator[Parameter]]]]] = {
    Language.BASH: (bash.GRAMMAR, _in_bash),
    Language.POWERSHELL: (powershell.GRAMMAR, _in_powershell),
    Language.PYTHON: (python.GRAMMAR, _in_python),
}
