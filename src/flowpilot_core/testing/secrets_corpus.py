"""A labelled corpus of what engineers paste: texts with secrets in them, and texts that only look as if they had some.

It is made, not collected: values are drawn anew for each seed, in the shapes that the vendors describe, and put into lines as they
stand in tickets, logs, settings and commands.
"""

import base64
import random
import re
import string
from collections.abc import Callable, Iterator
from importlib.resources import files

from attrs import frozen

from flowpilot_core.domain.assistant.secrets.span import SecretKind

_BASE64URL = string.ascii_letters + string.digits + "-_"
_WORD = string.ascii_letters + string.digits
_HEX = "0123456789abcdef"


@frozen(kw_only=True)
class Sample:
    """A text, and what in it must not leave; empty for a text that is to stay as it is."""

    text: str
    secrets: tuple[str, ...] = ()
    personal: bool = False
    """Whether it counts as a secret only where personal data does."""
    of: str = ""
    """Which class of lines it is of."""


Chance = random.Random
Value = Callable[[Chance], str]


def _of(alphabet: str, length: int) -> Value:
    return lambda chance: "".join(chance.choice(alphabet) for _ in range(length))


def _prefixed(prefix: str, alphabet: str, length: int, suffix: str = "") -> Value:
    tail = _of(alphabet, length)
    return lambda chance: prefix + tail(chance) + suffix


def _password(chance: Chance) -> str:
    word = chance.choice(["Winter", "Sommer", "Hunter", "Dragon", "Welcome", "Printer", "Acme", "Falke", "Qwertz", "Lämpchen"])
    return f"{word}{chance.choice('!#$%*+-_?@')}{chance.randint(10, 99_999)}{chance.choice(['', '!', 'x', '%'])}"


def _phrase(chance: Chance) -> str:
    return " ".join(chance.sample(["correct", "horse", "battery", "staple", "kettle", "moss", "amber", "orbit"], 4)) + str(
        chance.randint(0, 9)
    )


def _jwt(chance: Chance) -> str:
    def part(text: str) -> str:
        return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()

    header, claims = '{"alg":"RS256","typ":"JWT"}', f'{{"sub":"{chance.randint(1, 10**12)}"}}'
    return f"{part(header)}.{part(claims)}.{_of(_BASE64URL, 86)(chance)}"


def _pem(chance: Chance) -> str:
    kind = chance.choice(["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "])
    lines = [_of(_WORD + "+/", 64)(chance) for _ in range(chance.randint(3, 12))]
    return "\n".join((f"-----BEGIN {kind}PRIVATE KEY-----", *lines, f"-----END {kind}PRIVATE KEY-----"))


def _card(chance: Chance) -> str:
    digits = chance.choice(["4", "51", "55", "37", "6011"])
    digits += "".join(str(chance.randint(0, 9)) for _ in range((15 if digits == "37" else 16) - 1 - len(digits)))
    total = sum(
        value - 9 if value > 9 else value for place, digit in enumerate(reversed(digits)) for value in [int(digit) * (2 - place % 2)]
    )
    digits += str(-total % 10)
    return digits if len(digits) != 16 or chance.random() < 0.4 else chance.choice(" -").join(digits[at : at + 4] for at in range(0, 16, 4))


def _iban(chance: Chance) -> str:
    bank = "".join(str(chance.randint(0, 9)) for _ in range(18))
    return f"DE{98 - int(f'{bank}131400') % 97:02d}{bank}"


def _phone(chance: Chance) -> str:
    return chance.choice(["+49 30 {} {}", "+1 206 555 {}{}", "+44 20 {} {}", "(206) 555-{}"]).format(
        chance.randint(1000, 9999), chance.randint(1000, 9999)
    )


def _address(chance: Chance) -> str:
    name = chance.choice(["jo.doe", "m.muster-huber", "info+tickets", "o'neill", "svetlana", "x7", "jörg.falke"])
    return f"{name}@{chance.choice(['mail.acme.example', 'contoso.co.uk', 'praxis-dr-falke.de', 'students.uni.example'])}"


def _telephone(chance: Chance) -> str:
    shape = chance.choice(["+43 1 {}{}-0", "0171 {}{}", "+1 (415) 555-{}", "020 {} {}", "(030) {}{}", "0043-664-{}{}", "+33 1 42 68 53 00"])
    return shape.format(chance.randint(1000, 9999), chance.randint(100, 999))


