"""What stands behind the options of commands that take a secret, and in their places."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from attrs import field, frozen

from .folded import Folded
from .span import SecretKind, Span
from .value import Faith, Value, is_secret, value_at
from .words import ALONE, ANYWHERE

LONGEST_LINE: Final = 1_000
"""Characters; what a command is told further on is not read."""
_MOST_WORDS: Final = 60
_WORD: Final = re.compile(r"(?:\"[^\"\r\n]{0,400}+\"?|'[^'\r\n]{0,400}+'?|[^\s\"';|&]+|[;&](?=\S))+|[|;&]")
_RUN: Final = re.compile(r"[ \t]*")
_SPOKEN: Final = re.compile(r"[a-z]{2} ")
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz' "

Place = Callable[[Sequence[Value], Folded], Iterator[Value]]
"""Which of a command's words are secret."""


@frozen(kw_only=True)
class Command:
    """How a command is told a secret."""

    names: tuple[str, ...]
    options: tuple[str, ...] = ()
    """Whose value is one: the next word, or what follows `=` or `:`."""
    attached: tuple[str, ...] = ()
    """Options whose value stands right behind them."""
    pairs: tuple[str, ...] = ()
    """Options whose value is `user:secret`, or `user%secret`."""
    within: str = ""
    """What has to be in the line; without it the options mean other things."""
    places: Place | None = field(default=None)


def _words(text: Folded, at: int) -> list[Value]:
    """The words of a command, as a shell would part them; where it is piped on, the pipe is one."""
    words, end = list[Value](), min(len(text.text), at + LONGEST_LINE)
    line = text.text.find("\n", at, end)
    end = line if line >= 0 else end
    while len(words) < _MOST_WORDS:
        gap = _RUN.match(text.text, at, end)
        at = gap.end() if gap else at
        word = _WORD.match(text.text, at, end)
        if word is None:
            break
        words.append(Value(word.start(), word.end()))
        at = word.end()
    return words


def _said(word: Value, text: Folded) -> str:
    return text.low[word.start : word.end]


def _inside(word: Value, text: Folded) -> Value | None:
    """A word without its quotes and what encloses it."""
    start, end = word.start, word.end
    while start < end and text.text[start] in "\"'`(<[":
        start += 1
    while start < end and text.text[end - 1] in "\"'`)>],;":
        end -= 1
    return Value(start, end, quoted=start > word.start) if start < end else None


def _net(words: Sequence[Value], text: Folded) -> Iterator[Value]:
    """`net use` with a drive, a share, a secret and `/user:`, in any order; `net user` with a name and a secret."""
    if not words:
        return
    verb = _said(words[0], text)
    plain = [word for word in words[1:] if not _said(word, text).startswith(("/", "(", "-", "|", "&", ";"))]
    if verb == "use":
        user = next((at for at, word in enumerate(words) if _said(word, text).startswith(("/user:", "/u:", "-user:"))), None)
        if user is None:
            return
        shares = [
            word
            for word in plain
            if _said(word, text).strip("\"'").startswith("\\\\") or re.fullmatch(r"\w:|\*|lpt\d:?", _said(word, text))
        ]
        yield from [word for word in plain if word not in shares and _said(word, text) not in ("*", "yes", "no")][:1]
    elif verb in ("user", "users") and (len(words) == 3 or any(_said(word, text).startswith("/") for word in words)):
        yield from (word for word in plain[1:2] if _said(word, text) != "*")


def _slash(words: Sequence[Value], text: Folded) -> Iterator[Value]:
    """`who/SECRET@where`."""
    for word in words[:4]:
        logon = re.match(r"[\"']?[\w$.-]{1,40}/(\"[^\"]{1,60}\"|[^\s@/\"']{2,60})(?:@\S{0,200})?[\"']?$", text.low[word.start : word.end])
        if logon and not _said(word, text).startswith(("/", "-")):
            yield Value(word.start + logon.start(1), word.start + logon.end(1))
            return


