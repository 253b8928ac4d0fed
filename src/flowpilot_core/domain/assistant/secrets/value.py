"""Reading what stands behind a name, and judging whether it can be a secret."""

import re
from enum import IntEnum
from itertools import pairwise
from typing import Final

from attrs import frozen

from .folded import DONE, Folded
from .shapes import is_drawn
from .words import NOT_ONE

LONGEST: Final = 400
"""Characters of a value; what goes on further is read up to there."""


class Faith(IntEnum):
    """How much says that a secret stands there."""

    WEAK = 0
    """A space alone: only what looks made up is one."""
    LIKELY = 1
    """A verb or a dash: a plain word too, where the sentence ends with it."""
    SURE = 2
    """A sign such as `:`, or a setting: whatever is not said of secrets in general."""


@frozen
class Value:
    """What stands somewhere, without its quotes."""

    start: int
    end: int
    quoted: bool = False


_QUOTED: Final = re.compile(r"\"([^\"\r\n]{1,400})\"|'([^'\r\n]{1,400})'|`([^`\r\n]{1,400})`")
_TOKEN: Final = re.compile(r"[^\s<>|]{1,400}+")
_CUT: Final = re.compile(
    r"[;&](?=[\w .-]{1,40}[=:])|,(?=[\"'\w. -]{1,40}[=:])|[\"'`](?=[,;:)}\]|]|\Z)|</|/>|\\[nrt](?=\w{0,40}[ :=])|\?(?=\w{1,40}=)",
    re.IGNORECASE,
)
_ENDS: Final = ".,;:!?)]}\"'`*~>\\"
_PART: Final = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+){0,3}\d{0,4}[.,;:!?)]{0,3}|\d{1,6}")
_WORD: Final = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_MASK: Final = re.compile(
    r"(?:[*x#_.\u2022\u2026-]|\\u2022){3,}|\*+|<.*|\$\{?[a-z_:.]+\}?(?:\\n.*|[./,:].*)?|\$\(.*|\$_.*|%[\w.-]*%?|\{\{.*|@\{.*|\{\w*\}?|"
    r"\[\w*\]?|[\W_]+|"
    r"-{1,2}[a-z][\w-]*|/[a-z?]{1,3}",
    re.IGNORECASE,
)
"""What stands for a value that is not shown, or comes from elsewhere; an option."""
_ORDINARY: Final = re.compile(
    r"(?:\d{1,4}[./:-]\d{1,2}(?:[./:-]\d{1,4})?(?:[t ]?\d\d:\d\d.*)?|\d+(?:[.,]\d+)*(?:%|st|nd|rd|th|x|h|d|m|s|ms|mb|gb|tb|kb|min|sec|"
    r"days?|chars?)?|"
    r"(?:\d{1,3}\.){3}\d{1,3}(?:[:/]\d{1,5})?|v?\d+(?:\.\d+){1,5}\w{0,8}|0x[0-9a-f]+|kb\d{6,7}|"
    r"[a-z][a-z0-9+.-]*://.*|(?:[a-z]:|\\)?\\[\w$].*|[~.]{0,2}/[\w.*-]+(?:/.*)?|[\w.+-]+@(?:[\w-]+\.)+[a-z]{2,}|"
    r"(?:[\w-]+\.)+(?:[a-z]{2,4}|local|example|internal)|"
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}|(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}|"
    r"[\w.]+[\[(].*|[\w.]+=[^=].*|[a-z_]+\d?(?:\.[a-z_]+\d?)+|(?:sha|md|aes|tls|ssl|rc|des|3des|utf|iso|rfc|win|windows|office|server|"
    r"exchange|w|ntlm|wpa|smb|ikev|snmp|oauth|http|http/|ipv|"
    r"event|error|aadsts|vlan|port|step|line|page|level|tier|version|build|id|user|oauth|x|p|t|q|f|ps|pc|srv|dc|fs|nas|sw|ap|ticket|"
    r"inc|case|sql)"
    r"[-_ #/.]?v?\d+(?:[.,/:-]\d+)*(?:[a-z]{0,3}))",
    re.IGNORECASE,
)
_SIGNS: Final = re.compile(r"[!#$%^&*?@+_=~/\\.:;,|{}\[\]()<>-]")
_STATE: Final = re.compile(r".*(?:ed|ing|able|ible|ive|ous|ful|less|ly|tion|iert|lich|ig|té|ée|ado|ada|ato|ata|ane|ana|ny|wane)")
_GOES_ON: Final = re.compile(
    r"\s{0,3}(?:$|[\r\n|,;(<\"'*_`-]|(?:and|but|or|on|for|since|until|till|from|works?|worked|valid|ab|seit|bis|und|aber|für|"
    r"funktioniert|et|mais|pour|y|e"
    r"|i|ale|en|maar|voor|met|so|then|please|twice|in|at|if|when|now|again|instead|before|after|via|with|by|thanks|ok|jetzt|lautet|"
    r"geändert|gesetzt"
    r"|zurückgesetzt|gewijzigd|,)\b)"
)
MINE: Final = frozenset(
    [
        "my",
        "our",
        "i",
        "we",
        "mein",
        "meine",
        "unser",
        "mon",
        "ma",
        "mes",
        "notre",
        "mi",
        "mis",
        "nuestro",
        "mio",
        "mia",
        "nostro",
        "moje",
        "mój",
        "moja",
        "mijn",
        "ons",
        "the",
    ]
)
_FEWEST_WORDS, _MOST_WORDS = 3, 8