def _grouped_iban(chance: Chance) -> str:
    digits = _iban(chance)
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4)) if chance.random() < 0.5 else digits


def _birthday(chance: Chance) -> str:
    year, month, day = chance.randint(1940, 2015), chance.randint(1, 12), chance.randint(1, 28)
    return chance.choice([f"{day:02}.{month:02}.{year}", f"{year}-{month:02}-{day:02}", f"{month}/{day}/{year}", f"{day}. {month}. {year}"])


def _recovery_key(chance: Chance) -> str:
    return "-".join(f"{chance.randint(0, 720_895):06d}" for _ in range(8))


_SECRETS: tuple[tuple[SecretKind, Value, tuple[str, ...]], ...] = (
    (
        SecretKind.PASSWORD,
        _password,
        (
            "Password: {}",
            "password={} works on the old server",
            'The admin password is "{}" since Monday',
            "His password is {} and it expires tomorrow",
            "pw for the copier: {}, menu under the desk",
            "Kennwort: {}",
            "passwort für scan@acme.example = {}",
            "mot de passe: {}",
            "user: scanner\npass: {}\nport: 587",
            "login svc_backup / {}",
            "tried credentials: jdoe / {}",
            "net use Z: \\\\fs01\\share /user:ACME\\jdoe {} /persistent:yes",
            "net user localadmin {} /add",
            "sshpass -p '{}' ssh root@10.0.0.5",
            "curl -u monitor:{} https://nas.acme.example/api",
            "mysql -u root -p{} -e 'show processlist'",
            'ConvertTo-SecureString "{}" -AsPlainText -Force',
            "New-LocalUser -Name helpdesk -Password {}",
            "tool.exe /server:db01 /password:{} /quiet",
            "backup --password={} --target nas",
            "<password>{}</password>",
            '<add key="smtpPassword" value="x"/> and <SmtpPassword>{}</SmtpPassword>',
            '{"user": "svc", "password": "{}", "port": 389}',
            "DB_PASSWORD={}",
            "spring.datasource.password={}",
            "password => '{}',",
            "Server=db01;Database=crm;User Id=app;Password={};Encrypt=true",
            "postgresql://app:{}@db01.acme.example:5432/crm",
            "smtp://scan%40acme.example:{}@mail.acme.example:587",
            "https://admin:{}@192.168.1.1/setup",
            "username admin privilege 15 password 0 {}",
            "enable secret 0 {}",
            "Wi-Fi key: {}",
            "WPA2-PSK: {}",
            "pre-shared-key ascii-text {}",
            "snmp-server community {} RO",
            "radius-server host 10.0.0.9 key {}",
            "PIN: {}",
            "initial password for new starter = {}",
            "reset to temporary password -> {}",
        ),
    ),
    (SecretKind.PASSWORD, _phrase, ('passphrase: "{}"', "the passphrase is '{}' for the backup tape", "<passphrase>{}</passphrase>")),
    (SecretKind.PRIVATE_KEY, _pem, ("key file of the VPN:\n{}\nthat is all", "> pasted by the client\n{}")),
    (SecretKind.TOKEN, _jwt, ("Authorization: Bearer {}", "id_token={}", "the portal answers 401 to {}", "Cookie: session={}; theme=dark")),
    (SecretKind.TOKEN, _prefixed("ghp_", _WORD, 36), ("git clone fails with {}", "GITHUB_TOKEN={}")),
    (SecretKind.TOKEN, _prefixed("glpat-", _BASE64URL, 20), ("runner registered with {}",)),
    (SecretKind.TOKEN, _prefixed("xoxb-", string.digits, 12, "-123456789012-aBcDeFgHiJkLmNoPqRsTuVwX"), ("slack bot {} lost its scope",)),
    (SecretKind.TOKEN, _prefixed("npm_", _WORD, 36), ("//registry/:_authToken={}",)),
    (
        SecretKind.TOKEN,
        _of(_WORD, 40),
        ("Authorization: Basic {}==", "api_token: {}", "https://acme.example/hook?token={}&v=2", "X-Auth-Token: {}"),
    ),
    (SecretKind.KEY, _prefixed("AKIA", string.ascii_uppercase + string.digits, 16), ("aws configure: {}",)),
    (SecretKind.KEY, _of(_WORD + "/+", 40), ("aws_secret_access_key = {}", "secret key: {}")),
    (SecretKind.KEY, _prefixed("AIza", _BASE64URL, 35), ("maps key {} is over its quota",)),
    (SecretKind.KEY, _prefixed("sk_" + "live_", _WORD, 24), ("the shop logs {}",)),
    (SecretKind.KEY, _prefixed("SG.", _BASE64URL, 22, "." + "b" * 43), ("relay key {}",)),
    (SecretKind.KEY, _prefixed("sk-ant-", _BASE64URL, 40), ("ANTHROPIC: {}",)),
    (SecretKind.KEY, _of(_WORD + "+/", 86), ("DefaultEndpointsProtocol=https;AccountName=acme;AccountKey={}==;EndpointSuffix=core",)),
    (SecretKind.KEY, _of(_WORD + "%", 44), ("https://acme.blob.example/backup?sv=2025&sr=b&sig={}&se=2026",)),
    (SecretKind.KEY, _recovery_key, ("BitLocker asks for {}", "recovery key {} did unlock it")),
    (SecretKind.KEY, _of(string.ascii_uppercase + "234567", 32), ("otpauth://totp/Acme:jdoe?secret={}&issuer=Acme",)),
    (SecretKind.HASH, _prefixed("$6$" + "saltsalt$", _WORD + "./", 86), ("root:{}:19000:0:99999:7:::",)),
    (SecretKind.HASH, lambda chance: f"{_of(_HEX, 32)(chance)}:{_of(_HEX, 32)(chance)}", ("jdoe:1001:{}:::",)),
    (SecretKind.CARD, _card, ("customer read out {} for the domain renewal", "card {} exp 09/28")),
)
_PERSONAL: tuple[tuple[Value, tuple[str, ...]], ...] = (
    (_prefixed("j.", string.ascii_lowercase, 8, "@acme.example"), ("mailbox of {} is full", "To: {}")),
    (_phone, ("call her back at {} after lunch", "Tel.: {}")),
    (_iban, ("refund to {}",)),
)