def _second(words: Sequence[Value], text: Folded) -> Iterator[Value]:
    plain = [word for word in words if not _said(word, text).startswith("-")]
    yield from plain[1:2]


def _htpasswd(words: Sequence[Value], text: Folded) -> Iterator[Value]:
    if any(re.fullmatch(r"-[ac-z]*+b[a-z]*+", _said(word, text)) for word in words):
        plain = [word for word in words if not _said(word, text).startswith("-")]
        yield from plain[-1:]


def _secure_string(words: Sequence[Value], text: Folded) -> Iterator[Value]:
    """Whatever is no option."""
    for word in words:
        said = _said(word, text)
        if said.startswith(("|", ")", "}", ";")):
            return
        if said.startswith("-"):
            continue
        yield word
        return


def _credential(words: Sequence[Value], text: Folded) -> Iterator[Value]:
    """The second of two that are quoted."""
    if words:
        both = _BOTH.match(text.text, words[0].start, words[0].start + 400)
        if both:
            yield Value(*both.span("v"))


_BOTH: Final = re.compile(r"[(\s]{0,4}[\"'][^\"'\r\n]{0,100}[\"'][ ]{0,3},[ ]{0,3}[\"'](?P<v>[^\"'\r\n]{1,200})[\"']")


def _openssl(words: Sequence[Value], text: Folded) -> Iterator[Value]:
    for word in words:
        inside = _inside(word, text)
        if inside and text.low.startswith("pass:", inside.start):
            yield Value(inside.start + 5, inside.end)


def _login(words: Sequence[Value], text: Folded) -> Iterator[Value]:
    """A mail server's `LOGIN who SECRET`."""
    if len(words) == 2:
        yield words[1]


def _only(words: Sequence[Value], text: Folded) -> Iterator[Value]:
    yield from words[:1]