def value_at(text: Folded, at: int, *, opened: str = "") -> Value | None:
    """What stands at `at`: what is quoted there, or the word. `opened` is a quote that was passed already."""
    if opened:
        end = text.text.find(opened, at, at + LONGEST)
        line = text.text.find("\n", at, at + LONGEST)
        if end > at and (line < 0 or end < line):
            return _trimmed(text, at, end, quoted=True)
    quoted = _QUOTED.match(text.text, at, at + LONGEST + 2)
    if quoted:
        start, end = next(quoted.span(number) for number in (1, 2, 3) if quoted[number])
        return _trimmed(text, start, end, quoted=True)
    token = _TOKEN.match(text.text, at, at + LONGEST)
    if token is None:
        return None
    end, cut = token.end(), _CUT.search(text.text, at + 1, token.end())
    if cut:
        end = cut.start()
    value = text.text[at:end]
    kept = value.rstrip(_ENDS)
    # What was opened inside is closed inside, and an exclamation mark behind what is made up belongs to it.
    while len(kept) < len(value) and (
        value[len(kept)] in "!?*~" or (value[len(kept)] in ")]}" and "([{"[")]}".index(value[len(kept)])] in kept)
    ):
        kept = value[: len(kept) + 1]
    return Value(at, at + len(kept)) if kept else None


def _trimmed(text: Folded, start: int, end: int, *, quoted: bool) -> Value | None:
    inside = text.text[start:end]
    start += len(inside) - len(inside.lstrip())
    end -= len(inside) - len(inside.rstrip())
    return Value(start, end, quoted) if start < end else None


_ITSELF: Final = ("password", "passwort", "kennwort", "mot de passe", "wachtwoord")


def phrase_at(text: Folded, value: Value) -> Value | None:
    """The words from `value` to the end of its clause, where they can be a passphrase."""
    if value.quoted or text.low.startswith(_ITSELF, value.start):
        return None
    at, words = value.start, list[str]()
    while len(words) <= _MOST_WORDS:
        part = _PART.match(text.low, at, at + 40)
        if part is None:
            return None
        words.append(part[0])
        end = part.end()
        following = text.low[end : end + 2]
        if part[0][-1] in ".,;:!?)" or not following or following[0] in "\r\n" or following == " -":
            break
        if following[0] not in " \t":
            return None
        at = end + 1
    bare = [word.rstrip(".,;:!?)") for word in words]
    said = sum(word in NOT_ONE for word in bare)
    if (
        bare[0].isdigit()
        or not _FEWEST_WORDS <= len(words) <= _MOST_WORDS
        or 2 * said > len(words)
        or (bare[0] in NOT_ONE and bare[0] not in MINE)
    ):
        return None
    return Value(value.start, end - (len(words[-1]) - len(bare[-1])))


