"""What stands behind a name for secrets: `password: …`, `the password is …`, a table's column, the next line."""

import re
from collections.abc import Iterator
from typing import Final

from attrs import define

from .folded import Folded
from .span import SecretKind, Span
from .value import Faith, Value, is_secret, phrase_at, value_at
from .words import KINDS, NOT_ONE, NUMBERS, STRICT

_TAG: Final = (
    r"</?(?:b|i|u|em|key|strong|td|th|tr|p|br|span|div|code|pre|li|ul|ol|dd|dt|kbd|font|value|string|text|data|plaintext|mark|small|"
    r"label|h[1-6])"
    r"(?:[ ][^<>\r\n]{0,80}|/)?>"
)
_GLUE: Final = re.compile(
    rf"(?:[ \t*_~`\"'()\[\]{{}}:=|,>→⇒-]|<(?![a-z/])|{_TAG}|<(?=[^<>\r\n]{{3,80}}>(?!.{{0,80}}</))|\r?\n[ \t]{{0,40}}(?:[>*#|"
    rf"-]+[ \t]{{0,4}})?){{0,80}}+"
)
_SET: Final = re.compile(r"[:=→⇒\t|]|<[/a-z]|->")
_LOOSE: Final = re.compile(r"[ ][-~]+>?[ ]|[(\[{<~]|[ ][*`\"'_]{1,3}$")
_ARGUMENT: Final = re.compile(r"[\"'],[ ]?[\"']")
_EMPTY: Final = re.compile(r"\(\)|.{0,8}\{\{[ ]|.{0,8}\$\{|[ ]?[:=][\"'`][,.)]|[\"'`]?[ ]?\|[ ]?\r?\n")
_EXTENDED: Final = re.compile(
    r"(?:[sd]|\d{1,3}|[_.-]?(?:text|value|hash|plain|plaintext|new|old|neu|alt|enc|encrypted|string|phrase|code|ex|2|w|data|str))?"
    r"(?:[ ](?:string|phrase|code|provisoire|temporaire|temporal|temporanea|tymczasowe|provisional|provvisoria|iniziale|inicial|"
    r"initial|actuel"
    r"|actual|neu|new|old|nuova|nuevo|nueva|wifi|wi-fi|word|value|text|seed|again|tijdelijk|entered|used|given|tried|typed|attempted|"
    r"provided|supplied|received|below|follows|as[ ]follows))?(?![\w])"
)
_NO_NAME: Final = re.compile(
    r"[_.-]?(?:last|expir|polic|min|max|len|age|never|req|hist|count|complex|chang|set\b|endpoint|ur[il]|type|hint|file|path|method|"
    r"lifetime|issuer"
    r"|id\b|name|less|protect|manag|reset|field|prompt|info|prop|format|encod|valid|quality|strength|notreq|cert|store|bad|is|was|has|"
    r"can|ttl|guid|auth\b"
    r"|based|spray|sync|writeback|filter|vault|box|input|label|for(?:got|m)|safe|word|ring|provider|server|service|settings?|cache|"
    r"algo|rotation|recovery)"
)
_WORDS: Final = r"[^\s:=,;.!?|()\[\]]{1,40}"
_ABOUT: Final = re.compile(
    r"[ \t]{1,3}(?:for|of|to|on|at|in|from|by|van|für|fuer|von|vom|de|du|des|del|della|dello|dell|do|dla|na|zum|zur|der|am|im|beim|"
    r"pour|para|per|voor|sur"
    rf"|au|d|re)(?:[ ']{_WORDS}){{1,4}}?(?=[ \t]{{0,3}}(?:[:=→]|->|-[ ])|[ \t](?:is|was|are|ist|war|lautet|est|es|è|to|jest|wurde|auf|"
    rf"changed|has|now|=)[ \t])"
)
_OWNER: Final = re.compile(r"(?:[ ][^\W\d_]{2,20}){1,2}(?=[ ]?:[ ])")
_ASIDE: Final = re.compile(r"[ \t]{0,3}[(\[][^()\[\]\r\n]{1,60}[)\]](?=[ \t]{0,3}(?:[:=→]|->|is[ ]|ist[ ]))")
_ADVERB: Final = (
    r"(?:[ ](?:now|still|currently|again|set|to|as|probably|just|simply|simplement|jetzt|aktuell|nun|weiterhin|now:|maintenant|ahora|"
    r"adesso|ora|teraz|nu|back))"
)
_VERB: Final = re.compile(
    r"[ \t]{0,3}(?:'s|(?:is|was|are|ist|war|lautet|sind|heißt|heisst|est|sont|es|era|è|e'|to[ ]jest|jest|to|będzie|hoort|will[ ]be|"
    r"should[ ]be|must[ ]be|has[ ]to[ ]be"
    rf"|reads|equals|set[ ]to|set[ ]as|being|remains|becomes|goes|might[ ]be|may[ ]be|seems[ ]to[ ]be|becoming|used|"
    rf"uses)(?:{_ADVERB}){{0,3}})[ \t]{{1,3}}"
)
_MOVED: Final = re.compile(
    r"[ \t]{1,3}(?:(?:is|was|were|been|be|has|have|had|got|gets|wurde|wird|ist|habe|war|a|été|est|fue|sido|ha|è|stata|zostało|is|werd|"
    r"now|jetzt)[ ]){0,3}"
    r"(?:changed|reset|set|updated|switched|rotated|moved|back|geändert|zurückgesetzt|gesetzt|changé|modifié|réinitialisé|cambiad[oa]|"
    r"restablecida|cambiat[oa]|modificata|reimpostata"
    r"|zmieniono|zmienione|zresetowane|ustawione|gewijzigd|veranderd|ingesteld|gezet)?[ ]?(?:back[ ])?(?:to|into|as|auf|in|zu|en|à|a|"
    r"su|na|naar|op|by|=|from|von|od|da)[ \t]{1,3}(?:be[ ])?"
)
_CHANGES: Final = re.compile(
    r"\b(?:chang|reset|set|updat|switch|rotat|geändert|änder|setz|gesetzt|cambi|modifi|restabl|reimpost|zmieni|ustawi|wijzig|verander|"
    r"gezet|réinit|mis\b|put\b|made\b)"
)
_TYPED: Final = re.compile(
    r"[ \t=]{1,4}(?:(?:[0156789]|level[ ]\d{1,2}|set-key|enc|encrypted|unencrypted|cipher|simple|irreversible-cipher|plain|plaintext|"
    r"plain-text|"
    r"plain-text-password-value|plaintext-password"
    r"|encrypted-password|ascii|ascii-text|ascii-key|hex|hash|hash-value|md5|sha|sha\d{3}|pbkdf2|bcrypt|scrypt|local|remote|value|"
    r"string|key|ckey|reg_sz|reg_expand_sz|word"
    r"|auth-key|ssh2|phrase|default|\w{1,20}/\d{1,3})[ \t]{1,20}){1,3}|[ ]{1,3}(?:/t[ ]\w{1,20}[ ])?/d[ ]|[ ]{1,3}"
    r"(?:-(?:property)?type[ ]\w{1,20}[ ])?-value[ ]|[ \t]{1,4}51:b:|[ \t]{0,2}=[ \t]{0,2}hex:|\"=hex(?:\(\w\))?:|"
    r"[ \t]{1,20}reg_sz[ \t]{1,20}"
)
_GEAR: Final = re.compile(
    r"[ \t]{0,40}(?:no[ ])?(?:set[ ](?!the|a|his|her|new|up)|/|enable[ ]|username[ ]|user[ ]|crypto|snmp|tacacs|radius|aaa|neighbor|"
    r"ppp|authentication|security[ ]|standby|vrrp|ikev"
    r"|ike[ ]|sip|voip|trunk|tunnel-group|machine[ ]|login[ ]|remote-auth|local-auth|com2sec|isakmp|nmcli|vpn[ ]|l2tp|pptp|bind|"
    r"auth[ ]|pre-shared|wpa|key[ ]|ip[ ]|wlan[ ]|security|peer[ ]"
    r"|password|passwd|psk|secret|pass[ ]|psksecret|requirepass|ro|rw|key-string|community|login|masterauth|create[ ]user|"
    r"alter[ ]user|grant)"
)
_PERSON: Final = re.compile(
    r"\b(?:users?|usr|username|logins?|logon|log[ ]?(?:in|on)|logged|sign(?:ed)?[ ]in|accounts?|admin\w*|root|benutzer\w*|"
    r"anmeld\w*|konto|utente|usuario|identifiant|compte"
    r"|gebruiker\w*|użytkownik\w*|as|with|mit|avec|con|met|z|using|use|try|tried|temp\w*|new|initial|default|neue[sn]?|nouveau|"
    r"nuev[ao]|nuov[ao]|nowe|nieuwe?|bios|first"
    r"|wifi|wi-fi|wlan|local|old|ilo|idrac|ftp|vpn|sent|gave|provisional|vorläufig\w*|tijdelijk\w*|current|domain|sudo|enable|guest|"
    r"service)[ ,;:/-]"
)
_LINKS: Final = frozenset(["as", "is", "was", "als", "ist", "war", "comme", "est", "como", "es", "come", "è", "jako", "to", "for"])
_BETWEEN: Final = frozenset(
    [
        "the",
        "a",
        "an",
        "his",
        "her",
        "my",
        "its",
        "their",
        "our",
        "your",
        "das",
        "sein",
        "ihr",
        "dein",
        "mein",
        "le",
        "la",
        "el",
        "il",
        "lo",
        "mon",
        "ma",
        "son",
        "sa",
        "su",
        "mi",
        "tu",
        "new",
        "first",
        "temp",
        "temporary",
        "initial",
        "default",
        "current",
        "local",
        "admin",
        "wifi",
        "wi-fi",
        "wlan",
        "service",
        "account",
        "domain",
        "root",
        "bios",
        "user",
        "windows",
        "bitlocker",
        "vpn",
        "neues",
        "temporäres",
        "nouveau",
        "hun",
        "haar",
        "zijn",
        "het",
        "de",
        "ein",
        "eine",
        "login",
        "old",
        "nowe",
        "nuova",
        "nueva",
        "nuevo",
        "e-mail",
        "email",
        "mail",
        "sql",
        "sa",
        "db",
        "database",
        "backup",
        "guest",
        "router",
        "firewall",
        "switch",
    ]
)
_USES: Final = frozenset(
    [
        "use",
        "used",
        "uses",
        "using",
        "try",
        "tried",
        "with",
        "enter",
        "entered",
        "typed",
        "type",
        "types",
        "set",
        "put",
        "mit",
        "benutze",
        "nutze",
        "verwende",
        "verwendet",
        "avec",
        "utilise",
        "utilisez",
        "con",
        "usa",
        "usar",
        "met",
        "gebruik",
        "gebruikt",
        "użyj",
        "told",
        "want",
        "wants",
        "needs",
    ]
)
_BARE_LINE: Final = re.compile(r"[\s>*#_`|~\-\"'<\[(+.\d]*(?:</?\w{1,12}[^<>\n]{0,60}>)*(?:[^\s]{1,20}[ ]){0,3}[^\s]{0,20}")
_ALONE: Final = re.compile(r"[ \t*_`~|>,.;)\]\"']{0,12}(?:</\w{1,12}>){0,4}[ \t]{0,8}(?:\r?\n|$)")
_RULED: Final = re.compile(r"[ \t]{0,8}[-=_*~]{2,80}[ \t]{0,8}\r?\n[ \t]{0,40}")
_ATTRIBUTE: Final = re.compile(
    r"[\"']?[ ]{0,2}[,;]?[ ]{0,2}[\"']?(?:value|val|content|data|text|plaintext|userkey)[\"']?[ ]{0,2}[:=][ ]{0,2}([\"']?)"
)
_KEYWORD: Final = re.compile(r"[\w.:-]{0,40}$")


