"""What tells by itself what it is: the keys that vendors draw, blocks, hashes, what a machine or a person made up.

The forms are those that the vendors describe; detect-secrets and CredSweeper collect them, and were read for what they know.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Final

from attrs import frozen

from .folded import Folded
from .span import SecretKind, Span

TOKEN, KEY, HASH, PASSWORD = SecretKind.TOKEN, SecretKind.KEY, SecretKind.HASH, SecretKind.PASSWORD


@frozen
class Shape:
    """A form that begins with one of `starts`; what its group `v` holds is secret, else all of it."""

    kind: SecretKind
    pattern: re.Pattern[str]
    starts: tuple[str, ...]
    inside: bool = False
    """Whether it may begin inside a word."""


def _shape(kind: SecretKind, pattern: str, *starts: str, inside: bool = False) -> Shape:
    return Shape(kind, re.compile(pattern), starts, inside)


SHAPES: Final = (
    _shape(TOKEN, r"gh[pousr]_\w{10,255}", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    _shape(TOKEN, r"github_pat_\w{10,255}", "github_pat_"),
    _shape(
        TOKEN,
        r"gl(?:agent|soat|ffct|p[at]t|oas|cbt|imt|rtr|[dfrw]t)-[\w-]{10,64}(?:\.[\w-]{2,16}){0,2}",
        "glpat-",
        "gldt-",
        "glrt-",
        "glptt-",
        "glcbt-",
    ),
    _shape(TOKEN, r"(?:xapp|xox[a-z])-[\w-]{8,400}", "xapp-", "xoxb-", "xoxp-", "xoxa-", "xoxe-", "xoxr-", "xoxs-", "xoxo-", "xoxd-"),
    _shape(TOKEN, r"npm_\w{20,255}", "npm_"),
    _shape(TOKEN, r"pypi-[\w-]{40,255}", "pypi-"),
    _shape(TOKEN, r"hf_[\w-]{20,100}", "hf_"),
    _shape(TOKEN, r"fp_[a-z2-7]{26}_[a-z2-7]{52}_[0-9a-f]{8}", "fp_"),
    _shape(TOKEN, r"do[oprs]_v1_[0-9a-f]{40,80}", "dop_v1_", "doo_v1_", "dor_v1_"),
    _shape(TOKEN, r"ya29\.[\w-]{20,2000}", "ya29."),
    _shape(TOKEN, r"1//0[\w-]{30,2000}", "1//0"),
    _shape(
        KEY, r"[a-z]{2,10}_(?:live|test)_\w{12,255}", "sk_live_", "rk_live_", "pk_live_", "sk_test_", "rk_test_", "pk_test_", "ac_live_"
    ),
    _shape(TOKEN, r"hv[bsr]\.[\w-]{20,400}", "hvs.", "hvb.", "hvr."),
    _shape(TOKEN, r"\.atlasv1\.[\w-]{20,100}", ".atlasv1.", inside=True),
    _shape(KEY, r"AGE-SECRET-KEY-1[0-9A-Z]{10,80}", "age-secret-key-1"),
    _shape(
        KEY,
        r"(?:A3T[0-9A-Z]|ABIA|ACCA|AGPA|AIDA|AKIA|ANPA|AROA|ASIA)[0-9A-Z]{12,20}(?![0-9a-z])",
        "akia",
        "asia",
        "abia",
        "acca",
        "aroa",
        "aida",
        "a3t",
        "agpa",
    ),
    _shape(KEY, r"AIza[\w-]{30,45}", "aiza"),
    _shape(KEY, r"GOCSPX-[\w-]{20,40}", "gocspx-"),
    _shape(KEY, r"sk-(?:ant-|proj-|or-|svcacct-|admin-)?[\w-]{20,300}", "sk-"),
    _shape(KEY, r"SG\.[\w-]{16,40}\.[\w-]{16,64}", "sg."),
    _shape(KEY, r"whsec_[\w+/=-]{16,200}", "whsec_"),
    _shape(KEY, r"key-[0-9a-f]{32}", "key-"),
    _shape(KEY, r"shp(?:at|ca|pa|ss|tka)_[0-9a-fA-F]{32}", "shpat_", "shpca_", "shppa_", "shpss_", "shptka_"),
    _shape(KEY, r"EAAA[\w-]{60}|EAA[0-9A-Za-z]{80,400}", "eaaa", "eaac", "eaab", "eaad", "eaag"),
    _shape(KEY, r"sq0[a-z]{3}-[\w-]{20,60}", "sq0csp-", "sq0atp-", "sq0idp-"),
    _shape(TOKEN, r"dckr_[op]at_[\w-]{20,40}", "dckr_pat_", "dckr_oat_"),
    _shape(TOKEN, r"SWM(?:TKN|KEY)-1-[\w-]{30,90}", "swmtkn-1-", "swmkey-1-"),
    _shape(TOKEN, r"tskey-[a-z]{2,10}-\w{8,30}-\w{16,50}", "tskey-"),
    _shape(KEY, r"NR(?:AK|BR|II|JS|AA|AL)-[\w-]{19,60}", "nrak-", "nrbr-", "nrii-", "nrjs-"),
    _shape(TOKEN, r"dapi[0-9a-f]{32}(?:-\d)?", "dapi"),
    _shape(TOKEN, r"dt0[a-z]\d\d\.[0-9A-Z]{24}\.[0-9A-Z]{64}", "dt0c01.", "dt0s01."),
    _shape(TOKEN, r"dp\.(?:pt|st|ct|sa|scim|audit)\.\w{30,60}", "dp.pt.", "dp.st.", "dp.ct.", "dp.sa."),
    _shape(TOKEN, r"gl(?:c|sa)_[\w-]{20,400}", "glc_", "glsa_"),
    _shape(TOKEN, r"lin_api_\w{30,60}", "lin_api_"),
    _shape(TOKEN, r"ntn_\w{30,255}", "ntn_"),
    _shape(TOKEN, r"pul-[0-9a-f]{40}", "pul-"),
    _shape(TOKEN, r"sntry[su]_[\w=+/-]{30,400}", "sntrys_", "sntryu_"),
    _shape(TOKEN, r"xkeysib-[0-9a-f]{64}-[\w-]{16}", "xkeysib-"),
    _shape(TOKEN, r"rubygems_[0-9a-f]{48}", "rubygems_"),
    _shape(TOKEN, r"ops_eyJ[\w-]{60,4000}", "ops_eyj"),
    _shape(TOKEN, r"sbp_(?:v0_)?[0-9a-f]{40}", "sbp_"),
    _shape(TOKEN, r"AT(?:BB|CTT3|ATT3)[\w=-]{24,400}", "atbb", "atctt3", "atatt3"),
    _shape(TOKEN, r"AKC[\w]{10,100}|AKCp\w{69}", "akc"),
    _shape(TOKEN, r"PMA[KT]-[\w-]{24,64}", "pmak-", "pmat-"),
    _shape(TOKEN, r"figd_[\w-]{30,60}", "figd_"),
    _shape(TOKEN, r"sl\.(?:u\.)?[\w-]{77,200}", "sl."),
    _shape(TOKEN, r"oy2[a-z0-9]{43}", "oy2"),
    _shape(TOKEN, r"cf(?:at|ut|k)_\w{40,60}", "cfat_", "cfut_", "cfk_"),
    _shape(
        TOKEN, r"v[1-4]\.(?:public|local)\.[\w-]{15,4000}", "v1.local.", "v2.local.", "v3.local.", "v4.local.", "v2.public.", "v4.public."
    ),
    _shape(KEY, r"LS0tLS1CRUdJTi[\w+/=]{20,8000}", "ls0tls1crudjti"),
    _shape(KEY, r"(?:SK|AC)[0-9a-f]{32}(?![0-9a-f])", "sk", "ac"),
    _shape(KEY, r"8Q~[\w~.-]{28,40}", "8q~", inside=True),
    _shape(
        TOKEN,
        r"eyJ[\w=-]{8,4000}+(?:[ \t]{0,4}(?:\r?\n[ \t>]{0,8})?\.[ \t]{0,4}(?:\r?\n[ \t>]{0,8})?[\w=-]{6,4000}+){1,5}|eyJ[\w=-]{40,4000}",
        "eyj",
    ),
    _shape(
        HASH,
        r"\$(?:1|2[abxy]|5|6|7|8|9|10|14|y|apr1|argon2\w{1,2}|p|krb5\w{0,10}|sha1|pbkdf2[\w-]{0,10})\$[^\s:'\",]{8,400}",
        *(f"${one}$" for one in ("1", "2a", "2b", "2x", "2y", "5", "6", "7", "8", "9", "10", "14", "y", "apr1", "p", "sha1")),
        "$argon2",
        "$krb5",
        "$pbkdf2",
        inside=True,
    ),
    _shape(
        HASH,
        r"\{(?:s?sha(?:256|512)?|smd5|md5|crypt|SSHA|SHA|MD5|CRYPT|x-\w{1,10})\}[^\s'\",]{8,200}",
        "{ssha",
        "{sha",
        "{md5}",
        "{smd5}",
        "{crypt}",
        inside=True,
    ),
    _shape(PASSWORD, r"://[^\s:/@'\"<>]{0,100}:(?P<v>[^\s/'\"<>]{1,200})@(?=[\w.\[-])", "://", inside=True),
    _shape(
        TOKEN,
        r"(?i:authorization)[\"']?[ \t]{0,4}[:=][ \t]{0,4}[\"']?(?:(?i:bearer|basic|negotiate|ntlm|digest|token|apikey|splunk|key)"
        r"[ \t]{1,4})?(?P<v>[^\s'\",;]{4,4000})",
        "authorization",
        inside=True,
    ),
    _shape(TOKEN, r"(?i:bearer)[ \t:]{1,4}(?P<v>[\w.~+/=-]{16,4000})", "bearer"),
    _shape(TOKEN, r"(?i:ntlm|negotiate)[ ](?P<v>[\w+/=]{24,4000})", "ntlm ", "negotiate "),
    _shape(TOKEN, r"(?i:cookie)[ ]{0,4}:[ ]{0,4}(?P<v>[^\r\n=:]{1,100}=[^\r\n]{3,4000})", "cookie:", "cookie :", inside=True),
    _shape(
        TOKEN,
        r"(?i:sig|signature|x-amz-signature|x-amz-security-token|code|key|auth|session|sessionid|sid|sas|hmac|ticket|state|assertion|"
        r"otp)=(?P<v>[^\s&#'\"<>;]{6,4000})",
        "sig=",
        "signature=",
        "x-amz-security-token=",
        "code=",
        "key=",
        "auth=",
        "session=",
        "sessionid=",
        "sas=",
        "assertion=",
    ),
    _shape(KEY, r"(?i:webhookb2)/(?P<v>[\w@/.-]{30,400})", "webhookb2/", inside=True),
    _shape(KEY, r"(?i:api/webhooks)/(?P<v>\d{10,25}/[\w-]{30,120})", "api/webhooks/", inside=True),
    _shape(
        KEY,
        r"(?i:slack\.com/services|slack\.com/workflows|slack\.com/triggers)/(?P<v>[\w/-]{20,120})",
        "slack.com/services/",
        "slack.com/workflows/",
        inside=True,
    ),
    _shape(KEY, r"(?i:logic\.azure\.com)[:\w/.-]{1,200}\?(?P<v>[^\s'\"<>]{10,600})", "logic.azure.com", inside=True),
    _shape(KEY, r"otpauth(?:-migration)?://(?P<v>[^\s'\"<>]{8,600})", "otpauth://", "otpauth-migration://", inside=True),
    _shape(
        KEY,
        r"(?i:registration-?token|activation-?code|enrol+ment-?(?:token|key)|install-?(?:token|key))[ \t:=\"']{1,6}(?P<v>[\w-]{8,100})",
        "registrationtoken",
        "activation code",
        "enrollment token",
        "install token",
    ),
)
_BY_START: Final[Mapping[str, Shape]] = {start: shape for shape in SHAPES for start in shape.starts}
STARTS: Final = tuple(_BY_START)
_NOT_SHOWN: Final = re.compile(r"\$|%\w+%|\{\{?|[*.\u2026x]{1,60}(?![^\s*.\u2026x])|<|\[")
"""What stands for a value that comes from elsewhere."""
_QUERY: Final = frozenset(
    ("sig=", "signature=", "x-amz-security-token=", "code=", "key=", "auth=", "session=", "sessionid=", "sas=", "assertion=")
)
_FURTHEST: Final = 8_200
_BACK: Final = {".atlasv1.": re.compile(r"\w{8,20}$"), "8q~": re.compile(r"[\w~.-]{2,5}$")}


def shaped(text: Folded, start: int, end: int) -> Iterator[Span]:
    """What begins at `start` in the form of a vendor's key or the like."""
    begins = text.low[start:end]
    shape = _BY_START[begins]
    before = text.text[start - 1 : start]
    if not shape.inside and (before.isalnum() or (before in ("-", "_") and begins not in _QUERY)):
        return
    if begins in _QUERY and before not in ("?", "&", ";"):
        return
    found = shape.pattern.match(text.text, start, start + _FURTHEST)
    if found is None:
        return
    first, last = found.span("v") if "v" in shape.pattern.groupindex else found.span()
    if "v" in shape.pattern.groupindex and _NOT_SHOWN.match(text.text, first, last):
        return
    back = _BACK.get(begins)
    if back:
        head = back.search(text.text[max(0, start - 20) : start])
        if head is None:
            return
        first -= len(head[0])
    yield Span(first, last, shape.kind)


