"""One-time codes, recovery codes, seeds of authenticators and of wallets: what lets somebody in instead of a password."""

import re
from collections.abc import Iterator
from typing import Final

from .folded import Folded
from .span import SecretKind, Span

CODES: Final = (
    "code",
    "otp",
    "tan",
    "einmalpasswort",
    "mtan",
    "codice",
    "código",
    "codigo",
    "kod ",
    "passcode",
    "2fa",
    "mfa",
    "verification",
)
"""What a number that is good once is called."""
RECOVERY: Final = (
    "2fa backup",
    "mfa backup",
    "notfall-code",
    *(
        "recovery code",
        "backup code",
        "scratch code",
        "emergency code",
        "recovery-code",
        "backup-code",
        "wiederherstellungscode",
        "notfallcode",
    ),
    *("wiederherstellungs-code", "sicherungscode", "codes de secours", "code de secours", "codes de récupération", "code de récupération"),
    *("códigos de recuperación", "código de recuperación", "codici di recupero", "codice di recupero", "codici di backup", "kody zapasowe"),
    *(
        "kod zapasowy",
        "kody odzyskiwania",
        "herstelcode",
        "back-upcode",
        "backupcode",
        "rescue code",
        "single-use code",
        "one-time codes",
        "reset code",
    ),
)
SEEDS: Final = (
    "set up key",
    "setup-key",
    *(
        "totp",
        "authenticator",
        "manual entry",
        "setup key",
        "set-up key",
        "2fa secret",
        "2fa key",
        "mfa secret",
        "mfa key",
        "otp secret",
        "otp seed",
    ),
    *("secret key", "seed", "qr code", "qr-code", "einrichtungsschlüssel", "clé de configuration", "text code", "base32"),
)
WALLETS: Final = (
    *(
        "seed",
        "mnemonic",
        "ledger",
        "trezor",
        "metamask",
        "recovery phrase",
        "recovery words",
        "secret phrase",
        "wallet",
        "bip39",
        "bip-39",
        "backup phrase",
        "phrase de récupération",
    ),
    *(
        "frase semilla",
        "frase de recuperación",
        "wiederherstellungsphrase",
        "frase di recupero",
        "24 words",
        "12 words",
        "24 wörter",
        "12 wörter",
    ),
)
_NUMBER: Final = r"(?:g-)?(?P<v>\d{3}[ -]\d{3}(?:[ -]\d{2,3})?|\d{4,8})(?![\w]|[.:/,-]\d)"
_AFTER: Final = re.compile(
    r"(?:s|n|-nummer)?(?:[ ](?:code|tan|number|nummer|pin|passcode|password|token))?(?:[ ][^\s\d:=.;]{1,24}){0,4}?[ \t]{0,3}"
    r"(?:\r?\n[ \t]{0,8}){0,2}[\s:=#*`\"'(\[-]{1,6}" + _NUMBER
)
_DIRECT: Final = re.compile(r"(?:[ ](?:is|was|ist|war|lautet|est|es|è|to|are|here|now|of|:)){0,2}[\s:=#*`\"'(\[-]{1,6}" + _NUMBER)
_REVERSE: Final = re.compile(
    r"(?<![\w.:/-])(?:g-)?(?P<v>\d{4,8}|\d{3}[ -]\d{3})[*`\"']{0,2}[ ](?:is|ist|est|es|è|to|as|als|comme|como|come|jako|-|=)"
    r"[ ](?:[^\s\d]{1,20}[ ]){0,4}[^\s\d]{0,20}$"
)
_OTHER: Final = re.compile(
    r"(?:err\w*|exit|status|return\w*|event|fail\w*|stop\w*|reason|result|country|area|postal|post|zip|product|response|http|source|"
    r"bar|qr|state|fault|hex|bug\w*|smtp"
    r"|fehler\w*|ländervorwahl|erreur|errore|błędu|fout\w*|d'erreur|vendor|device|class|op|byte|char\w*|key|sort|bank|tax|cost|branch|"
    r"promo|discount|voucher|project|dial\w*"
    r"|department|site|customer|store|model|order|asset|location|colou?r|style|vs|visual studio|de|activity|job|ticket|problem|"
    r"close\w*|cause|clear\w*|win32|hresult|nt|blink"
    r"|beep|led|part|item|article|currency|language|iso|rejection|bounce|dsn|diag\w*|dtc|audit|billing|work|pay)[ _-]?$"
)
_LETS_IN: Final = re.compile(
    r"(?:verif\w*|security|mfa|2fa|otp|one[- ]time|sms|log[- ]?in|sign[- ]?in|access|auth\w*|einmal\w*|bestätig\w*|confirm\w*|"
    r"temporary|door|alarm|gate|google|microsoft|text"
    r"|sicherheits\w*|vérif\w*|sécurité|seguridad|sicurezza|verificación|verifica|bezpiecze\w*|weryfik\w*|verificatie|beveiligings\w*|"
    r"pairing|unlock|activation|entry|pin|passcode|voicemail"
    r"|anmelde\w*|zugangs\w*|freigabe\w*|tan|reset|recovery|register\w*|enrol\w*|connexion|acceso|accesso|dostępu|toegangs\w*|backup|"
    r"whatsapp|apple|duo|okta|paypal|bank|two[- ]factor)"
    r"[ -]?(?:[^\s.]{1,16}[ -]){0,3}$"
)
_SPOKEN: Final = re.compile(
    r"\b(?:read|vorgelesen|gave|sent|got|durchgegeben|dictat|typed|enter|told|received|bekommen|eingegeben|dicté|reçu|otrzyma|kreeg|"
    r"given|says|shows?|use)"
)