_SPOKEN: tuple[tuple[Value, tuple[str, ...]], ...] = (
    (_of(_WORD, 40), ("consumer secret {} for the connector", "ApiKey {}", "Ocp-Apim-Subscription-Key: {}", "bot token {} was revoked")),
    (
        _password,
        (
            "Client gave me the pw over the phone, it's {}",
            "BIOS pass: {}",
            "set admin pwd to {} on all three switches",
            "vpn secret = {}",
            "Passwort neu: {}",
            "the service account uses {} as its password",
            "$cred = New-Object PSCredential('svc', (ConvertTo-SecureString '{}' -AsPlainText -Force))",
            "ldapsearch -D cn=svc,dc=acme -w {} -b dc=acme",
            "smbclient //fs01/share -U jdoe%{}",
            "sqlcmd -S db01 -U sa -P {} -Q 'select 1'",
            "echo {} | sudo -S systemctl restart spooler",
            "[mail]\nuser = scanner\npassword = {}\n",
            "ftp://scan:{}@10.0.0.8/inbox",
            "rdp file: password 51:b:{}",
            "Login: jdoe  Password: {}  Domain: ACME",
            "keystore.password={}",
            "OLD_DB_PASSWORD: '{}'",
            "access code for the alarm panel: {}",
            "admin/{} is still the default",
        ),
    ),
    (_of(_WORD, 40), ("x-api-key: {}", '"client_secret": "{}"', "refresh_token={}&grant_type=refresh_token", "export VAULT_TOKEN={}")),
    (_jwt, ("decoded {} at the identity provider", "token {} has the wrong audience")),
    (_pem, ("cert and key in one file\n{}\nend of file",)),
    (_card, ("Visa {} declined by the terminal",)),
)
"""Lines in which nothing but the words around tells, or the shape."""