_END_OF_KEY: Final = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|Private-(?:MAC|Hash): ?[0-9a-f]+")
_KEY_BLOCK: Final = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-\d:")
BLOCKS: Final = ("-----begin ", "putty-user-key-file-")


def block(text: Folded, start: int, end: int) -> tuple[int, list[Span]]:
    """A private key that begins at `start`, to its end or the text's, and where it ends."""
    if not _KEY_BLOCK.match(text.text, start, start + 80):
        return end, []
    found = _END_OF_KEY.search(text.text, end)
    last = found.end() if found else len(text.text)
    return last, [Span(start, last, SecretKind.PRIVATE_KEY)]


RUN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9+/_-]{11,8000}+={0,2}")
"""What a machine may have drawn."""
_BITLOCKER: Final = re.compile(r"(?:\d{6}-){7}\d{6}")
_PRODUCT: Final = re.compile(r"(?:[A-Z0-9]{5}-){4}[A-Z0-9]{5}")
_HEX: Final = re.compile(r"[0-9a-fA-F]+")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
_LOGON: Final = re.compile(rb"[\x20-\x7e]{0,64}[:\x00][\x20-\x7e]{0,64}[:\x00]?[\x20-\x7e]{3,100}")
_LEAST_TURNS, _LEAST_TURNS_OF_PATHS = 0.3, 0.42
"""Of a drawn word, how often a sign is of another kind than the one before; of words and paths that people write it is less."""
_DIGEST: Final = re.compile(r"(?:sha\d{1,3}|md5|fingerprint|integrity|thumbprint|digest|etag|message-id|b|bh|p)[\"']?[-:= ]{1,3}[\"'<]?$")
_PUBLIC: Final = re.compile(r"AAAA[BCE]3|MII[BCDEFGHJK]|AAAAE2|R0lGOD|iVBORw0|/9j/|JVBER|UEsDB")