_ENCLOSED: Final = re.compile(r"[ \t]{0,4}(?P<v>[^<>\r\n]{1,200}?)[ \t]{0,4}(?=</)")
_OPENED: Final = re.compile(r"(?:[ ][\w:.-]{1,40}=[\"'][^\"'<>\r\n]{0,80}[\"']){1,4}[ ]?>")
_TWO_CELLS: Final = re.compile(r"[\"']?[ ]?[;,][ ]?[\"']?(?P<v>[^;,\"'\s]{3,100})[\"']?[ ]?(?=\r?\n|\Z)")
_NAME_AFTER: Final = re.compile(r"[\"'][ ]?:")
_AT_END: Final = re.compile(r"[a-z0-9äöü]{6,40}[ ]?(?:\r?\n|\Z)")
_SENTENCE: Final = re.compile(r"[.!?;][ ]|\b(?:is|was|has|the|and|a)[ ]")
_STROKE: Final = re.compile(r"[ ]?[/:]")
_PAIRED: Final = frozenset({"creds", "cred", "credential", "credentials", "zugangsdaten", "anmeldedaten"})


def named(text: Folded, start: int, end: int, *, alone: bool) -> Iterator[Span]:
    """The secrets that the name at `start` tells of; `alone`: a short name that is one as a word only."""
    if alone and not _is_word(text, start, end):
        return
    name = text.low[start:end]
    kind = next((kind for part, kind in KINDS.items() if part in name), SecretKind.PASSWORD)
    extended = _EXTENDED.match(text.low, end, end + 40)
    strict = name in STRICT
    if extended is None:
        if _NO_NAME.match(text.low, end, end + 20):
            return
        rest = re.match(r"[\w.-]{1,40}", text.low[end : end + 40])
        at, strict = end + (rest.end() if rest else 0), True
    else:
        at = extended.end()
        strict = strict or name == "token" or extended[0].startswith("s")
    for value in _values(text, start, at, name, strict=strict):
        yield Span(value.start, value.end, kind)
    before = _before(text, start)
    if before:
        yield Span(before.start, before.end, kind)


