"""Values as the literals of a language: it reads each back as exactly the value, and nothing in one can end it."""

import re
from enum import StrEnum
from typing import Final

from .parameter import Value


class Language(StrEnum):
    """What a script is written in."""

    POWERSHELL = "powershell"
    BASH = "bash"
    PYTHON = "python"


_YES_NO: Final = {
    Language.POWERSHELL: ("$false", "$true"),
    Language.BASH: ("false", "true"),
    Language.PYTHON: ("False", "True"),
}
_NOTHING: Final = {Language.POWERSHELL: "$null", Language.BASH: "''", Language.PYTHON: "None"}
_BEYOND_ASCII: Final = re.compile(r"([^\x00-\x7f]+)")


def literal(language: Language, value: Value) -> str:
    """The value as one literal; of a text, one without NUL."""
    if isinstance(value, bool):
        return _YES_NO[language][value]
    if not isinstance(value, str):
        return repr(value)
    match language:
        case Language.BASH:
            return "'" + value.replace("'", "'\\''") + "'"
        case Language.PYTHON:
            return ascii(value)
        case Language.POWERSHELL:
            return _powershell(value)


def nothing(language: Language) -> str:
    """What stands for a value that nobody gave: an empty word where the language has no word for nothing."""
    return _NOTHING[language]


def asking(language: Language, label: str) -> str:
    """A question for a secret, asked where and when the script comes to it; what is typed is not shown.

    It is one value of the language. In PowerShell it is a SecureString, as its commands want a password.
    """
    match language:
        case Language.BASH:
            return f'"$(IFS= read -rs -p {literal(language, f"{label}: ")} it && printf \'%s\' "$it")"'
        case Language.PYTHON:
            return f"__import__('getpass').getpass({literal(language, f'{label}: ')})"
        case Language.POWERSHELL:
            return f"(Read-Host -AsSecureString -Prompt {literal(language, label)})"


def _powershell(value: str) -> str:
    # 5.1 reads a file without a byte order mark as ANSI, where bytes of a letter may be a curly quote, which ends a literal.
    if value.isascii():
        return _quoted(value)
    parts = [_quoted(part) if part.isascii() else _characters(part) for part in _BEYOND_ASCII.split(value) if part]
    # A text comes first, so that what follows is joined to it and not added up.
    return "(" + " + ".join(parts if value[0].isascii() else ["''", *parts]) + ")"


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _characters(value: str) -> str:
    units = value.encode("utf-16-be")
    return " + ".join(f"[char]0x{units[at : at + 2].hex().lstrip('0')}" for at in range(0, len(units), 2))