def drawn(text: Folded, start: int, end: int) -> Iterator[Span]:
    """A long run of letters and digits, if it is a key."""
    run = text.text[start:end]
    length = end - start
    if _BITLOCKER.fullmatch(run):
        yield Span(start, end, KEY)
        return
    if length == 29 and _PRODUCT.fullmatch(run):
        if any(sign.isdigit() for sign in run) and any(sign.isalpha() for sign in run):
            yield Span(start, end, KEY)
        return
    before = text.low[max(0, start - 14) : start]
    if _HEX.fullmatch(run):
        second = text.text[end : end + 33]
        if length == 32 and second[:1] == ":" and len(second) == 33 and _HEX.fullmatch(second[1:]):
            yield Span(start, end + 33, HASH)
        return
    if length == 35 and re.search(r"(?:^|[^\d])\d{8,10}:$", before):
        yield Span(start - len(before) + (before.rstrip(":0123456789").__len__()), end, TOKEN)
        return
    if run[0] in "MNO" and 23 <= length <= 30:
        parts = _DISCORD.match(text.text, start, start + 120)
        if parts:
            yield Span(start, parts.end(), TOKEN)
            return
    if length >= 12 and length <= 400 and is_logon(run):
        yield Span(start, end, PASSWORD)
        return
    if (
        length >= 32
        and before[-1:] not in (".", "/", "%", "@", "#", "\\")
        and not _DIGEST.search(before)
        and not _PUBLIC.match(run)
        and is_drawn(run)
    ):
        yield Span(start, end, KEY)


