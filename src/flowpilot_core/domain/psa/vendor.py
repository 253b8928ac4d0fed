"""A PSA vendor: what a connection to it needs, and how it shows what is written."""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

from attrs import field, frozen

from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.text import TITLE, one_of, text


class NoteFormat(StrEnum):
    """How a vendor shows the text of a note."""

    PLAIN = "plain"
    HTML = "html"
    MARKDOWN = "markdown"


class Vouching(StrEnum):
    """How a vendor shows that what comes in at a webhook's address is its own."""

    SECRET = "secret"  # noqa: S105  (what it is called)
    """By a secret of ours that an administrator enters there."""
    OWN_KEY = "own_key"
    """By a key of its own, that it tells."""


class Kind(StrEnum):
    """What a setting's value may be."""

    TEXT = "text"
    NUMBER = "number"
    NUMBER_OR_TEXT = "number or text"
    SWITCH = "true or false"


KINDS: Mapping[Kind, tuple[type, ...]] = MappingProxyType(
    {Kind.TEXT: (str,), Kind.NUMBER: (int,), Kind.NUMBER_OR_TEXT: (int, str), Kind.SWITCH: (bool,)}
)


@frozen(kw_only=True)
class Setting:
    """One setting of a connection."""

    kind: Kind = Kind.TEXT
    among: tuple[str, ...] = ()
    """The only values there are, where they are few."""
    means: str
    """For whoever fills it in."""

    def check(self, name: str, value: Plain) -> None:
        """Raises `InvalidValue` for what it cannot be."""
        fits = isinstance(value, KINDS[self.kind]) and (isinstance(value, bool) is (self.kind is Kind.SWITCH))
        if not fits:
            raise InvalidValue(f"settings.{name}", f"must be {self.kind}")
        if self.among and value not in self.among:
            raise InvalidValue(f"settings.{name}", one_of(self.among))


def nowhere(base_url: str, ticket_id: str) -> None:
    """Of a vendor whose tickets have no page that a link could lead to."""


@frozen(kw_only=True)
class Vendor:
    """A vendor as accounts know it."""

    system: str
    """What a ticket's `system` is."""
    name: str
    needs: tuple[str, ...]
    """The credentials without which nothing goes."""
    takes: tuple[str, ...] = ()
    """Credentials that only some of its customers have."""
    settings: Mapping[str, Setting] = field(factory=dict)
    format: NoteFormat = NoteFormat.PLAIN
    to_client: Mapping[str, Plain] = field(factory=dict)
    """The settings under which the client reads a note."""
    vouching: Vouching = Vouching.SECRET
    ticket_page: Callable[[str, str], str | None] = nowhere
    """Where people see a ticket, by the connection's address and the ticket's id; None where that does not tell."""
    notes_on_closed: bool = True
    """Whether a closed ticket takes a note and stays closed."""

    def check_credentials(self, credentials: Mapping[str, str]) -> None:
        """Raises `InvalidValue` unless they are all there and no others are."""
        for name in credentials:
            if name not in (*self.needs, *self.takes):
                raise InvalidValue(f"credentials.{name}", f"is not a credential that {self.name} takes")
        for name in self.needs:
            if name not in credentials:
                raise InvalidValue(f"credentials.{name}", "is missing")
        for name, value in credentials.items():
            _sendable(f"credentials.{name}", text(f"credentials.{name}", value, most=TITLE * 10))

    def check_settings(self, settings: Mapping[str, Plain]) -> None:
        """Raises `InvalidValue` for one that it has not, or for a value that one cannot have."""
        for name, value in settings.items():
            if name not in self.settings:
                raise InvalidValue(f"settings.{name}", f"is not a setting of {self.name}")
            self.settings[name].check(name, value)


def _sendable(field: str, value: str) -> None:
    """Credentials travel in headers: what would end one is refused rather than sent."""
    if not (value.isascii() and value.isprintable()):
        raise InvalidValue(field, "must be one line of ASCII")


MOST_NAMED = 30
"""Choices that are named where one is wrong."""


def there_are(names: Iterable[str]) -> str:
    """What could be chosen, for whoever chose something else."""
    return f"there are {', '.join(sorted(set(names))[:MOST_NAMED]) or 'none'}"
