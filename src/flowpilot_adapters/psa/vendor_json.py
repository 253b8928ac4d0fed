"""Reading a vendor's JSON: whatever is not there, or is of another type, is as if it had been left out."""

import html
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from flowpilot_core.domain.kernel.mailbox import folded_email
from flowpilot_core.domain.kernel.moment import can_be_reckoned_with
from flowpilot_core.ports.psa import Member

LONGEST_NOTE = 2_000
"""Characters of a note that somebody reads here: the whole of it stands on the ticket."""
LONGEST_MARKUP: Final = 8 * LONGEST_NOTE
"""Characters of a note that are read for that, with what marks it up."""
RECENT = 10
"""Notes that are read with a ticket."""

# Not a parser of HTML: `html.parser` and those that build a tree all take quadratic time for some input. Here whatever is looked at
# is taken, to the end where nothing closes it, so that nothing is looked at twice.
_MARKUP: Final = re.compile(r"<(?:!--.*?(?:--|\Z)|([a-z][a-z0-9]*+|/[a-z0-9]*+|[!?])[^>]*+)(?:>|\Z)", re.IGNORECASE | re.DOTALL)
_LINE_ENDS: Final = frozenset({"br", "/p", "/div", "/li", "/tr", *(f"/h{level}" for level in range(1, 7))})
_LONG_NUMBER: Final = re.compile(r"&#[0-9]{8,}+;?")
"""A character by a number that no character has: too long a one cannot even be read."""


def record(value: object) -> Mapping[str, object]:
    """The object that it is, or an empty one."""
    return value if isinstance(value, Mapping) else {}


def records(value: object) -> Sequence[Mapping[str, object]]:
    """The objects in the list that it is."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def words(value: object, *keys: str) -> str | None:
    """The text at the first of `keys` that has one; of an object at such a key, its name."""
    for key in keys:
        found = record(value).get(key)
        if isinstance(found, Mapping):
            found = found.get("name")
        if isinstance(found, str) and found.strip():
            return found
    return None


def number(value: object, key: str) -> int | None:
    """The number at `key`, also where it is written as text."""
    found = record(value).get(key)
    if isinstance(found, bool):
        return None
    if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) <= LONGEST_NUMBER:
        return int(found)
    return found if isinstance(found, int) else None


def chosen(options: Mapping[str, str], wanted: str) -> int | None:
    """The number of a choice that somebody names, by number or in whatever letters."""
    if wanted in options:
        return int(wanted)
    return next((int(value) for value, name in options.items() if name.casefold() == wanted.casefold()), None)


def options(rows: Sequence[Mapping[str, object]], *names: str) -> Mapping[str, str]:
    """The names of choices by their numbers; the name is at the first of `names` that has one."""
    return {str(number(row, "id")): words(row, *names) or "" for row in rows if number(row, "id") is not None}


def hours(minutes: int) -> float:
    """Minutes as the hours that a vendor enters."""
    return round(minutes / 60, 2)


def the_one(members: Sequence[Member], email: str) -> Member | None:
    """The one whose address it is; of more than one nobody can tell who is meant."""
    found = [member for member in members if folded_email(member.email or "") == folded_email(email)]
    return found[0] if len(found) == 1 else None


LONGEST_NUMBER = 18
"""Digits of an id."""


def ticket_number(ticket_id: str) -> int | None:
    """The number that a ticket's id is, if it is one: nothing else ever becomes a part of a URL."""
    return number({"id": ticket_id}, "id")


def when(value: object, key: str) -> datetime | None:
    """The time at `key`; one without a zone is in UTC, and an empty date of the vendor's is none."""
    text = words(value, key)
    try:
        at = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    if at is None:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    # Vendors write 1900-01-01, 0001-01-01 or 9999-12-31 for no date at all.
    return at if can_be_reckoned_with(at) else None


def plain(markup: str) -> str:
    """What a note in HTML says. It takes its time in proportion to the length."""
    return unescaped(_MARKUP.sub(_in_place_of, markup)).strip()


def unescaped(text: str) -> str:
    """A text in which characters may be written as HTML writes them."""
    return html.unescape(_LONG_NUMBER.sub("\ufffd", text))


def _in_place_of(found: re.Match[str]) -> str:
    if not found[0].endswith(">"):
        return found[0]
    return "\n" if (found[1] or "").lower() in _LINE_ENDS else ""


def read(note: str, as_text: Callable[[str], str]) -> str:
    """A note as it is shown here, which is written in some other way."""
    text = as_text(note[:LONGEST_MARKUP])
    return shortened(text if len(note) <= LONGEST_MARKUP else f"{text}…")


def shortened(text: str) -> str:
    """A note as it is shown here."""
    return text if len(text) <= LONGEST_NOTE else text[: LONGEST_NOTE - 1] + "…"