_DISCORD: Final = re.compile(r"[MNO][\w-]{22,28}\.[\w-]{6}\.[\w-]{27,42}")


def is_drawn(run: str) -> bool:
    """Whether signs follow each other as chance has them."""
    bare = run.rstrip("=")
    kinds = ["l" if sign.islower() else "u" if sign.isupper() else "d" if sign.isdigit() else "s" for sign in bare[:200]]
    if not {"l", "u", "d"} <= set(kinds) or kinds.count("s") > len(kinds) // 5:
        return False
    turns = sum(one != other for one, other in pairwise(kinds))
    return turns >= (_LEAST_TURNS_OF_PATHS if "s" in kinds else _LEAST_TURNS) * len(kinds)


def is_logon(run: str) -> bool:
    """Whether it is Base64 of `user:password`, or of what a mail server is sent."""
    bare = run.rstrip("=")
    if not _BASE64.fullmatch(run) or len(bare) % 4 == 1:
        return False
    try:
        said = base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_" if "-" in bare or "_" in bare else None, validate=True)
    except (binascii.Error, ValueError):
        return False
    return _LOGON.fullmatch(said) is not None


CARD: Final = re.compile(r"(?<![\w.-])[3-6]\d{3}(?:[ -]?\d{2,6}){2,4}(?![\w-])")


