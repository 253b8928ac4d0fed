"""What can be set, each by an environment variable, each with its explanation."""

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import attrs
from attrs import field, frozen

from flowpilot_core.domain.access.account import checked_email
from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.mailbox import folded_email
from flowpilot_core.domain.kernel.text import one_of
from flowpilot_core.domain.sessions.bounds import BOUNDS, Bounds

PREFIX: Final = "FLOWPILOT_"
OF_ONE_COMMAND: Final = frozenset({f"{PREFIX}CLIENT_SECRET", f"{PREFIX}RESTORE_DATABASE_URL"})
"""What an option of one command is set by; no setting of the program."""
LEVELS: Final = ("debug", "info", "warning", "error")
SHORTEST_KEY: Final = 32
"""Characters of a secret key."""
LARGEST_POOL: Final = 200
MOST_WORKERS: Final = 64
LONGEST_COUNT: Final = 15
LARGEST_COUNT: Final = 1_000_000
RULES: Final = "rules"
MOST_MODELS: Final = 2
PROVIDERS: Final = ("anthropic", "openai")
_HOST: Final = r"(?:\[[^\]]*\]|[^:,/?#@\[\]]*)(?::\d+)?"
_DATABASE_URL: Final = re.compile(rf"postgres(?:ql)?://(?:[^@/?#]*@)?{_HOST}(?:,{_HOST})*(?:/[^?#]*)?(?:\?.*)?")
_CONNECTION_STRING: Final = re.compile(r"\s*\w+\s*=\s*\S.*", re.DOTALL)
_PRICE: Final = re.compile(r"(\w+:[^=,]+)=(\d+(?:\.\d{1,6})?)/(\d+(?:\.\d{1,6})?)")