COMMANDS: Final = (
    Command(names=("net",), places=_net),
    Command(
        names=("curl", "http", "https", "xh", "wget"),
        pairs=("-u", "--user", "--proxy-user", "-a", "--auth"),
        options=("--http-passwd", "--oauth2-bearer"),
    ),
    Command(names=("7z", "7za", "7zr", "7zz"), attached=("-p",)),
    Command(names=("rar", "unrar", "winrar"), attached=("-hp", "-p")),
    Command(names=("zip", "unzip", "zipcloak"), options=("-p",), attached=()),
    Command(names=("ipmitool", "ipmiutil", "racadm", "ipmicfg"), options=("-p",)),
    Command(names=("schtasks", "at"), options=("/rp", "/p", "-rp")),
    Command(names=("sqlcmd", "osql", "isql", "bcp", "dtexec", "sqlpackage"), options=("-p",), attached=("-p",)),
    Command(names=("mysql", "mysqldump", "mysqladmin", "mysqlimport", "mariadb", "mariadb-dump", "mysqlcheck", "mycli"), attached=("-p",)),
    Command(
        names=(
            "snmpwalk",
            "snmpget",
            "snmpbulkwalk",
            "snmpset",
            "snmptrap",
            "snmpgetnext",
            "snmptable",
            "check_snmp",
            "snmpbulkget",
            "onesixtyone",
        ),
        options=("-c", "-a", "-x"),
    ),
    Command(names=("plink", "pscp", "psftp", "putty", "kitty"), options=("-pw",)),
    Command(names=("psexec", "psexec64", "pskill", "pslist", "psservice", "psloglist", "paexec", "psinfo", "psshutdown"), options=("-p",)),
    Command(names=("sshpass",), options=("-p",), attached=("-p",)),
    Command(
        names=("ldapsearch", "ldapwhoami", "ldapmodify", "ldapadd", "ldapdelete", "ldappasswd", "ldapcompare"),
        options=("-w", "-s"),
        attached=("-w",),
    ),
    Command(names=("redis-cli",), options=("-a", "--pass")),
    Command(
        names=("mongo", "mongosh", "mongodump", "mongorestore", "mongoexport", "rdesktop", "evil-winrm", "crackmapexec", "nxc", "netexec"),
        options=("-p",),
    ),
    Command(
        names=("hydra", "medusa", "telnet", "impacket-psexec", "winrs", "wmiexec", "sshfs", "ncftp", "lftp", "tsm", "mqsisetdbparms"),
        options=("-p",),
    ),
    Command(
        names=("docker", "podman", "helm", "oc", "skopeo", "buildah", "nerdctl", "az", "npm", "cf", "oras"), options=("-p",), within="login"
    ),
    Command(names=("certutil", "importpfx", "signtool", "pvk2pfx", "manage-bde", "certreq"), options=("-p", "/p")),
    Command(names=("openssl",), options=("-k",), places=_openssl),
    Command(
        names=("smbclient", "rpcclient", "smbmap", "smbget", "nmblookup", "wmic", "winexe", "smbpasswd", "polenum", "enum4linux"),
        pairs=("-u", "--user"),
        options=("-p",),
    ),
    Command(names=("ssh-keygen", "ssh-add", "puttygen"), options=("-n", "-p")),
    Command(names=("xfreerdp", "wfreerdp", "freerdp", "mstsc", "xfreerdp3"), options=("/p",)),
    Command(names=("netdom", "djoin"), options=("/passwordd", "/passwordo", "/pd", "/po", "/passwordf")),
    Command(names=("dsmod", "dsadd", "dsquery", "dsget", "dsrm"), options=("-pwd", "-p")),
    Command(names=("htpasswd",), places=_htpasswd),
    Command(names=("usermod", "useradd", "adduser", "mkuser", "pw"), options=("-p", "--password")),
    Command(
        names=("sqlplus", "sqlldr", "expdp", "impdp", "exp", "imp", "rman", "sqlcl", "tnsping", "conn", "connect", "scott"), places=_slash
    ),
    Command(names=("wpa_passphrase",), places=_second),
    Command(names=("converto-securestring", "convertto-securestring"), places=_secure_string),
    Command(names=("networkcredential", "pscredential", "credentials"), places=_credential),
    Command(names=("auth plain", "auth login", "auth"), places=_only),
    Command(names=("login",), places=_login),
    Command(names=("iscsiadm",), options=("-v",), within="password"),
    Command(names=("cadaver", "pdftk", "qpdf", "pdfinfo"), options=("user_pw", "owner_pw", "input_pw", "-upw", "-opw", "--decrypt")),
    Command(names=("restic", "borg", "duplicity", "rclone", "veeam", "robocopy"), options=("--pass",)),
    Command(names=("send",), places=_only),
    Command(names=("ftp> user", "quote user"), places=_second),
    Command(names=("setspn", "ktpass", "kinit", "wbadmin", "ntdsutil", "esentutl"), options=("/pass", "-pass", "-password", "-p", "/p")),
    Command(names=("esxcli", "govc", "vifs", "ovftool", "vim-cmd", "vmware-cmd"), options=("-p",)),
    Command(names=("keytool", "jarsigner"), options=("-storepass", "-keypass", "-srcstorepass", "-deststorepass", "-new")),
)
_CALLED: Final = ("networkcredential", "pscredential", "credentials")
_BY_NAME: Final[Mapping[str, Command]] = {name: command for command in COMMANDS for name in command.names}
NAMES: Final = tuple(_BY_NAME)
_NAMES_OF_SECRETS: Final = frozenset((*ANYWHERE, *ALONE))
_PROSE: Final = frozenset(
    {
        "login",
        "auth",
        "send",
        "at",
        "conn",
        "connect",
        "http",
        "https",
        "pw",
        "scott",
        "credentials",
        "net",
        "exp",
        "imp",
        "zip",
        "az",
        "expect",
    }
)
"""Commands whose names are words as well: what they are told must look like it, or stand in a line of their own."""
_OPTION: Final = re.compile(
    r"(?<![\w/-])(?:--?|/)(?:[a-z0-9]{0,16}[-_.]?){0,3}(?:password|passwd|passphrase|passwort|pass|pwd|pw|passwordd|passin|passout|"
    r"secret|token|api-?key|apikey|rp)"
    r"(?:=|:|[ \t]{1,4})(?![-/])"
)