_HELD_OUT: tuple[tuple[Value, tuple[str, ...]], ...] = (
    (
        _password,
        (
            "new starter gets {} as a first password",
            "Domain join as ACME\\joiner with {} succeeded",
            "I told him to use {} until Friday",
            "wifi guest network / {}",
            "runas /user:ACME\\admin powershell, typed {}",
            "schtasks /create /ru ACME\\svc /rp {} /tn backup",
            "Enter-PSSession -Credential (svc) then {}",
            "Outlook keeps asking, {} is accepted by webmail",
            "Autologon: DefaultPassword REG_SZ {}",
            "unattend.xml: <AdministratorPassword><Value>{}</Value></AdministratorPassword>",
            "iLO user hp1admin {} from the label",
            "db.connect(host='db01', user='app', passwd='{}')",
            "ppp chap password 0 {}",
            "# TODO rotate: {}",
            "FTP_PASS={} FTP_USER=scan ./push.sh",
        ),
    ),
    (_prefixed("AKIA", string.ascii_uppercase + string.digits, 16), ("key pair {} / deactivated",)),
)
"""Lines that were written after the rules, and that no rule was mended for: they tell how the rules fare on what is new."""

_HELD_OUT_PERSONAL: tuple[tuple[Value, tuple[str, ...]], ...] = (
    (
        _address,
        (
            "please answer {} instead, she is on leave",
            'From: "Doe, Jo" <{}>',
            "UPN {} is disabled in the portal",
            "bounced: 550 5.1.1 <{}> user unknown",
            "get-mailbox {} | fl",
            "she reads both {}, and the shared one",
        ),
    ),
    (
        _telephone,
        (
            "mobile {} goes to voicemail",
            "ring {} after 17:00",
            "fax {} does not pick up",
            "trunk shows caller {} twice",
            "extension forwards to {}",
        ),
    ),
    (_grouped_iban, ("SEPA mandate for {} was returned", "pays from {} as of May")),
    (_birthday, ("date of birth {} does not match the record", "patient, born {}, is in the wrong list", "DOB={}")),
)
"""The same for personal data."""

_HELD_OUT_CLEAN: tuple[str, ...] = (
    "dialled 112 from the test set, blocked by the rule",
    "KB5034441 fails with 0x80070643, WinRE partition of 250 MB",
    "HTTP 502 from 10.20.30.40:8443 after 30.002 s",
    "job 20261127-0415 took 00:12:09, wrote 1 204 333 files",
    "firmware 7.4.5 build 2702, model FG-100F, S/N FG100FTK20001234",
    "SPN HTTP/intranet.acme.example is registered twice",
    "@reboot in the crontab of backup, @daily in root's",
    "pool of 192.168.1.100-192.168.1.200 is used up",
    "Event 1000, faulting module ntdll.dll, offset 0x000000000001f4a2",
    "PO 2026-000-1182, 24 licences until 2027-03-31",
    "commit 3f9a1c7 reverted, tag v2.13.0-rc.1",
    "lease 86400 s, T1 43200, T2 75600",
)
"""Lines without either, that no rule was mended for."""

CLEAN: tuple[str, ...] = (
    "Password expired, reset required",
    "password: incorrect",
    "User says the password was changed yesterday and works now",
    "The password is wrong according to event 4625",
    "Failed password for invalid user admin from 203.0.113.9 port 22 ssh2",
    "Password policy: enabled",
    "Token: expired",
    "secret: none",
    "PIN: locked",
    "Reset password for the user in the portal, then sign in again.",
    "Event ID 4771, failure code 0x18, client address 10.0.0.23",
    "0x80070005 access denied when mapping \\\\fs01\\share",
    "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 printer.zip",
    "md5 d41d8cd98f00b204e9800998ecf8427e",
    "volume {6f8a3c1e-7d2b-4a51-9a3e-2b7c5d9e1f00} is offline",
    "MAC 00:1A:2B:3C:4D:5E got 192.168.10.44 by DHCP",
    "IPv6 2001:db8::8a2e:370:7334 unreachable",
    "AADSTS50126: Error validating credentials due to invalid username or password.",
    "ticket T20260101.0001, invoice 4000 1234, build 10.0.22631.4460",
    "traceroute to mx1.acme.example (198.51.100.7), 30 hops max",
    "certificate thumbprint a9993e364706816aba3e25717850c26c9cd0d89d expires 2026-12-01",
    "HP LaserJet serial VNB3K12345, firmware 20261101",
    "uptime 31 days, load 0.42 0.38 0.40, pid 48211",
    "DKIM: selector1._domainkey.acme.example CNAME ok",
    "https://portal.acme.example/tickets?id=48211&view=full",
    "ssh -i ~/.ssh/id_ed25519 admin@10.0.0.1",
    "keyboard layout de-DE, key repeat off",
    "2026-11-26T10:00:01Z spooler stopped, 14 jobs waiting",
    "restore point 1234567890123 created",
    "OneDrive error 0x8004de40; sign in again",
)