def _is_word(text: Folded, start: int, end: int) -> bool:
    before, first = text.text[start - 1 : start], text.text[start : start + 1]
    after = text.text[end : end + 1]
    if before.isalnum() and not (before.islower() and first.isupper()) and not before.isdigit():
        return False
    return not (after.isalpha() and not (after.isupper() and text.text[end - 1].islower())) or after in "s"


def _values(text: Folded, start: int, at: int, name: str, *, strict: bool) -> Iterator[Value]:
    """What the name from `start` to `at` tells of: what is enclosed with it or typed after it, or else what is said of it."""
    line = text.low.rfind("\n", max(0, start - 200), start) + 1 or max(0, start - 200)
    head = text.low[line:start]
    number, token = name in NUMBERS, name in ("token", "secret") or "key" in name
    for value in _enclosed(text, head, at):
        if value and is_secret(text, value, Faith.SURE, number=True, token=token):
            yield value
        if value:
            return
    for value in _typed(text, at):
        if value and is_secret(text, value, Faith.SURE, number=True, token=token and value.quoted):
            yield value
            return
    yield from _said(text, head, at, name, strict=strict, number=number, token=token)


def _enclosed(text: Folded, head: str, at: int) -> Iterator[Value | None]:
    """In an element of that name, or in the next of two cells."""
    found = _KEYWORD.search(head[-40:])
    opening = _OPENED.match(text.text, at, at + 400) if found and head.endswith("<" + found[0]) else None
    if opening:
        enclosed = _ENCLOSED.match(text.text, opening.end(), opening.end() + 220)
        yield Value(*enclosed.span("v"), quoted=True) if enclosed else None
    pair = _TWO_CELLS.match(text.text, at, at + 120) if not head.strip(" \t\"'>") else None
    if pair:
        yield Value(*pair.span("v"))
    glue = _GLUE.match(text.low, at, at + 160)
    if glue and glue[0].endswith(">") and not ("|" in glue[0] and ":" not in glue[0]):
        enclosed = _ENCLOSED.match(text.text, glue.end(), glue.end() + 220)
        yield Value(*enclosed.span("v"), quoted=True) if enclosed else None