class SettingsWrong(Exception):
    """One or more variables cannot be used; each line says which, why, and what to do."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))


def _text(value: str) -> str:
    return value


def _contact(value: str) -> str:
    if not re.fullmatch(r"(?:https://|mailto:)[!-~]+", value):
        raise ValueError("must be an address such as mailto:security@example.com or https://example.com/security")
    return value


def _flag(value: str) -> bool:
    said = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}.get(value.lower())
    if said is None:
        raise ValueError("must be true or false")
    return said


def _path(value: str) -> Path:
    return Path(value).expanduser()


def _level(value: str) -> str:
    if value.lower() not in LEVELS:
        raise ValueError(one_of(LEVELS))
    return value.lower()


def _up_to(most: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not value.isdecimal() or not 1 <= int(value[:LONGEST_COUNT]) <= most or len(value) > LONGEST_COUNT:
            raise ValueError(f"must be a number from 1 to {most:,}")
        return int(value)

    return read


def database_address(value: str) -> str:
    """What libpq takes: a URL, of several hosts too, or `host=db user=flowpilot_app`. Raises `ValueError`."""
    if not (_DATABASE_URL if "://" in value else _CONNECTION_STRING).fullmatch(value):
        example = "postgresql://flowpilot_app:password@db.example.com/flowpilot"
        raise ValueError(f"must be an address such as {example}, with special characters in user and password percent-encoded")
    return value


def _mail_server(value: str) -> str:
    return _address(value, ("smtp", "smtps"), "smtp://user:password@mail.example.com:587")


def _mail_address(value: str) -> str:
    try:
        return checked_email(value)
    except InvalidValue:
        raise ValueError("must be an e-mail address such as flowpilot@example.com") from None


def _recipients(value: str) -> str:
    named = [folded_email(one.strip()) for one in value.split(",")]
    for one in named:
        local, at, domain = one.rpartition("@")
        if not at or not domain or " " in one or "@" in local:
            raise ValueError("must be a list of addresses and domains such as ops@example.com,@example.org")
    return ",".join(named)


def _web_address(value: str) -> str:
    return _address(value, ("http", "https"), "https://flowpilot.example.com").rstrip("/")


def _nats_address(value: str) -> str:
    return _address(value, ("nats", "tls"), "nats://nats.example.com:4222")


def _address(value: str, schemes: tuple[str, ...], example: str) -> str:
    """The text of what is raised repeats nothing of the value, which may hold a password."""
    try:
        parts = urlsplit(value)
        fits = parts.scheme in schemes and parts.hostname and parts.port != 0
    except ValueError:
        raise ValueError(f"cannot be read: write it as {example}, with special characters in user and password percent-encoded") from None
    if not fits:
        raise ValueError(f"must be an address such as {example}")
    return value


def _key(value: str) -> str:
    if len(value) < SHORTEST_KEY:
        raise ValueError(f"is shorter than {SHORTEST_KEY} characters; make one with: openssl rand -hex 32")
    return value


def _data_dir() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "flowpilot"
    home = os.environ.get("XDG_DATA_HOME", "")
    return (Path(home) if home.startswith("/") else Path.home() / ".local" / "share") / "flowpilot"


def _assistant(value: str) -> str:
    for one in value.split(","):
        provider, _, model = one.strip().partition(":")
        if not (provider in PROVIDERS and model.strip()) and one.strip() != RULES:
            known = one_of([RULES, *(f"{provider}:MODEL" for provider in PROVIDERS)])
            raise ValueError(f"{known}; or several of these, separated by commas")
    if sum(one.strip() != RULES for one in value.split(",")) > MOST_MODELS:
        raise ValueError(f"names more than {MOST_MODELS} models; each may take a minute")
    return ",".join(one.strip() for one in value.split(","))


def _prices(value: str) -> str:
    for one in value.split(","):
        if not _PRICE.fullmatch(one.strip()):
            raise ValueError("must be a list such as anthropic:MODEL=3/15, in dollars for a million tokens read and written")
    return ",".join(one.strip() for one in value.split(","))


def _tokens(value: str) -> int:
    if not value.isdecimal() or len(value) > LONGEST_COUNT:
        raise ValueError("must be a number of tokens")
    return int(value)


def _about(explanation: str, *, read: Callable[[str], Any] = _text, secret: bool = False, name: str | None = None) -> dict[str, Any]:
    """`name`: what the variable is called where that is not ours to say."""
    return {"explanation": explanation, "read": read, "secret": secret, "name": name}


@frozen(kw_only=True)
class Settings:
    """What this program was told; the field `data_dir` is set by `FLOWPILOT_DATA_DIR`.

    With nothing said the database is an embedded one, and mails go to the log.
    """

    database_url: str | None = field(
        default=None,
        repr=False,
        metadata=_about(
            "The database as flowpilot_app, such as postgresql://flowpilot_app:…@host/flowpilot. If not set: an embedded one in DATA_DIR.",
            read=database_address,
            secret=True,
        ),
    )
    migration_database_url: str | None = field(
        default=None,
        repr=False,
        metadata=_about(
            "The same database as flowpilot_owner; for `flowpilot migrate` and `flowpilot doctor`.", read=database_address, secret=True
        ),
    )
    relay_database_url: str | None = field(
        default=None,
        repr=False,
        metadata=_about("The same database as flowpilot_relay; for the processes that run the relay.", read=database_address, secret=True),
    )
    backup_database_url: str | None = field(
        default=None,
        repr=False,
        metadata=_about(
            "The same database as flowpilot_backup; for `flowpilot backup`, `flowpilot account list` and accounts by their names.",
            read=database_address,
            secret=True,
        ),
    )
    data_dir: Path = field(
        factory=_data_dir,
        metadata=_about("Where the embedded database and its secret key are kept. If not set: the user's data folder.", read=_path),
    )
    workers: int = field(
        default=1,
        metadata=_about(
            "Processes of `serve` that share its port: as many as there are cores for them, so that several requests are answered at once.",
            read=_up_to(MOST_WORKERS),
        ),
    )
    pool_size: int = field(
        default=8,
        metadata=_about(
            "Database connections for one process's requests, at most; a relay beside them has half as many.", read=_up_to(LARGEST_POOL)
        ),
    )
    connections: int = field(
        default=12_000,
        metadata=_about(
            "Connections to one process of `serve` that may be open at once: fewer where it may not open as many files.",
            read=_up_to(LARGEST_COUNT),
        ),
    )
    connections_per_address: int = field(
        default=2_000,
        metadata=_about(
            "Connections from one address to all of them, but for proxies named in FORWARDED_ALLOW_IPS (or 127.0.0.1).",
            read=_up_to(LARGEST_COUNT),
        ),
    )
    streams_per_account: int = field(
        default=2_000,
        metadata=_about("Streams of events that the people of one account may have open at one `serve`.", read=_up_to(LARGEST_COUNT)),
    )
    streams_per_person: int = field(
        default=20, metadata=_about("Streams of events that one person may have open at one `serve`.", read=_up_to(LARGEST_COUNT))
    )
    base_url: str | None = field(
        default=None,
        metadata=_about("Where links in mails lead to. If not set: where `serve` listens.", read=_web_address),
    )
    smtp_url: str | None = field(
        default=None,
        repr=False,
        metadata=_about(
            "The mail server: smtp://user:password@host:port, or smtps://…. If not set or empty: mails are written to the log.",
            read=_mail_server,
            secret=True,
        ),
    )
    security_contact: str | None = field(
        default=None,
        metadata=_about(
            "Whom /.well-known/security.txt names: an https: or mailto: address. If not set: there is no such page.", read=_contact
        ),
    )
    public_gallery: bool = field(
        default=False,
        metadata=_about(
            "Whether who is not signed in may see what the gallery lists, at /public/templates: 1 or true."
            " Of a tree that is the first three levels, of a script all but its body.",
            read=_flag,
        ),
    )
    mail_from: str = field(default="flowpilot@localhost", metadata=_about("The address that mails come from.", read=_mail_address))
    mail_only_to: str | None = field(
        default=None,
        metadata=_about(
            "The only recipients of mail from here: addresses and domains such as @example.com, separated by commas. For a copy of"
            " another installation, whose people are real. If not set: everybody.",
            read=_recipients,
        ),
    )
    nats_url: str | None = field(
        default=None,
        repr=False,
        metadata=_about(
            "NATS with JetStream, such as nats://user:password@host:4222, over which processes wake each other. If not set: the database.",
            read=_nats_address,
            secret=True,
        ),
    )
    secret_key: str | None = field(
        default=None,
        repr=False,
        metadata=_about(
            "What stored secrets are encrypted and cursors signed with: at least 32 characters, the same for every process. "
            "With the embedded database one is made.",
            read=_key,
            secret=True,
        ),
    )
    secret_key_file: Path | None = field(
        default=None, metadata=_about("A file that holds the secret key, in place of SECRET_KEY.", read=_path)
    )
    secret_key_previous: str | None = field(
        default=None,
        repr=False,
        metadata=_about(
            "The secret key before this one, until `flowpilot secrets rotate` has encrypted everything with the new one.",
            read=_key,
            secret=True,
        ),
    )
    secret_key_previous_file: Path | None = field(
        default=None, metadata=_about("A file that holds the previous secret key, in place of SECRET_KEY_PREVIOUS.", read=_path)
    )
    allow_private_targets: bool = field(
        default=False,
        metadata=_about(
            "Whether requests to addresses that an account entered may go to private networks and by plain http, but never to a cloud's "
            "own services such as 169.254.169.254: 1 or true.",
            read=_flag,
        ),
    )
    assistant: str = field(
        default=RULES,
        metadata=_about(
            "What assesses escalations besides the rules, in order of preference: anthropic:MODEL, openai:MODEL, or both with a comma."
            " If not set: rules alone, without a network.",
            read=_assistant,
        ),
    )
    assistant_tokens: int = field(
        default=2_000_000, metadata=_about("How many tokens models may use for one account in a month.", read=_tokens)
    )
    assistant_prices: str | None = field(
        default=None,
        metadata=_about(
            "What models cost, in dollars for a million tokens read and written, such as anthropic:MODEL=3/15; kept with each assessment.",
            read=_prices,
        ),
    )
    anthropic_api_key: str | None = field(
        default=None, repr=False, metadata=_about("The key for anthropic:MODEL.", secret=True, name="ANTHROPIC_API_KEY")
    )
    openai_api_key: str | None = field(
        default=None, repr=False, metadata=_about("The key for openai:MODEL.", secret=True, name="OPENAI_API_KEY")
    )
    openai_base_url: str | None = field(
        default=None,
        metadata=_about(
            "Where openai:MODEL is asked: any endpoint that speaks its protocol, such as http://localhost:11434/v1. If not set: OpenAI's.",
            read=_web_address,
            name="OPENAI_BASE_URL",
        ),
    )
    session_steps: int = field(default=BOUNDS.steps, metadata=_about("Steps that a session may have.", read=_up_to(LARGEST_COUNT)))
    session_branches: int = field(default=BOUNDS.branches, metadata=_about("Branches that a session may have.", read=_up_to(LARGEST_COUNT)))
    session_levels: int = field(
        default=BOUNDS.levels, metadata=_about("Levels of branches split off branches that a session may have.", read=_up_to(LARGEST_COUNT))
    )
    session_kib: int = field(
        default=BOUNDS.bytes // 1024,
        metadata=_about("KiB of text that the steps and branches of a session may have.", read=_up_to(LARGEST_COUNT)),
    )
    log_level: str = field(default="info", metadata=_about("How much is logged: debug, info, warning or error.", read=_level))

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Settings":
        """What the environment says; an empty variable counts as left out. Raises `SettingsWrong` with everything that is wrong."""
        values: dict[str, Any] = {}
        problems: list[str] = []
        for one in attrs.fields(cls):
            if said := environment.get(variable(one.name), "").strip():
                try:
                    values[one.name] = one.metadata["read"](said)
                except ValueError as exc:
                    problems.append(f"{variable(one.name)} {exc}")
        for name in ("secret_key", "secret_key_previous"):
            if values.get(name) and values.get(f"{name}_file"):
                problems.append(f"{variable(name)} and {variable(f'{name}_file')} are both set; leave one out")
        if problems:
            raise SettingsWrong(problems)
        return cls(**values)

    @property
    def session_bounds(self) -> Bounds:
        """How much a session may hold."""
        return Bounds(steps=self.session_steps, branches=self.session_branches, levels=self.session_levels, bytes=self.session_kib * 1024)

    @property
    def recipients(self) -> frozenset[str] | None:
        """Whom alone this installation mails; None where it mails everybody."""
        return frozenset(self.mail_only_to.split(",")) if self.mail_only_to is not None else None

    @property
    def models(self) -> list[tuple[str, str]]:
        """Providers with their models, in order of preference."""
        named = (one.partition(":") for one in self.assistant.split(",") if one != RULES)
        return [(provider, model.strip()) for provider, _, model in named]

    def price(self, provider: str, model: str) -> tuple[int, int] | None:
        """What a model costs, in millionths of a dollar for a million tokens read and written; None where nobody said."""
        for one in (self.assistant_prices or "").split(","):
            said = _PRICE.fullmatch(one)
            if said and said[1] == f"{provider}:{model}":
                return round(float(said[2]) * 1_000_000), round(float(said[3]) * 1_000_000)
        return None

    @property
    def embedded(self) -> bool:
        """Whether the database is our own."""
        return self.database_url is None


@frozen(kw_only=True)
class Shown:
    """One setting as people read it: a secret is hidden."""

    name: str
    value: str | None
    explanation: str


def shown(settings: Settings) -> Iterator[Shown]:
    """All settings, in order."""
    for one in attrs.fields(Settings):
        value = getattr(settings, one.name)
        said = None if value is None else str(value)
        if said is not None and one.metadata["secret"]:
            said = _hidden(said)
        yield Shown(name=variable(one.name), value=said, explanation=one.metadata["explanation"])


@frozen(kw_only=True)
class Unread:
    """A variable that looks like ours and that nobody reads: it was misspelt, or is of another version."""

    name: str
    meant: str | None
    """The one of ours that it is most like."""

    def __str__(self) -> str:
        meant = f"; did you mean {self.meant}?" if self.meant else ""
        return f"{self.name} is set, but nothing reads it{meant}"


def unread(environment: Mapping[str, str]) -> list[Unread]:
    """Variables that look like ours and that nobody reads."""
    known = {variable(one.name) for one in attrs.fields(Settings)} | OF_ONE_COMMAND
    strangers = sorted(name for name in environment if name.startswith(PREFIX) and name not in known)
    # By what follows the prefix, which makes everything look alike.
    ours = {name.removeprefix(PREFIX): name for name in sorted(known)}
    alike = {name: get_close_matches(name.removeprefix(PREFIX), ours, n=1) for name in strangers}
    return [Unread(name=name, meant=ours[found[0]] if found else None) for name, found in alike.items()]


def variable(name: str) -> str:
    """The environment variable that sets a field."""
    called: str | None = attrs.fields_dict(Settings)[name].metadata["name"] if name in attrs.fields_dict(Settings) else None
    return called or PREFIX + name.upper()


def _hidden(value: str) -> str:
    """An address without its password; anything else is not shown at all."""
    parts = urlsplit(value)
    if not parts.hostname or "password" in parts.query:
        return "(hidden)"
    user = f"{parts.username}:…@" if parts.password else f"{parts.username}@" if parts.username else ""
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit((parts.scheme, f"{user}{parts.hostname}{port}", parts.path, "", ""))