def is_made(word: str) -> bool:
    """Whether a word looks made up: letters with digits or signs among them, or of both cases where no word has them."""
    if DONE in word:
        return False
    bare = word.strip(_ENDS)
    if _ORDINARY.fullmatch(bare) or (_WORD.fullmatch(bare) and not any(a.islower() and b.isupper() for a, b in pairwise(bare))):
        return False
    has_letter = any(sign.isalpha() for sign in bare)
    has_digit = any(sign.isdigit() for sign in bare)
    has_sign = bool(_SIGNS.search(word[:-1])) and not _HYPHENED.fullmatch(bare) and not _PATHLIKE.fullmatch(bare)
    return len(bare) >= 4 and has_letter and (has_digit or has_sign or _WORD.fullmatch(bare) is not None)


_HYPHENED: Final = re.compile(r"[^\W\d_]+(?:[-/_.:',][^\W\d_]+)+[-/_.:,]?|[^\W\d_]+[-_.:/,)]")
_PATHLIKE: Final = re.compile(r"[\w$ .-]+(?:[\\/][\w$ .*-]+)+[\\/]?|\w+\.\w{1,4}")


_NAMED: Final = frozenset({"password", "passwd", "passwort", "kennwort", "token", "secret"})
_IDENTIFIER: Final = re.compile(r"[a-z]+(?:_[a-z]+)+|[a-z]+(?:[A-Z][a-z]+)+|(?:self|this|config|settings|os|request|env)\..*")
"""What programs call things."""


def is_secret(text: Folded, value: Value, faith: Faith, *, number: bool = False, token: bool = False) -> bool:
    """Whether `value` can be one, as far as `faith` goes. `number`: digits alone are; `token`: ids are, and short numbers are not."""
    said = text.text[value.start : value.end]
    low = text.low[value.start : value.end]
    bare = low.strip(_ENDS + "([{<*_") or low
    if DONE in said:
        return False
    if bare in _NAMED and text.low[value.end : value.end + 2].strip(" ").isalpha():
        return False
    if bare in NOT_ONE or _MASK.fullmatch(said) or len(bare) < 3:
        return False
    if bare.isdigit():
        return len(bare) <= 12 and (
            number
            or (faith is Faith.LIKELY and len(bare) >= 4 and text.low[value.end : value.end + 1] in ("", "\n", "\r", "."))
            or (faith is Faith.SURE and len(bare) >= (6 if token else 4))
        )
    if value.quoted and faith >= Faith.LIKELY:
        return not (" " in said and _said_of(low)) and not (_ORDINARY.fullmatch(bare) and "=" not in bare and "(" not in bare)
    if is_made(said):
        return True
    if (_IDENTIFIER.fullmatch(said) and text.text[value.end : value.end + 1] in (",", ")", ";", "(", "[")) or text.text[
        value.end : value.end + 1
    ] == "(":
        return False
    if _ORDINARY.fullmatch(bare) or (_PATHLIKE.fullmatch(bare) and faith < Faith.SURE):
        return token and faith is Faith.SURE and (("-" in bare and "." not in bare and "/" not in bare) or is_drawn(said))
    if faith is Faith.SURE:
        return True
    if faith is Faith.LIKELY:
        after = text.low[value.end : value.end + 14]
        ends = after[:1] in (".", ",", ";", "!", "?", ")", "]", "}", ":") or _GOES_ON.match(after) is not None
        return ends and _WORD.fullmatch(bare) is not None and not _STATE.fullmatch(bare)
    return False


def _said_of(quoted: str) -> bool:
    """Whether what is quoted is a sentence about secrets, or a name of a field."""
    words = quoted.split()
    return 2 * sum(word.strip(_ENDS) in NOT_ONE for word in words) > len(words) - (len(words) == 2)