def one_time(text: Folded, start: int, end: int) -> Iterator[Span]:
    """The number that is good once, before or behind the name at `start`."""
    name = text.low[start:end].strip()
    before = text.low[start - 1 : start]
    if name in ("otp", "tan", "2fa", "mfa", "kod") and (before.isalnum() or (text.low[end : end + 1].isalpha() and name != "kod")):
        return
    head = text.low[max(0, start - 60) : start]
    head = head[head.rfind("\n") + 1 :]
    if _OTHER.search(head):
        return
    certain = (
        name in ("otp", "tan", "mtan", "einmalpasswort", "2fa", "mfa", "verification")
        or _LETS_IN.search(head) is not None
        or (before.isalpha() and bool(_LETS_IN.search(head + "-")))
    )
    after = _AFTER.match(text.low, end, end + 120)
    certain = certain or (
        after is not None and _LETS_IN.search(after[0][: after.start("v") - after.start()].rstrip(" :=#*`\"'([-\n")) is not None
    )
    if after and (certain or (_length(after["v"]) == 6 and (_SPOKEN.search(head + after[0]) or _DIRECT.match(text.low, end, end + 20)))):
        certainly = certain and ((name != "2fa" and name != "mfa") or _length(after["v"]) >= 6)
        if certainly or _length(after["v"]) == 6:
            yield Span(*after.span("v"), SecretKind.CODE)
    told = _REVERSE.search(head)
    if told and (certain or _length(told["v"]) == 6):
        yield Span(start - len(head) + told.start("v"), start - len(head) + told.end("v"), SecretKind.CODE)


def _length(number: str) -> int:
    return sum(sign.isdigit() for sign in number)


ASKED_FOR: Final = ("to log in", "to sign in", "to verify", "to confirm", "to authenticate", "on the website", "to unlock")
_TYPED_IN: Final = re.compile(r"(?:use|enter|type|typed|entered)[ ](?:code[ ])?(?P<v>\d{6}|\d{3} \d{3})[ ]$")


def asked_for(text: Folded, start: int) -> Iterator[Span]:
    """`Use 123456 to log in`."""
    before = max(0, start - 24)
    found = _TYPED_IN.search(text.low[before:start])
    if found:
        yield Span(before + found.start("v"), before + found.end("v"), SecretKind.CODE)


_LIST: Final = re.compile(r"(?:s|n|y)?(?:[ ](?:are|is|sind|ist|for|für|:)[^\d\n:]{0,40}?)?[\s:=,;*#()\[\]|\"'`.-]{1,12}")
_ITEM: Final = re.compile(r"(?:\d{1,2}[.)][ ]{1,3})?(?P<v>[a-z0-9]{3,12}(?:[- ]?[a-z0-9]{3,12}){0,5}?)(?=[\s,;|\"'`)\].]|$)")
_GAP: Final = re.compile(r"[\s,;|\"'`*#()\[\].-]{1,12}")
_MOST_CODES: Final = 40


