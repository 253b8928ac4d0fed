"""Addresses, telephone numbers and the like: what goes only where an account wants it gone."""

import re
from collections.abc import Iterator
from typing import Final

from .folded import Folded
from .span import SecretKind, Span

ADDRESS: Final = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}+@(?:[\w-]{1,63}\.){1,8}[a-z]{2,24}\b")
_PERSONAL: Final[tuple[re.Pattern[str], ...]] = (
    ADDRESS,
    re.compile(r"(?<![\w.:-])(?:\+|00)[1-9]\d{0,2}[ ./-]?(?:\(0?\d{1,5}\)[ ./-]?)?\d{1,5}(?:[ ./-]?\d{2,5}){1,4}(?![\w.:-]\d|\d)"),
    re.compile(r"(?<![\w.:-])\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?![\w:-])"),
    re.compile(r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])"),
    re.compile(r"(?:\b(?:born(?:[ ]{1,3}on)?|date[ ]of[ ]birth|dob)[ ]{0,3}[:=]?[ ]{0,3})(?P<v>\d{1,4}[./-]\d{1,2}[./-]\d{1,4})"),
)
_IBAN: Final = re.compile(r"\b[a-z]{2}\d{2}(?:[ ]?[a-z0-9]{4}){2,7}(?:[ ]?[a-z0-9]{1,4})?\b")


def personal(text: Folded) -> Iterator[Span]:
    """Where `text` tells of a person."""
    for pattern in _PERSONAL:
        for match in pattern.finditer(text.low):
            yield Span(*match.span("v" if "v" in pattern.groupindex else 0), SecretKind.PERSONAL)
    for match in _IBAN.finditer(text.low):
        if _is_iban(match[0].replace(" ", "")):
            yield Span(*match.span(), SecretKind.PERSONAL)


_COUNTRIES: Final = frozenset(
    [
        "ad",
        "ae",
        "al",
        "at",
        "az",
        "ba",
        "be",
        "bg",
        "bh",
        "bi",
        "br",
        "by",
        "ch",
        "cr",
        "cy",
        "cz",
        "de",
        "dj",
        "dk",
        "do",
        "ee",
        "eg",
        "es",
        "fi",
        "fk",
        "fo",
        "fr",
        "gb",
        "ge",
        "gi",
        "gl",
        "gr",
        "gt",
        "hr",
        "hu",
        "ie",
        "il",
        "iq",
        "is",
        "it",
        "jo",
        "kw",
        "kz",
        "lb",
        "lc",
        "li",
        "lt",
        "lu",
        "lv",
        "ly",
        "mc",
        "md",
        "me",
        "mk",
        "mn",
        "mr",
        "mt",
        "mu",
        "ni",
        "nl",
        "no",
        "om",
        "pk",
        "pl",
        "ps",
        "pt",
        "qa",
        "ro",
        "rs",
        "ru",
        "sa",
        "sc",
        "sd",
        "se",
        "si",
        "sk",
        "sm",
        "so",
        "st",
        "sv",
        "tl",
        "tn",
        "tr",
        "ua",
        "va",
        "vg",
        "xk",
        "ye",
    ]
)


def _is_iban(value: str) -> bool:
    """Whether a text could be an IBAN: ISO 13616-1, with its check digits."""
    if not 15 <= len(value) <= 34 or value[:2] not in _COUNTRIES:
        return False
    return int("".join(str(int(character, 36)) for character in value[4:] + value[:4])) % 97 == 1