def with_secrets(seed: int, *, each: int = 2) -> Iterator[Sample]:
    """Every line of the corpus, `each` times, with values of this seed; alone and between ordinary lines in turn."""
    chance = random.Random(seed)
    for personal, value, lines in _all():
        for line in lines:
            for number in range(each):
                secret = value(chance)
                text = line.replace("{}", secret)
                if number % 2:
                    text = "\n".join((chance.choice(CLEAN), text, chance.choice(CLEAN)))
                yield Sample(text=text, secrets=(secret,), personal=personal)


def held_out(seed: int, *, each: int = 10) -> Iterator[Sample]:
    """Lines that no rule was made after, `each` times, with values of this seed."""
    chance = random.Random(seed)
    for value, lines in _HELD_OUT:
        for line in lines:
            for secret in (value(chance) for _ in range(each)):
                yield Sample(text=line.replace("{}", secret), secrets=(secret,))


def held_out_personal(seed: int, *, each: int = 10) -> Iterator[Sample]:
    """Lines with personal data that no rule was made after, `each` times, with values of this seed."""
    chance = random.Random(seed)
    for value, lines in _HELD_OUT_PERSONAL:
        for line in lines:
            for found in (value(chance) for _ in range(each)):
                yield Sample(text=line.replace("{}", found), secrets=(found,), personal=True)


def without_secrets() -> Iterator[Sample]:
    """What is to stay as it is."""
    return (Sample(text=text) for text in CLEAN)


def held_out_clean() -> Iterator[Sample]:
    """What is to stay as it is, and no rule was made after."""
    return (Sample(text=text) for text in _HELD_OUT_CLEAN)


def _all() -> Iterator[tuple[bool, Value, tuple[str, ...]]]:
    yield from ((False, value, lines) for _, value, lines in _SECRETS)
    yield from ((False, value, lines) for value, lines in _SPOKEN)
    yield from ((True, value, lines) for value, lines in _PERSONAL)


_WORDS_TEXT = """
kettle moss amber orbit schalke letmein hunter dragon fluffy monkey sunflower trombone pickle garnet velvet bramble falcon
"""
_WORDS = _WORDS_TEXT.split()
_SEED_WORDS_TEXT = """
abandon ability absent abstract accident acoustic across actress adapt address advance afraid agent airport album alley alpha amateur
anchor angle animal answer antenna apple april arctic arena argue armor army arrow artist aspect athlete atom attack august aunt autumn
avocado bachelor balance bamboo banana banner basket battle beach bean beauty
"""
_SEED_WORDS = _SEED_WORDS_TEXT.split()


def _plain_word(chance: Chance) -> str:
    return chance.choice(_WORDS) + chance.choice(_WORDS) + (str(chance.randint(1, 99)) if chance.random() < 0.4 else "")


def _spaced(words: list[str], number: int) -> Value:
    return lambda chance: " ".join(chance.sample(words, number))


def _base64_of(length: int) -> Value:
    return lambda chance: base64.b64encode(chance.randbytes(length)).decode()


def _base64_text(text: Value) -> Value:
    return lambda chance: base64.b64encode(text(chance).encode()).decode()


def _joined(*parts: Value | str) -> Value:
    return lambda chance: "".join(part if isinstance(part, str) else part(chance) for part in parts)


def _grouped(alphabet: str, length: int, number: int, by: str) -> Value:
    group = _of(alphabet, length)
    return lambda chance: by.join(group(chance) for _ in range(number))