def _typed(text: Folded, at: int) -> Iterator[Value | None]:
    """As an attribute of its own, or after the word for how it is written."""
    attribute = _ATTRIBUTE.match(text.low, at, at + 60)
    if attribute:
        yield value_at(text, attribute.end(), opened=attribute[1])
    typed = _TYPED.match(text.low, at, at + 80)
    if typed:
        yield value_at(text, typed.end())


@define
class _Saying:
    """What stands between a name and its value, and how much it says."""

    glue: str
    at: int
    """Where the value begins."""
    faith: Faith
    led: bool = False
    """By a verb."""
    moved: bool = False
    """By one for a change."""
    plainly: bool = False
    """By a verb or a sign: more than one word may be meant."""


def _saying(text: Folded, head: str, at: int) -> _Saying | None:
    low = text.low
    aside = _ASIDE.match(low, at, at + 80)
    at = aside.end() if aside else at
    about = None if aside else _ABOUT.match(low, at, at + 160)
    glue = _GLUE.match(low, at, at + 160)
    if glue is None or _EMPTY.match(glue[0]):
        return None
    if "|" in glue[0] and ":" not in glue[0] and len(head.rpartition("|")[2].split()) > 2:
        return None
    faith = _faith(glue[0])
    if faith is not Faith.SURE and "," in glue[0]:
        if not _ARGUMENT.search(glue[0]) or "(" not in head[-60:]:
            return None
        faith = Faith.SURE
    if faith is Faith.SURE:
        return _Saying(glue[0], glue.end(), faith, plainly="|" not in glue[0])
    after = about.end() if about else at
    owner = None if about else _OWNER.match(low, at, at + 60)
    if owner and glue[0] == " " and not NOT_ONE.intersection(owner[0].split()):
        sign = _GLUE.match(low, owner.end(), owner.end() + 20)
        return _Saying(sign[0], sign.end(), Faith.LIKELY, led=True) if sign else None
    sign = _GLUE.match(low, after, after + 60) if about else None
    if sign and _faith(sign[0]) is Faith.SURE and not sign[0].isspace():
        return _Saying(sign[0], sign.end(), Faith.SURE, plainly=True)
    verb, moving = _VERB.match(low, after, after + 60), _MOVED.match(low, after, after + 60)
    chosen = max((one for one in (verb, moving) if one), key=lambda one: one.end(), default=None)
    if chosen is None and about is None and glue[0].endswith(("*", "`", "_")) and not glue[0].strip("*_`\"' "):
        chosen = _VERB.match(low, glue.end(), glue.end() + 60)
    if chosen:
        rest = _GLUE.match(low, chosen.end(), chosen.end() + 60)
        said = rest[0] if rest else ""
        faith = Faith.SURE if ":" in said or "=" in said else Faith.LIKELY
        return _Saying(said, chosen.end() + len(said), faith, led=True, moved=chosen is moving, plainly=True)
    return None if about else _Saying(glue[0], glue.end(), faith)