def recovery(text: Folded, end: int) -> Iterator[Span]:
    """The codes in the list behind its name."""
    lead = _LIST.match(text.low, end, end + 60)
    at = lead.end() if lead else -1
    for _ in range(_MOST_CODES if lead else 0):
        item = _ITEM.match(text.low, at, at + 80)
        if item is None or (not any(sign.isdigit() for sign in item["v"]) and "-" not in item["v"]) or len(item["v"]) < 5:
            return
        yield Span(*item.span("v"), SecretKind.CODE)
        gap = _GAP.match(text.low, item.end(), item.end() + 12)
        if gap is None:
            return
        at = gap.end()


_SEED: Final = re.compile(r"(?<![\w/+-])(?:[A-Z2-7]{16,80}={0,6}|(?:[A-Za-z2-7]{4}[ -]){3,15}[A-Za-z2-7]{2,4}|[a-z2-7]{26,80})(?![\w/+-])")


def authenticator(text: Folded, end: int) -> Iterator[Span]:
    """The seed that an authenticator is set up with, near its name."""
    line = text.text.find("\n\n", end, end + 100)
    found = _SEED.search(text.text, end, line if line >= 0 else end + 160)
    if (found and any(sign in "234567" for sign in found[0])) or (found and found[0].isupper() and " " not in found[0]):
        yield Span(found.start(), found.end(), SecretKind.KEY)


GROUPS: Final = re.compile(r"(?<!\w)(?:[a-z2-7]{4}[ -]){5,15}[a-z2-7]{4}(?!\w)")


def is_grouped_seed(groups: str) -> bool:
    """Whether groups of four signs are the seed of an authenticator, and no words."""
    return sum(any(sign.isdigit() for sign in group) for group in groups.replace("-", " ").split()) >= 3 and any(
        sign.isalpha() for sign in groups
    )


_ELSE: Final = frozenset(
    [
        "the",
        "and",
        "for",
        "was",
        "has",
        "not",
        "are",
        "from",
        "were",
        "had",
        "but",
        "its",
        "our",
        "his",
        "her",
        "him",
        "she",
        "they",
        "them",
        "there",
        "than",
        "too",
        "did",
        "does",
        "don",
        "our",
        "out",
        "per",
        "via",
        "who",
        "why",
        "yes",
        "yet",
    ]
)
"""Words that hardly any sentence is without, and no list of seed words has."""
WORD_LINE: Final = re.compile(r"(?<![^\n])[ \t>*\"'`]{0,8}(?P<v>[a-z]{3,8}(?:[ ,]{1,2}[a-z]{3,8}){11,23})[ \t\"'`*.]{0,4}(?![^\r\n])")
_LENGTHS: Final = frozenset({12, 15, 18, 21, 24})
_SEED_WORD: Final = re.compile(r"(?:\d{1,2}[.):][ ]?)?([A-Za-z]{3,8})(?=[\s,;\"'`.|)]|$)")
_SEED_GAP: Final = re.compile(r"[\s,;|\"'`-]{1,8}")
_BEFORE_SEED: Final = re.compile(r"[^\n]{0,80}?(?:[:=\n\"'(]|[ ](?:is|are|was)[ ])[\s\"'`*>]{0,8}")


def is_seed(words: str) -> bool:
    """Whether words alone in a line are those that a wallet is made from."""
    said = words.replace(",", " ").split()
    return len(said) in _LENGTHS and not _ELSE.intersection(said) and len(set(said)) >= len(said) - 2


def wallet(text: Folded, end: int) -> Iterator[Span]:
    """At least twelve words behind the name of a seed."""
    for at in (_first(text, end), end):
        place, count, last = at, 0, at
        while count < 25:
            word = _SEED_WORD.match(text.text, place, place + 16)
            if word is None or word[1].lower() in _ELSE:
                break
            count, last = count + 1, word.end(1)
            gap = _SEED_GAP.match(text.text, word.end(), word.end() + 8)
            if gap is None:
                break
            place = gap.end()
        if count >= 12:
            yield Span(at, last, SecretKind.KEY)
            return


def _first(text: Folded, end: int) -> int:
    before = _BEFORE_SEED.match(text.text, end, end + 100)
    if before:
        return before.end()
    gap = _SEED_GAP.match(text.text, end, end + 8)
    return gap.end() if gap else end
