"""Lines of settings and of gear in which no name but the place tells; and names with their passwords behind a stroke or a colon."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from attrs import frozen

from .folded import Folded
from .span import SecretKind, Span
from .value import Faith, Value, is_secret, value_at

_TYPE: Final = r"(?:(?:[0-9]|enc|encrypted|hex|ascii|md5|sha\d*|local|remote)[ \t]{1,8}){0,2}"
_V: Final = r"(?P<v>\"[^\"\r\n]{1,200}\"|'[^'\r\n]{1,200}'|[^\s'\"]{1,400})"


@frozen
class Line:
    """What stands in a line with `word` in it, if what stands before it in the line is `head`."""

    word: str
    pattern: re.Pattern[str]
    head: re.Pattern[str]
    kind: SecretKind = SecretKind.PASSWORD


def _line(word: str, pattern: str, head: str = r".*", kind: SecretKind = SecretKind.PASSWORD) -> Line:
    return Line(word, re.compile(pattern), re.compile(head), kind)


_GEAR: Final = (
    r"[ \t]{0,40}(?:no[ ])?(?:(?:set[ ])?(?:tacacs|radius|crypto|aaa|server|ntp|isakmp|authentication|accounting|ip[ ]|ospf|key|standby|"
    r"vrrp|hsrp|ipsec|ikev|pki|zone|wlan|wpa|wep)[^\r\n]{0,160})?"
)
LINES: Final = (
    _line(
        "key",
        rf"key[ \t]{{1,4}}{_TYPE}{_V}(?=[ \t]{{0,8}}(?:\r?\n|$|address|hostname|xauth|retransmit|timeout|no-xauth|shared|ascii|use-vrf))",
        _GEAR,
        SecretKind.KEY,
    ),
    _line("message-digest-key", rf"message-digest-key[ ]\d{{1,3}}[ ]md5[ ]{_TYPE}{_V}"),
    _line("authentication-key", rf"authentication-key[ ](?:\d{{1,3}}[ ]md5[ ])?{_TYPE}{_V}"),
    _line("authentication text", rf"authentication[ ]text[ ]{_V}"),
    _line("authentication md5", rf"authentication[ ]md5[ ]key-string[ ]{_TYPE}{_V}"),
    _line("com2sec", rf"com2sec6?[ \t]{{1,8}}(?:-Cn[ ]\S{{1,20}}[ ])?\S{{1,40}}[ \t]{{1,8}}\S{{1,60}}[ \t]{{1,8}}{_V}", r"[ \t]{0,8}"),
    _line("register", r"register[ ]{0,2}=>[ ]{0,2}[^:\s]{1,80}:(?P<v>[^\s@:]{1,100})@"),
    _line("auth ", rf"auth[ ](?:md5|sha)[\w-]{{0,4}}[ ]{_V}", r".{0,160}snmp.{0,160}"),
    _line("priv ", rf"priv[ ](?:des|3des|aes)(?:[ -]?\d{{2,3}})?[ ]{_V}", r".{0,160}snmp.{0,160}"),
    _line("authentication-protocol", rf"authentication-protocol[ ]\S{{2,12}}[ ]{_V}"),
    _line("identified by", rf"identified[ ]by[ ](?:password[ ]|values[ ])?{_V}"),
    _line("identified with", rf"identified[ ]with[ ]\S{{1,40}}[ ](?:by|as)[ ]{_V}"),
    _line(" replace ", rf"[ ]replace[ ]{_V}", r".{0,160}identified by.{0,160}"),
    _line(":5432:", r":5432:[\w*.-]{1,60}:[\w*.\\-]{1,60}:(?P<v>\S{1,200})"),
    _line(":*:", r":\*:[\w*.-]{1,60}:[\w*.\\-]{1,60}:(?P<v>\S{1,200})"),
    _line(":5433:", r":5433:[\w*.-]{1,60}:[\w*.\\-]{1,60}:(?P<v>\S{1,200})"),
    _line(":6432:", r":6432:[\w*.-]{1,60}:[\w*.\\-]{1,60}:(?P<v>\S{1,200})"),
    *(_line(port, rf"{port}[ \t]{{1,8}}[\w.@+-]{{1,80}}:(?P<v>\S{{1,200}})") for port in (":587", ":465", ":25")),
    _line("static:", r"static:(?:[\w.@-]{1,80}:)(?P<v>\S{1,200})"),
    _line("jdbc:oracle", r"jdbc:oracle:\w{1,8}:[\w$.-]{1,60}/(?P<v>[^@\s]{1,100})@"),
    _line("rocommunity", rf"rocommunity6?[ \t]{{1,8}}{_V}", r"[ \t]{0,8}"),
    _line("rwcommunity", rf"rwcommunity6?[ \t]{{1,8}}{_V}", r"[ \t]{0,8}"),
    _line(
        "snmp-server host",
        rf"snmp-server[ ]host[ ]\S{{1,60}}[ ](?:(?:traps?|informs?|vrf[ ]\S{{1,40}}|version[ ](?:1|2c|3[ ]\w{{2,8}}))[ ]){{0,3}}{_V}",
    ),
    _line("authentication", rf"authentication[ ](?:text[ ])?{_V}(?=[ \t]{{0,8}}(?:\r?\n|$))", r"[ \t]{0,8}(?:vrrp|hsrp|standby)[ ].{0,20}"),
    _line(
        "community",
        rf"community[ ](?:(?:string|name|read|write|read-only|read-write|ro|rw|add|\d)[ ]){{0,3}}{_V}",
        r".{0,80}(?:snmp|trap|read|write|\bro|\brw).{0,40}",
    ),
    _line("community", rf"community[ ]strings?[ ](?:(?:is|was|of|set|to)[ ]){{0,2}}{_V}"),
    _line("pass ", rf"pass[ ]{_V}(?=[ \t]{{0,8}}(?:\r?\n|$|\())", r"(?:[>*c:| \t-]{0,6}|.{0,60}user[ ]\S{1,60}[ ,]{1,3})"),
    _line("login ", rf"login[ ]\"?[\w.@\\-]{{2,80}}\"?[ ]{_V}(?=[ \t]{{0,8}}(?:\r?\n|$))", r"[>*c:a-z\d. \t-]{0,8}"),
    _line("334 ugfzc3dvcmq6", r"334 ugfzc3dvcmq6[ \t]*\r?\n(?:[>c: \t-]{0,8})(?P<v>[\w+/=]{4,200})"),
    _line(
        "334 vxnlcm5hbwu6",
        r"334 vxnlcm5hbwu6[ \t]*\r?\n(?:[>c: \t-]{0,8})"
        r"[\w+/=]{2,200}[ \t]*\r?\n(?:[>s: \t-]{0,8})334[^\r\n]{0,40}\r?\n(?:[>c: \t-]{0,8})(?P<v>[\w+/=]{4,200})",
    ),
    _line(
        "auth login",
        r"auth login[ \t]*\r?\n[^\r\n]{0,80}\r?\n(?:[>c: \t-]{0,8})"
        r"[\w+/=]{2,200}[ \t]*\r?\n[^\r\n]{0,80}\r?\n(?:[>c: \t-]{0,8})(?P<v>[\w+/=]{4,200})",
    ),
    _line("privatekey", r"privatekey[ ]?=[ ]?(?P<v>[\w+/]{40,44}={0,2})", kind=SecretKind.PRIVATE_KEY),
    _line("sip", rf"sip[ ](?:auth\w*|login|account|user|password|secret|trunk)?[:= ]{{1,3}}[\w.@+-]{{2,60}}[ ]{{0,2}}[/:][ ]{{0,2}}{_V}"),
)
_BY_WORD: Final[Mapping[str, tuple[Line, ...]]] = {line.word: tuple(one for one in LINES if one.word == line.word) for line in LINES}
WORDS: Final = tuple(_BY_WORD)


def set_in_line(text: Folded, start: int, end: int) -> Iterator[Span]:
    """The secret of the setting that `start` belongs to."""
    if text.low[start - 1 : start].isalnum() and text.low[start].isalnum():
        return
    before = max(0, start - 200)
    head = text.low[text.low.rfind("\n", before, start) + 1 or before : start]
    for line in _BY_WORD[text.low[start:end]]:
        found = line.pattern.match(text.low, start, start + 700)
        if found is None or line.head.fullmatch(head) is None:
            continue
        first, last = found.span("v")
        quoted = text.text[first] in "'\""
        value = Value(first + quoted, last - quoted, quoted=quoted)
        said = text.text[value.start : value.end].rstrip(";,)")
        value = Value(value.start, value.start + len(said), quoted=quoted)
        if said and is_secret(text, value, Faith.SURE, number=True):
            yield Span(value.start, value.end, line.kind)


PEOPLE: Final = (
    *(
        "admin",
        "administrator",
        "root",
        "creds",
        "credentials",
        "login",
        "logon",
        "zugangsdaten",
        "anmeldedaten",
        "username",
        "user",
        "identifiants",
        "identifiant",
    ),
    *(
        "wifi",
        "wi-fi",
        "wlan",
        "ssid",
        "guest network",
        "account",
        "credenziali",
        "credenciales",
        "usuario",
        "utente",
        "inloggegevens",
        "dane logowania",
        "benutzer",
        "ilo",
        "idrac",
        "guest",
        "sa",
        "svc",
        "service",
    ),
)
_PAIR: Final = re.compile(
    r"\w{0,12}[ ]{0,2}[:=]?[ ]{0,2}(?:(?:are|is|sind|lauten|lautet|sont|son|sono|zijn|to|was|default|root|admin|user|:)[ ]){0,3}"
    r"(?:[\w.@][\w.@\\+-]{0,60})?[\"'`*]{0,2}[ ]{0,2}(?P<sign>[/:])[ ]{0,2}[\"'`*]{0,2}(?P<v>[^\s\"'`,;<>|/]{3,200})"
)
_TOLD: Final = re.compile(r"(?:cred|login|logon|zugangs|anmelde|default|identifiant|inlog|dane log|account|sign|works|wi-?fi|wlan|ssid)")
_STILL: Final = re.compile(r"[\"'`*]{0,2}[ ]{1,2}(?:is|was|are|still|works|worked|on|as|ist|funktioniert|geht|for|by|default|\(|fails?)\b")


def paired(text: Folded, start: int, end: int) -> Iterator[Span]:
    """`who / SECRET`."""
    before = text.low[start - 1 : start]
    if before.isalnum() or (before in ("/", "\\", "-", "_", ".", "@", "[") and before):
        return
    found = _PAIR.match(text.low, start, start + 200)
    if found is None or "://" in found[0] or text.low[found.end() : found.end() + 1] in ("/", "\\", "@"):
        return
    first, last = found.span("v")
    value = value_at(text, first)
    if value is None:
        return
    line = text.low.rfind("\n", max(0, start - 60), start) + 1 or max(0, start - 60)
    said = text.low[line : found.start("v")]
    after = text.low[last : last + 14]
    if found["sign"] == ":" and ": " in text.low[found.start() : first] and last - first < 8:
        return
    told = (_TOLD.search(said) is not None and found["sign"] == "/") or (found["sign"] == "/" and _STILL.match(after) is not None)
    if is_secret(text, value, Faith.LIKELY if told else Faith.WEAK):
        yield Span(value.start, value.end, SecretKind.PASSWORD)