def _clause(head: str) -> str:
    """The end of a line, as far as it is of the same sentence."""
    end = head[-90:]
    return end[max(end.rfind(sign) for sign in ".!?") + 1 :]


def _trusted(text: Folded, head: str, at: int, name: str, saying: _Saying, *, strict: bool) -> Faith:
    """How much is to be said for what stands there, given the line that the name stands in."""
    faith, spaced = saying.faith, saying.glue[:1] in (" ", "\t")
    bare = not head.strip(" \t>*-#")
    if faith is Faith.WEAK and not saying.led:
        found = _KEYWORD.search(head[-40:])
        own = found[0] if found else ""
        in_setting = (_GEAR.match(head + name) and not _SENTENCE.search(head)) or (not head.strip(" \t>*-") and "  " in saying.glue)
        if in_setting or ("_" in own and not head[: len(head) - len(own)].strip() and saying.glue.isspace()):
            faith = Faith.SURE
        elif head[-1:] in ("(", "[") or (spaced and _PERSON.search(_clause(head))):
            faith = Faith.LIKELY
        elif spaced and not strict and name != "pass":
            ends = len(head.split()) <= 3 and saying.glue == " " and _AT_END.match(text.low, saying.at, saying.at + 60)
            faith = Faith.LIKELY if bare or ends else faith
    if saying.moved and faith is Faith.LIKELY and not _CHANGES.search(head[-80:] + text.low[at : saying.at + 60]):
        faith = Faith.WEAK
    told = name == "pass" and not saying.led and not _PERSON.search(_clause(head)) and head[-1:] not in ("(", "[")
    return Faith.WEAK if faith is Faith.LIKELY and (strict or told) else faith


def _said(text: Folded, head: str, at: int, name: str, *, strict: bool, number: bool, token: bool) -> Iterator[Value]:
    saying = _saying(text, head, at)
    if saying is None or saying.at >= len(text.low):
        return
    if "\n" in saying.glue:
        if ":" in saying.glue or not strict:
            yield from _on_the_next_line(text, head, saying, number=number)
        return
    if saying.at == at:
        return
    faith = _trusted(text, head, at, name, saying, strict=strict)
    opened = saying.glue[-1:] if (len(saying.glue) > 1 or saying.led) and saying.glue[-1:] in ("'", '"', "`") else ""
    value = value_at(text, saying.at, opened=opened)
    if value is None or _NAME_AFTER.match(text.low, value.end, value.end + 4):
        return
    if name in _PAIRED and not value.quoted:
        faith = Faith.WEAK
        if _STROKE.match(text.low, value.end, value.end + 4):
            return
    phrase = phrase_at(text, value) if saying.plainly and faith >= Faith.LIKELY and not strict and name not in ("secret", "token") else None
    if phrase and not saying.moved:
        yield phrase
        return
    if number and value.end - value.start > 2 and text.low[value.start : value.end].isalpha():
        return
    if is_secret(text, value, faith, number=number, token=token):
        yield value
        yield from _more(text, value)