_SHORT_CARDS: Final = {14: ("30", "36", "38"), 15: ("34", "37")}
"""Other numbers of that length have the same check digit: a telephone's, for one."""


def is_card(digits: str) -> bool:
    """Whether digits could be a card's number: ISO/IEC 7812-1, with its check digit by Luhn's rule."""
    if not 13 <= len(digits) <= 19 or len(set(digits)) < 3:
        return False
    if len(digits) in _SHORT_CARDS and not digits.startswith(_SHORT_CARDS[len(digits)]):
        return False
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return sum(digit - 9 if digit > 9 else digit for digit in doubled) % 10 == 0


MARKS: Final = tuple("!#$%^&*?")
"""Signs that stand in no address, path or encoded data: a word with one of them, letters of both cases and digits is a password."""
SO_MARKS: Final = frozenset("!#$%^&*?@+_-")
_EDGES: Final = " \t\r\n\"'`<>,;|/\\()[]{}="
_LONGEST_MADE_UP: Final = 40


def made_up_around(text: Folded, at: int) -> tuple[int, Span | None]:
    """The word around the sign at `at`, if somebody made it up; and where it ends."""
    start, end = at, at + 1
    while start > 0 and at - start <= _LONGEST_MADE_UP and text.text[start - 1] not in _EDGES:
        start -= 1
    while end < len(text.text) and end - at <= _LONGEST_MADE_UP and text.text[end] not in _EDGES:
        end += 1
    if text.text[start - 1 : start] == "=" or not is_made_up(text.text[start:end], frozenset(MARKS)):
        return end, None
    return end, None if text.text[start - 1 : start] == "/" and _ADDRESS.search(text.text[max(0, start - 200) : start]) else Span(
        start, end, PASSWORD
    )


_ADDRESS: Final = re.compile(r"(?:://|www\.|/[^\s/]{1,60}/|\.[a-z]{2,4}/)[^\s]{0,200}$")


def is_made_up(word: str, marks: frozenset[str]) -> bool:
    """Whether people made it where a password has to have letters of both cases, a digit and a sign."""
    bare = word.rstrip(".:,;)")
    return (
        8 <= len(bare) <= _LONGEST_MADE_UP
        and bare[0] not in ".@%$&=#-*"
        and any(sign.islower() for sign in bare)
        and any(sign.isupper() for sign in bare)
        and any(sign.isdigit() for sign in bare)
        and any(sign in marks for sign in bare)
    )