def commanded(text: Folded, start: int, end: int) -> Iterator[Span]:
    """The secrets that the command at `start` is told."""
    name = text.low[start:end]
    before, after = text.low[start - 1 : start], text.low[end : end + 1]
    if (before.isalnum() or (before in ("_", "-", "$", ".") and before)) and name not in _CALLED:
        return
    if text.low.startswith(".exe", end):
        end += 4
        after = text.low[end : end + 1]
    if not after or not (after in (" \t(" if name in _CALLED else " \t") or name.endswith(" ")):
        return
    command = _BY_NAME[name]
    words = _words(text, end + (after == '"'))
    if not words:
        return
    pipe = next((at for at, word in enumerate(words) if _said(word, text) in ("|", ";", "&", "&&", "||")), len(words))
    words = words[:pipe]
    if command.within and not any(command.within in _said(word, text) for word in words):
        return
    line = text.low.rfind("\n", max(0, start - 40), start) + 1 or max(0, start - 40)
    before = text.low[line:start]
    leads = not _SPOKEN.search(before, len(before.rstrip(_LETTERS)))
    for value in _told(command, words, text):
        inside = _inside(value, text)
        if inside is None or (text.text[inside.start - 1] == "<" and text.low[inside.start : inside.end].isalpha()):
            continue
        if text.low[inside.start : inside.end] in _NAMES_OF_SECRETS:
            continue
        faith = Faith.SURE if leads or name not in _PROSE else Faith.WEAK
        if name in ("auth", "login", "send", "expect", "http", "https") and (not leads or len(words) > 2):
            faith = Faith.WEAK
        if is_secret(text, inside, faith, number=True):
            yield Span(inside.start, inside.end, SecretKind.PASSWORD)
    if name == "convertto-securestring":
        yield from _piped(text, start)


def _told(command: Command, words: Sequence[Value], text: Folded) -> Iterator[Value]:
    if command.places:
        yield from command.places(words, text)
    for at, word in enumerate(words):
        said = _said(word, text)
        following = words[at + 1 : at + 2]
        if said in command.options:
            yield from (one for one in following if not re.match(r"-[a-z]|/[a-z]{1,12}(?::|$)", _said(one, text)))
        elif said in command.pairs:
            yield from (pair for one in following for pair in _pair(one, text))
        else:
            for option in command.options:
                if said.startswith((option + ":", option + "=")):
                    yield Value(word.start + len(option) + 1, word.end)
            for option in command.pairs:
                if (option.startswith("--") and said.startswith(option + "=")) or (
                    len(option) == 2 and said.startswith(option) and ":" in said
                ):
                    yield from _pair(Value(word.start + len(option), word.end), text)
            option = next((one for one in command.attached if said.startswith(one) and len(said) > len(one) + 1), "")
            if option and said not in ("-port", "-path", "-protocol", "-parallel", "-progress"):
                yield Value(word.start + len(option), word.end)


def _pair(word: Value, text: Folded) -> Iterator[Value]:
    said = text.text[word.start : word.end]
    if "://" in said:
        return
    place = next((said.index(sign) for sign in (":", "%") if sign in said), None)
    if place is not None and place + 1 < len(said):
        yield Value(word.start + place + 1, word.end)


