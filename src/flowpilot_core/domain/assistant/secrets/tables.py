"""Columns of secrets: a cell that names one, and what stands below it."""

import re
from collections.abc import Sequence
from typing import Final

from .folded import Folded
from .span import SecretKind, Span
from .value import Faith, Value, is_secret

_MOST_ROWS: Final = 500
_LONGEST_ROW: Final = 1_000
_HEADING: Final = re.compile(
    r"[\s\"'*_`]*(?:(?:the|your|new|old|initial|temp\w*|admin|user|wifi|wi-fi|wlan|login|default|local|root|api|web|neues|aktuelles|"
    r"domain|email|e-mail|service|bios|vpn|db)[ _-])?"
    r"(?:password|passwort|passwd|passphrase|passcode|pass|pwd|pw|psk|pin|secret|token|kennwort|mot de passe|mdp|contraseña|"
    r"contrasena|clave|hasło|haslo|wachtwoord|senha"
    r"|pre-?shared key|(?:wifi|wi-fi|wlan|network|api|secret|access|recovery|license|product|community)[ _-]?(?:key|code|string)?|key|"
    r"community|parola|kennung/pw|code)"
    r"(?:[ ](?:string|key|neu|new|old|alt|1|2))?[\s\"'*_`]*"
)
_NOT_ALONE: Final = frozenset(
    {
        "key",
        "code",
        "license key",
        "product key",
        "network",
        "api",
        "access",
        "recovery",
        "wifi",
        "wlan",
        "wi-fi",
        "community",
        "product",
        "license",
        "secret access",
    }
)
_CUTS: Final = {
    "\t": re.compile(r"\t+"),
    "|": re.compile(r"\|"),
    ";": re.compile(r";"),
    ",": re.compile(r","),
    "  ": re.compile(r"[ \t]{2,}"),
}
_RULE: Final = re.compile(r"[\s|:=+-]+")


def column(text: Folded, start: int, end: int) -> tuple[int, list[Span]]:
    """The secrets below the heading at `start`, and where their table ends."""
    top = text.text.rfind("\n", max(0, start - _LONGEST_ROW), start) + 1
    bottom = _line_end(text, start)
    if bottom >= len(text.text) or bottom - top > _LONGEST_ROW:
        return end, []
    for sign in _CUTS:
        cells = _cells(text, top, bottom, sign)
        if len(cells) < 2:
            continue
        columns = [number for number, cell in enumerate(cells) if _names(text, cell)]
        if columns and any(cells[number].start <= start <= cells[number].end for number in columns):
            return _below(text, bottom + 1, sign, columns, len(cells))
    return end, []


def _names(text: Folded, cell: Value) -> bool:
    said = text.low[cell.start : cell.end].strip(" \t\"'*_`\r")
    return _HEADING.fullmatch(said) is not None and said not in _NOT_ALONE


def _below(text: Folded, at: int, sign: str, columns: Sequence[int], width: int) -> tuple[int, list[Span]]:
    found = list[Span]()
    for _ in range(_MOST_ROWS):
        end = _line_end(text, at)
        if end - at > _LONGEST_ROW or not text.text[at:end].strip():
            break
        if not _RULE.fullmatch(text.text, at, end):
            cells = _cells(text, at, end, sign)
            if not (width - 1 <= len(cells) <= width + 2):
                break
            for number in columns:
                if number < len(cells):
                    value = _trimmed(text, cells[number])
                    if value and is_secret(text, value, Faith.SURE, number=True):
                        found.append(Span(value.start, value.end, SecretKind.PASSWORD))
        at = end + 1
        if at >= len(text.text):
            break
    return at, found


def _line_end(text: Folded, at: int) -> int:
    end = text.text.find("\n", at, at + _LONGEST_ROW + 1)
    return end if end >= 0 else min(len(text.text), at + _LONGEST_ROW + 1)


def _cells(text: Folded, start: int, end: int, sign: str) -> list[Value]:
    cells, at = list[Value](), start
    for cut in _CUTS[sign].finditer(text.text, start, end):
        cells.append(Value(at, cut.start()))
        at = cut.end()
    cells.append(Value(at, end))
    if sign == "|" and len(cells) > 2 and not text.text[cells[0].start : cells[0].end].strip():
        cells = cells[1:]
    if sign == "  " and cells and cells[0].start == cells[0].end:
        cells = cells[1:]
    return cells


def _trimmed(text: Folded, cell: Value) -> Value | None:
    said = text.text[cell.start : cell.end]
    start = cell.start + len(said) - len(said.lstrip(" \t\"'*`"))
    end = cell.end - (len(said) - len(said.rstrip(" \t\r\"'*`")))
    return Value(start, end) if start < end else None