_RECOVERY = "abcdefghjk23456789"
_PRODUCT = "BCDFGHJKMPQRTVWXY2346789N"
_BASE32 = string.ascii_uppercase + "234567"
_VALUES: dict[str, Value] = {
    "password": _password,
    "word": _plain_word,
    "phrase": _spaced(["my", "dog", "has", "fleas", "correct", "horse", "battery", "staple", "purple", "tractor"], 4),
    "pin": lambda chance: _of(string.digits, chance.choice([4, 6]))(chance),
    "otp": _of(string.digits, 6),
    "otp8": _of(string.digits, 8),
    "recovery": _grouped(_RECOVERY, 5, 2, "-"),
    "recovery8": _joined(_of(_HEX, 4), _of(string.digits, 4)),
    "seed12": _spaced(_SEED_WORDS, 12),
    "seed24": _spaced(_SEED_WORDS, 24),
    "b32": _of(_BASE32, 32),
    "b32groups": _grouped(_BASE32.lower(), 4, 8, " "),
    "basic": _base64_text(_joined("scan:", _password)),
    "basicnul": _base64_text(_joined("\0scan\0", _plain_word)),
    "b64word": _base64_text(_plain_word),
    "b64long": _base64_of(48),
    "base64": _base64_of(30),
    "b64_32": _base64_of(32),
    "storage": _base64_of(64),
    "wg": _base64_of(32),
    "sas": _joined(_of(_WORD, 43), "%3D"),
    "type7": _of("0123456789ABCDEF", 16),
    "crypt": _joined("$6$", _of(_WORD, 8), "$", _of(_WORD + "./", 86)),
    "crypt1": _joined("$1$", _of(_WORD, 4), "$", _of(_WORD + "./", 22)),
    "hexbytes": _grouped(_HEX, 2, 8, ","),
    "bitlocker": _recovery_key,
    "product": _grouped(_PRODUCT, 5, 5, "-"),
    "azure": _joined(_of(_WORD, 3), "8Q~", _of(_WORD + "~.-_", 34)),
    "aws_id": _prefixed("AKIA", string.ascii_uppercase + string.digits, 16),
    "aws_secret": _of(_WORD + "+/", 40),
    "google": _prefixed("AIza", _BASE64URL, 35),
    "tf": _joined(_of(_WORD, 14), ".atlasv1.", _of(_BASE64URL, 67)),
    "age": _of(string.ascii_uppercase + string.digits, 58),
    "discord": _joined("M", _of(_WORD, 23), ".", _of(_BASE64URL, 6), ".", _of(_BASE64URL, 38)),
    "telegram": _joined(_of("123456789", 10), ":", _of(_BASE64URL, 35)),
    **{f"b64u{length}": _of(_BASE64URL, length) for length in (20, 22, 27, 28, 40, 43, 60, 68, 90)},
    **{f"alnum{length}": _of(_WORD, length) for length in (16, 18, 20, 24, 32, 36, 40)},
    **{f"hex{length}": _of(_HEX, length) for length in (32, 40, 64)},
    **{f"upper{length}": _of(string.ascii_uppercase + string.digits, length) for length in (9, 27)},
}
"""What stands in the place of a name in braces."""
_PUBLIC: dict[str, Value] = {"guid": lambda chance: "-".join(_of(_HEX, length)(chance) for length in (8, 4, 4, 4, 12))}
_PLACE = re.compile(r"\{(" + "|".join([*_VALUES, *_PUBLIC]) + r")\}")


def hard_lines(seed: int) -> Iterator[Sample]:
    """What an engineer might paste, written to be hard, that the rules were written from: each line once, with values of this seed."""
    return _read("written_from.txt", random.Random(seed))


def hard_lines_held_out(seed: int) -> Iterator[Sample]:
    """The same, that no rule was written from."""
    return _read("held_out.txt", random.Random(seed))


def clean_text() -> str:
    """Tickets, logs, settings, commands and prose without any secret, that the rules were mended for."""
    return _text("clean.txt")


def clean_text_held_out() -> str:
    """The same, that no rule was mended for."""
    return _text("clean_held_out.txt")


def _read(name: str, chance: Chance) -> Iterator[Sample]:
    of = ""
    for line in filter(None, _text(name).splitlines()):
        if line.startswith("## "):
            of = line[3:]
            continue
        secrets: list[str] = []

        def drawn(place: re.Match[str], secrets: list[str] = secrets) -> str:
            if place[1] in _PUBLIC:
                return _PUBLIC[place[1]](chance)
            secrets.append(_VALUES[place[1]](chance))
            return secrets[-1]

        text = _PLACE.sub(drawn, line).replace("⏎", "\n").replace("⇥", "\t")
        yield Sample(text=text, secrets=tuple(secrets), of=of)


def _text(name: str) -> str:
    return files("flowpilot_core.testing").joinpath("secrets", name).read_text(encoding="utf-8")