def _piped(text: Folded, start: int) -> Iterator[Span]:
    """What is piped into the command at `start`."""
    before = max(0, start - 240)
    line = text.text.rfind("\n", before, start) + 1 or before
    head = text.text[line:start]
    bar = head.rfind("|")
    if bar < 0 or head[bar + 1 :].strip():
        return
    told = head[:bar].rstrip()
    if told[-1:] in ("'", '"'):
        first = told.rfind(told[-1], 0, len(told) - 1)
        value = Value(line + first + 1, line + len(told) - 1, quoted=True) if first >= 0 else None
    else:
        first = max(told.rfind(" "), told.rfind("\t"))
        value = Value(line + first + 1, line + len(told))
    if value and value.start < value.end and is_secret(text, value, Faith.SURE, number=True):
        yield Span(value.start, value.end, SecretKind.PASSWORD)


_TAKES: Final = re.compile(
    r"[^\r\n|]{0,200}\|[ \t]{0,4}(?:sudo\b|su\b|runas\b|docker\b|podman\b|helm\b|passwd\b|chpasswd|openssl\b|gpg\b|cryptsetup|kinit\b|"
    r"\S{0,40}(?:login|stdin)|net\b|mysql|psexec|mstsc|cmdkey|ssh)"
)
_ECHO: Final = re.compile(r"[ \t]{1,4}(?:-[ne]{1,2}[ \t]{1,4}){0,2}")


def echoed(text: Folded, start: int, end: int) -> Iterator[Span]:
    """`echo SECRET | sudo -S …`, and `user:SECRET` where passwords are set."""
    takes = _TAKES.match(text.low, end, end + 300)
    gap = _ECHO.match(text.low, end, end + 20)
    if takes is None or gap is None or text.low[start - 1 : start].isalnum():
        return
    value = value_at(text, gap.end())
    if value is None:
        return
    if "chpasswd" in takes[0]:
        colon = text.text.find(":", value.start, value.end)
        value = Value(colon + 1, value.end) if colon >= 0 else value
    if is_secret(text, value, Faith.SURE, number=True):
        yield Span(value.start, value.end, SecretKind.PASSWORD)


def here(text: Folded, start: int, end: int) -> Iterator[Span]:
    """`command <<< SECRET`, where the command asks for one."""
    line = text.low.rfind("\n", max(0, start - 200), start) + 1 or max(0, start - 200)
    if re.search(r"pass|sudo|crypt|login|gpg|kinit|stdin", text.low[line:start]):
        gap = _RUN.match(text.text, end, end + 8)
        value = value_at(text, gap.end() if gap else end)
        if value and is_secret(text, value, Faith.SURE, number=True):
            yield Span(value.start, value.end, SecretKind.PASSWORD)


_USAGE: Final = re.compile(r"[A-Z][A-Z_]{2,}")


def optioned(text: Folded, start: int, end: int) -> Iterator[Span]:
    """`--password SECRET`, `/pwd:SECRET`, whatever the program; `start` is where the name in it begins."""
    before = max(0, start - 48)
    dash = max(text.low.rfind("-", before, start + 1), text.low.rfind("/", before, start + 1))
    while dash > before and text.low[dash - 1] not in " \t\"'(=|,;\n":
        dash = max(text.low.rfind("-", before, dash), text.low.rfind("/", before, dash))
    if dash < 0:
        return
    option = _OPTION.match(text.low, dash, dash + 80)
    if option is None or option.end() < end or option[0].startswith("//"):
        return
    value = value_at(text, option.end())
    separated = option[0][-1] in " \t"
    if value is None:
        return
    if _USAGE.fullmatch(text.text, value.start, value.end) or "(" in text.text[option.end() : value.start + 1]:
        return
    if "pass:" in text.low[value.start : value.start + 5]:
        value = Value(value.start + 5, value.end)
    if option[0].rstrip(" \t=:").endswith("pass") and text.low.startswith(("env:", "file:", "fd:"), value.start):
        return
    line = text.low.rfind("\n", max(0, start - 200), start) + 1 or max(0, start - 200)
    prose = separated and dash > line and text.low[dash] == "/" and not re.search(r"/\w+[: ]", text.low[line:dash])
    if is_secret(text, value, Faith.WEAK if prose else Faith.SURE, number=True):
        yield Span(value.start, value.end, SecretKind.PASSWORD)
