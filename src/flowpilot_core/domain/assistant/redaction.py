"""What must not leave FlowPilot, as rules: where a text holds a secret, and what stands in its place.

The patterns go by what engineers paste: settings, commands, logs, mails. What a value looks like is taken from the vendors' own
descriptions of their keys; a label (`password: …`) is believed whatever stands behind it, unless that is a word about passwords.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from functools import cache
from typing import Final

from attrs import frozen


class SecretKind(StrEnum):
    """What a secret is, in the word its placeholder uses."""

    PASSWORD = "password"  # noqa: S105  (a word, not one)
    KEY = "key"
    PRIVATE_KEY = "private key"
    TOKEN = "token"  # noqa: S105  (a word, not one)
    HASH = "password hash"
    CARD = "card"
    PERSONAL = "personal"


@frozen
class Span:
    """Where in a text something stands that must not leave."""

    start: int
    end: int
    kind: SecretKind


SHORTEST_LEARNED: Final = 6
"""Characters of a secret that is recognised wherever else it stands; a shorter one would be found in ordinary words."""

_ENDING: Final = ".:)]}"
"""What may stand behind a secret, at the end of a sentence, without being a part of it."""

_PLACEHOLDER: Final = re.compile(rf"\[(?:{'|'.join(SecretKind)}) [0-9a-f]{{6}}\]")

_LABEL: Final = (
    r"(?:pass(?:word|wd|phrase|code|wort)|kennwort|mot[ ]de[ ]passe|contrase(?:ñ|n)a|wachtwoord|l(?:ö|o)senord"
    r"|(?:api|access|auth|secret|private|client|shared|account|encryption|signing|master|admin|recovery|wi-?fi|wlan|wpa2?|psk)"
    r"[ _.-]?(?:key|secret|token|psk)|pre-?shared[ _.-]?key"
    r"|(?<![a-z])(?:pass|pwd?|psk|secret|token|credentials?|pin|cvv2?|cvc|community|senha))"
)
"""What people and programs call a secret; the long words may have others stuck to them (`smtpPassword`)."""

_WORDS: Final = (
    r"(?:\*+|x{3,}|•+|\.{2,}|…|<[^>]{0,40}>|%\w{1,40}%|\$\{?\w{1,40}\}?|none|null|nil|empty|blank|yes|no|true|false|n/?a|unknown|expired?|wrong"
    r"|incorrect|invalid|correct|ok(?:ay)?|valid|changed?|reset|resets|required|missing|never|not|set|unset|updated|accepted|rejected"
    r"|denied|locked|disabled|enabled|policy|protected|saved|cached|the|a|an|is|was|and|or|for|in|on|of|to|from|with|by|hidden"
    r"|redacted|removed|stored|same|mismatch|failed|failure|failures|works?|worked|prompts?|again|it|as|must|does|did|has|had"
    r"|will|cannot|can|error|server|service|type|age|length|complexity|history|authentication|endpoint|ring|number|issuer|public)"
)
"""What may stand behind such a word without being a secret."""

_ENDS: Final = r"(?=[\s,;:.!?)\]}'\"<>|]|$)"
_VALUE: Final = (
    r"(?:\"(?P<v1>[^\"\r\n]{1,200})\"|'(?P<v2>[^'\r\n]{1,200})'|`(?P<v3>[^`\r\n]{1,200})`"
    rf"|(?!{_WORDS}{_ENDS})(?P<v4>[^\s\"'`,;<>|&]{{1,200}}))"
)


def _rule(kind: SecretKind, pattern: str, *, flags: re.RegexFlag = re.IGNORECASE) -> tuple[SecretKind, re.Pattern[str]]:
    return kind, re.compile(pattern, flags)


_RULES: Final[tuple[tuple[SecretKind, re.Pattern[str]], ...]] = (
    # Whole blocks first: what is inside them is no setting.
    _rule(
        SecretKind.PRIVATE_KEY,
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)",
        flags=re.DOTALL,
    ),
    _rule(SecretKind.PRIVATE_KEY, r"PuTTY-User-Key-File-\d:.*?(?:Private-(?:MAC|Hash): ?[0-9a-f]+|\Z)", flags=re.DOTALL),
    # Keys that tell what they are.
    _rule(
        SecretKind.TOKEN,
        r"\b(?:eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*"
        r"|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{18,}|xox[abeoprs]-[\w-]{10,}|npm_\w{30,}|pypi-[\w-]{40,}|hf_\w{30,}"
        r"|fp_[a-z2-7]{26}_[a-z2-7]{52}_[0-9a-f]{8}|dop_v1_[0-9a-f]{40,}|ya29\.[\w-]{20,}|1//0[\w-]{30,}|[a-z]+_live_\w{16,})",
        flags=re.NOFLAG,
    ),
    _rule(
        SecretKind.KEY,
        r"\b(?:(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[\w-]{35}|sk-(?:ant-|proj-)?[\w-]{20,}|(?:sk|rk|pk)_(?:live|test)_\w{16,}"
        r"|SG\.[\w-]{16,}\.[\w-]{16,}|whsec_[\w+/=-]{16,}|key-[0-9a-f]{32}|[0-9a-f]{32}-us\d{1,2}|shp(?:at|ca|pa|ss)_[0-9a-f]{32}"
        r"|EAAA[\w-]{60}|sq0(?:csp|atp)-[\w-]{22,}|(?:\d{6}-){7}\d{6}|(?:[BCDFGHJKMPQRTVWXY2346789N]{5}-){4}[BCDFGHJKMPQRTVWXY2346789N]{5})"
        r"(?![\w-])",
        flags=re.NOFLAG,
    ),
    _rule(SecretKind.HASH, r"\$(?:1|2[abxy]|5|6|7|8|9|14|y|argon2\w{1,2})\$[^\s:'\"]{16,}"),
    _rule(SecretKind.HASH, r"\b[0-9a-f]{32}:[0-9a-f]{32}(?![0-9a-f])"),
    # Credentials in addresses, headers and connection strings.
    _rule(SecretKind.PASSWORD, r"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@'\"]{0,100}:(?P<v1>[^\s/'\"]{1,200})@(?=[\w.\[-])"),
    _rule(
        SecretKind.TOKEN,
        r"\b(?:proxy-)?authorization['\"]?\s{0,4}[:=]\s{0,4}['\"]?(?:(?:bearer|basic|negotiate|ntlm|digest|token|apikey)\s{1,4})?"
        r"(?P<v1>[^\s'\",;]{4,4000})",
    ),
    _rule(SecretKind.TOKEN, r"\bbearer\s{1,4}(?P<v1>[\w.~+/=-]{16,4000})"),
    _rule(SecretKind.TOKEN, r"\b(?:set-)?cookie\s{0,4}:\s{0,4}(?P<v1>[^\r\n]{4,4000})"),
    _rule(
        SecretKind.TOKEN,
        r"[?&;](?:sig|signature|x-amz-(?:signature|security-token)|(?:access_|refresh_|id_|auth_|sas_?)?token|code|api_?key|key|secret"
        r"|password|pwd|pass|session(?:id)?|auth)=(?P<v1>[^\s&#'\"<>]{4,4000})",
    ),
    _rule(SecretKind.KEY, r"\b(?:otpauth://\S{1,400}?[?&]secret=|totp[ _-]?(?:seed|secret)\s{0,4}[:=]\s{0,4})(?P<v1>[A-Z2-7=]{12,200})"),
    # Commands.
    _rule(SecretKind.PASSWORD, r"\bconvertto-securestring\s{1,4}(?:-string\s{1,4})?" + _VALUE),
    _rule(SecretKind.PASSWORD, r"(?<!\w)(?:sshpass\s{1,4}-p|psexec\S{0,40}\s[^\r\n]{0,200}?-p)\s{0,4}" + _VALUE),
    _rule(SecretKind.PASSWORD, r"\bnet\s{1,4}use\s[^\r\n]{0,200}?/user:\S{1,100}\s{1,4}(?!/|\*)" + _VALUE),
    _rule(SecretKind.PASSWORD, r"\bnet\s{1,4}user\s{1,4}(?!/)[^\s]{1,100}\s{1,4}(?!/|\*)" + _VALUE),
    _rule(SecretKind.PASSWORD, r"(?<!\w)(?:-u|--user)\s{1,4}['\"]?[^\s:'\"]{1,100}:(?P<v1>[^\s'\"]{1,200})"),
    _rule(SecretKind.PASSWORD, r"(?<!\w)(?:mysql|mysqldump|mariadb)\b[^\r\n]{0,200}?\s-p(?P<v1>[^\s'\"]{2,200})"),
    _rule(
        SecretKind.PASSWORD,
        r"(?<![\w-])(?:--?|/)(?:admin|user|db|sa|smtp)?-?(?:password|passwd|pass|pwd|pw|token|secret|api-?key)[ \t:=]{1,4}(?!-)" + _VALUE,
    ),
    _rule(SecretKind.PASSWORD, r"\becho\s{1,4}" + _VALUE + r"\s{0,4}\|\s{0,4}sudo\s[^\r\n]{0,40}?-S"),
    _rule(
        SecretKind.PASSWORD,
        r"(?<!\w)(?:ldap\w{3,10}\s[^\r\n]{0,200}?-w|sqlcmd\s[^\r\n]{0,200}?-P|smbclient\s[^\r\n]{0,200}?-U\s{0,4}[^\s%]{1,60}%)\s{0,4}"
        + _VALUE,
    ),
    # Network gear.
    _rule(
        SecretKind.PASSWORD,
        r"\b(?:enable|username\s{1,4}\S{1,60}(?:\s{1,4}privilege\s{1,4}\d{1,2})?)\s{1,4}(?:secret|password)\s{1,4}(?:\d\s{1,4})?" + _VALUE,
    ),
    _rule(
        SecretKind.PASSWORD,
        r"\b(?:snmp-server\s{1,4}community|snmp\s{1,4}community(?:\s{1,4}string)?)\s{1,4}(?:is\s{1,4})?[:=]?\s{0,4}" + _VALUE,
    ),
    _rule(SecretKind.KEY, r"\b(?:tacacs|radius)(?:-server)?(?:\s{1,4}host\s{1,4}\S{1,60})?\s{1,4}key\s{1,4}(?:\d\s{1,4})?" + _VALUE),
    _rule(
        SecretKind.KEY,
        r"\b(?:pre-shared-key|key-string|wpa-psk|wpa-passphrase)(?:\s{1,4}(?:ascii(?:-text)?|local|remote|hex|\d))?\s{1,4}" + _VALUE,
    ),
    # Elements and settings, whatever they are called around the word.
    _rule(SecretKind.PASSWORD, rf"<(?P<tag>[\w:.-]{{0,40}}{_LABEL}[\w.-]{{0,40}})(?:\s[^>]{{0,200}})?>(?P<v1>[^<\r\n]{{1,400}})</(?P=tag)"),
    _rule(
        SecretKind.PASSWORD,
        rf"{_LABEL}(?:[_.-]\w{{1,30}}|s|new|old|hash|text|value)?['\"\]]{{0,2}}"
        r"(?:\s{1,3}(?:\([^)\r\n]{1,60}\)|(?:for|of|to|on|at|van|für|de)\s{1,3}[^\s:=]{1,60}(?:\s{1,3}[^\s:=]{1,60}){0,2}))?"
        r"[ \t]{0,8}(?::=|[:=]>?|->|→)[ \t]{0,8}" + _VALUE,
    ),
    _rule(
        SecretKind.PASSWORD,
        r"\b(?:password|passwort|passphrase|passcode|pin|api[ ]key|secret|token|psk|wi-?fi[ ]key)"
        r"(?:\s{1,3}(?:for|of|to|on)\s{1,3}\S{1,60}(?:\s{1,3}\S{1,60})?)?"
        r"\s{1,3}(?:is|was|ist|lautet|=)(?:\s{1,3}(?:now|still|set[ ]to|jetzt))?\s{1,3}"
        r"(?:\"(?P<v1>[^\"\r\n]{4,200})\"|'(?P<v2>[^'\r\n]{4,200})'|(?P<v3>(?=[^\s]{0,60}[\d!@#$%^&*_+?-])(?=[^\s]{0,60}[a-z0-9])[^\s\"'`,;<>|]{4,200}))",
    ),
    _rule(
        SecretKind.PASSWORD,
        r"\b(?:user(?:name)?|login|logon|creds?|credentials?)\s{0,4}[:=]?\s{0,4}[\w.@\\-]{2,60}\s{0,3}/\s{0,3}"
        r"(?P<v1>(?=[^\s]{0,60}[\d!@#$%^&*_+?-])[^\s\"'`,;<>|/]{6,200})",
    ),
)

_SIGN: Final = r"[^\s\"'`<>,;|/\\()\[\]{}=]"
_SHAPE: Final = (
    rf"(?={_SIGN}{{0,39}}[a-zäöüß])(?={_SIGN}{{0,39}}[A-ZÄÖÜ])(?={_SIGN}{{0,39}}\d)(?={_SIGN}{{0,39}}[%s])"
    rf"{_SIGN}{{8,40}}(?=[\s\"'`<>,;|/)\]}}.]|$)"
)
"""What people make where a password has to have letters of both cases, a digit and a sign; which signs is filled in."""
_DRAWN: Final = re.compile(r"(?<![\w/+])(?=[A-Za-z]{0,63}\d)(?=[a-z0-9]{0,63}[A-Z])(?=[A-Z0-9]{0,63}[a-z])[A-Za-z0-9]{32,4000}(?![\w/+])")
"""What a machine draws: no digest, no id and no serial number is that long and has letters of both cases."""
_MADE_UP: Final = re.compile(r"(?<![\w.@%$&=#-])" + _SHAPE.replace("%s", "!#$%^&*?"))
"""Signs that stand in no address, path or encoded data: such a word is a password wherever it stands."""
_SPOKEN_OF: Final = re.compile(
    r"\b(?:pass\w*|pwd?|cred\w*|kennwort|log(?:in|on)|code|secret|sign\w*[ ]in|default|mot[ ]de[ ]passe)\b", re.IGNORECASE
)
_MADE_UP_OR_SO: Final = re.compile(r"(?<![\w.@%$&=#-])" + _SHAPE.replace("%s", "!#$%^&*?@+_-"))
_LINE: Final = re.compile(r"[^\r\n]+")
_LONGEST_LINE: Final = 2_000
"""Characters; what speaks of passwords further on speaks of something else."""

_ADDRESS: Final = re.compile(r"\b[\w.+%-]{1,64}@(?:[\w-]{1,63}\.){1,8}[a-z]{2,24}\b", re.IGNORECASE)
_PERSONAL: Final[tuple[re.Pattern[str], ...]] = (
    _ADDRESS,
    re.compile(r"(?<![\w.:-])(?:\+|00)[1-9]\d{0,2}[ ./-]?(?:\(0?\d{1,5}\)[ ./-]?)?\d{1,5}(?:[ ./-]?\d{2,5}){1,4}(?![\w.:-]\d|\d)"),
    re.compile(r"(?<![\w.:-])\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?![\w:-])"),
    re.compile(r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])"),
    re.compile(
        r"(?:\b(?:born(?:\s{1,3}on)?|date[ ]of[ ]birth|dob)\s{0,3}[:=]?\s{0,3})(?P<v1>\d{1,4}[./-]\d{1,2}[./-]\d{1,4})", re.IGNORECASE
    ),
)
_IBAN: Final = re.compile(r"\b[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{4}){2,7}(?:[ ]?[A-Z0-9]{1,4})?\b")
_CARD: Final = re.compile(r"(?<![\w.-])[3-6]\d{3}(?:[ -]?\d{2,6}){2,4}(?![\w-])")


def spans(text: str, *, personal: bool = False) -> Iterator[Span]:
    """Where `text` holds secrets; they may overlap. With `personal`, addresses, telephone numbers and the like too."""
    for kind, pattern in _RULES:
        for match in pattern.finditer(text):
            yield _of(match, kind)
    for match in _MADE_UP.finditer(text):
        yield _of(match, SecretKind.PASSWORD)
    for match in _DRAWN.finditer(text):
        yield _of(match, SecretKind.KEY)
    for line in _LINE.finditer(text):
        if len(line[0]) <= _LONGEST_LINE and _SPOKEN_OF.search(line[0]):
            for match in _MADE_UP_OR_SO.finditer(text, *line.span()):
                if not _ADDRESS.fullmatch(match[0]):
                    yield _of(match, SecretKind.PASSWORD)
    for match in _CARD.finditer(text):
        if _is_card(re.sub(r"\D", "", match[0])):
            yield Span(*match.span(), SecretKind.CARD)
    if personal:
        for pattern in _PERSONAL:
            for match in pattern.finditer(text):
                yield _of(match, SecretKind.PERSONAL)
        for match in _IBAN.finditer(text):
            if _is_iban(match[0].replace(" ", "")):
                yield Span(*match.span(), SecretKind.PERSONAL)


def cleaner(
    texts: Iterable[str], find: Callable[[str], Iterable[Span]], placeholder: Callable[[SecretKind, str], str]
) -> Callable[[str], str]:
    """What puts placeholders in the place of the secrets of any text, and of those of `texts`, given what finds them."""
    found = cache(lambda text: tuple(find(text)))
    known: dict[str, SecretKind] = {}
    for text in texts:
        known = _learned(text, found(text)) | known

    def clean(text: str) -> str:
        here = _learned(text, found(text)) | known
        return _redacted(text, found(text), here, lambda kind, secret: placeholder(here.get(bare(secret), kind), bare(secret)))

    return clean


def bare(secret: str) -> str:
    """A secret without what ends a sentence behind it."""
    return secret.strip().rstrip(_ENDING) or secret


def _learned(text: str, found: Iterable[Span]) -> dict[str, SecretKind]:
    """The secrets of a text that are long enough to be known again, with what they are."""
    values = ((text[span.start : span.end], span.kind) for span in found)
    ways = ((way, kind) for value, kind in values for way in (value.strip(), bare(value), value.strip().rstrip(_ENDING + "!?")))
    return {way: kind for way, kind in ways if len(way) >= SHORTEST_LEARNED}


def _redacted(text: str, found: Iterable[Span], known: Mapping[str, SecretKind], placeholder: Callable[[SecretKind, str], str]) -> str:
    """`text` with a placeholder for each span and for each secret of `known`; placeholders that are there already stay."""
    all_found = [*found, *_repeats(text, known)]
    kept: list[str] = []
    at = 0
    for span in _merged(all_found, [match.span() for match in _PLACEHOLDER.finditer(text)]):
        kept += text[at : span.start], placeholder(span.kind, text[span.start : span.end])
        at = span.end
    return "".join((*kept, text[at:]))


def placeholder(kind: SecretKind, tag: str) -> str:
    """What stands in the place of a secret; `tag` is six hexadecimal digits that are the same for the same secret."""
    return f"[{kind} {tag}]"


def _of(match: re.Match[str], kind: SecretKind) -> Span:
    for name, value in match.groupdict().items():
        if value is not None and name != "tag":
            return Span(*match.span(name), kind)
    return Span(*match.span(), kind)


def _repeats(text: str, known: Mapping[str, SecretKind]) -> Iterator[Span]:
    for value, kind in known.items():
        at = text.find(value)
        while at >= 0:
            yield Span(at, at + len(value), kind)
            at = text.find(value, at + len(value))


def _merged(found: Iterable[Span], placeholders: list[tuple[int, int]]) -> Iterator[Span]:
    """The spans without overlaps, in order: where several meet, the first one's kind counts. None begins or ends in a placeholder."""
    current: Span | None = None
    for span in sorted(found, key=lambda span: (span.start, -span.end)):
        start, end = span.start, span.end
        for first, last in placeholders:
            if first <= start < last:
                start = last
            if first < end <= last:
                end = first
        if start >= end:
            continue
        if current and start < current.end:
            current = Span(current.start, max(current.end, end), current.kind)
            continue
        if current:
            yield current
        current = Span(start, end, span.kind)
    if current:
        yield current


def _is_card(digits: str) -> bool:
    """Whether digits could be a card's number: ISO/IEC 7812-1, with its check digit by Luhn's rule."""
    if not 13 <= len(digits) <= 19 or len(set(digits)) < 3:
        return False
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return sum(digit - 9 if digit > 9 else digit for digit in doubled) % 10 == 0


def _is_iban(value: str) -> bool:
    """Whether a text could be an IBAN: ISO 13616-1, with its check digits."""
    if not 15 <= len(value) <= 34:
        return False
    return int("".join(str(int(character, 36)) for character in value[4:] + value[:4])) % 97 == 1