_OR: Final = re.compile(r"[\"'`*,]{0,2}[ ](?:or|oder|ou|o|lub|of|and|und|then|dann|,|/|to|auf|zu|nach)[ ](?:maybe[ ]|then[ ])?")


def _more(text: Folded, value: Value) -> Iterator[Value]:
    """`… or …`: what is named in one breath."""
    also = _OR.match(text.low, value.end, value.end + 14)
    if also:
        other = value_at(text, also.end())
        if other and is_secret(text, other, Faith.LIKELY if " to" in also[0] or " auf" in also[0] else Faith.WEAK):
            yield other


def _faith(glue: str) -> Faith:
    if _SET.search(glue):
        return Faith.SURE
    return Faith.LIKELY if _LOOSE.search(glue) else Faith.WEAK


def _on_the_next_line(text: Folded, head: str, saying: _Saying, *, number: bool) -> Iterator[Value]:
    first, _, rest = saying.glue.partition("\n")
    told = _SET.search(first) is not None
    if "#" in rest or (not told and (head[-1:].isalnum() or head[-1:] in ("-", "_", ".", "/"))):
        return
    if rest.count("\n") > 3 or not (told or _BARE_LINE.fullmatch(head[-80:])):
        return
    place = saying.at
    ruled = _RULED.match(text.low, place - len(saying.glue.rpartition("\n")[2]))
    if ruled:
        place = ruled.end()
    if text.low.startswith(("`", "|"), place - 1) and text.low.startswith(("``", "| "), place - 2):
        return
    opened = saying.glue[-1:] if saying.glue[-1:] in ("'", '"', "`") else ""
    value = value_at(text, place, opened=opened)
    if value is None:
        return
    alone = _ALONE.match(text.low, value.end, value.end + 60) is not None
    if alone and not text.low.startswith(("password", "passwort", "user", "email", "e-mail"), value.start):
        if (
            is_secret(text, value, Faith.SURE, number=number or told)
            and text.low[value.start] != "/"
            and text.low[value.end : value.end + 1] != ":"
        ):
            yield value
    elif told:
        phrase = phrase_at(text, value)
        if phrase and _ALONE.match(text.low, phrase.end, phrase.end + 40):
            yield phrase
        elif is_secret(text, value, Faith.WEAK):
            yield value


def _before(text: Folded, start: int) -> Value | None:
    """`use … as the password`: what stands before the name."""
    line = text.low.rfind("\n", max(0, start - 120), start) + 1 or max(0, start - 120)
    head = text.low[line:start]
    words = [(found.start(), found[0]) for found in re.finditer(r"\S+", head)][-9:]
    if text.low[start - 1 : start].isalnum() or not head.endswith(" "):
        return None
    while words and words[-1][1].strip("\"'*,") in _BETWEEN:
        words.pop()
    if len(words) < 2 or words[-1][1] not in _LINKS:
        return None
    link = words.pop()[1]
    place = line + words[-1][0]
    value = value_at(text, place)
    if value is None or value.end < place + len(words[-1][1].rstrip(".,;:!?)\"'`*")) - 1:
        return None
    used = len(words) > 1 and words[-2][1].strip(",") in _USES
    said = text.text[value.start : value.end]
    alone = len(words) == 1 and link in _IS and (value.quoted or (said.isascii() and said[0].islower()))
    if used and link in _AS:
        return value if value.quoted or said.lower() not in NOT_ONE else None
    faith = Faith.LIKELY if (used and link != "for") or (alone and value.quoted) else Faith.WEAK
    if is_secret(text, value, faith) or (alone and len(said) >= 6 and said.isalnum() and said not in NOT_ONE):
        return value
    return None


_IS: Final = frozenset(["is", "was", "ist", "war", "est", "es", "è", "to"])
_AS: Final = frozenset(["as", "als", "comme", "como", "come", "jako"])
