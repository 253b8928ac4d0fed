"""What a weekly digest says: the figures of one week, in words. Nothing that anybody wrote is among them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from flowpilot_core.domain.access.account import Account, User
from flowpilot_core.domain.access.branding import Worn
from flowpilot_core.domain.insights.analytics import Value
from flowpilot_core.domain.insights.figures import Figure, Kind, Subject
from flowpilot_core.domain.insights.period import Period
from flowpilot_core.domain.insights.spread import Spread
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.ports.notifications import Item, Letter

from .analytics import Answer

TITLES: Final[Mapping[Subject, str]] = MappingProxyType(
    {
        Subject.ESCALATIONS: "Escalations",
        Subject.WORK: "Work",
        Subject.DELIVERIES: "Messages that tell of escalations",
        Subject.PSA: "Tickets",
        Subject.ASSISTANT: "Assistant",
        Subject.KNOWLEDGE: "Trees",
    }
)
_DAY: Final = timedelta(days=1)
_UNITS: Final = ((_DAY, "d"), (timedelta(hours=1), "h"), (timedelta(minutes=1), "min"), (timedelta(seconds=1), "s"))


def subject(week: Period) -> str:
    """One line that tells of which week it is."""
    return f"The week {_days(week)} in figures"


def letter(answers: Sequence[Answer], recipient: User, account: Account, *, page: str, unsubscribe: str, worn: Worn) -> Letter:
    """What the figures of one week come to; those of a subject where nothing was counted are left out."""
    week, name = answers[0].question.period, worn.branding.name(account.name)
    items = tuple(_item(answer, page) for answer in answers if not answer.total.is_empty)
    nothing = Item(title="Nothing was counted", facts=(), link=page, link_text="See the week")
    return Letter(
        account_name=name,
        greeting=f"Hello {recipient.name},",
        lead=f"This is what happened {_days(week)}." if items else f"Nothing happened {_days(week)}.",
        items=items or (nothing,),
        closing=f"You got this because you asked for a weekly digest of {name}. Its days are those of {week.time_zone}.",
        unsubscribe=unsubscribe,
        worn=worn,
    )


def page_of(base_url: str, account_id: AccountId, week: Period) -> str:
    """Where the figures of a week are shown; it names the account for a browser that nobody is signed in with."""
    return f"{base_url}/insights?from={week.start}&to={week.end}&account={account_id}"


def _days(week: Period) -> str:
    return f"from {week.start} to {week.end - _DAY}"


def _item(answer: Answer, page: str) -> Item:
    of = answer.question.subject
    return Item(title=TITLES[of], facts=tuple(_facts(answer)), link=page, link_text="See these figures")


def _facts(answer: Answer) -> Iterator[tuple[str, str]]:
    for figure in answer.figures:
        said = _said(figure, answer.total.value(figure))
        if said is not None:
            yield figure.name.replace("_", " ").capitalize(), said
    if answer.gaps:
        yield "Problems without a tree", str(len(answer.gaps))


def _said(figure: Figure, value: Value) -> str | None:
    """A figure in words; None where there is nothing to say of it."""
    match value:
        case Spread():
            return _waits(value)
        case Mapping():
            return _counts(figure, value)
        case None | 0:
            return None
        case _ if figure.kind is Kind.RATE:
            return f"{value:.0%}"
        case _:
            return f"{value:,}" if isinstance(value, int) else f"{value:.1f}"


def _counts(figure: Figure, counts: Mapping[str, int]) -> str | None:
    """By word, where the words are ours; of others, which may be a mail server's, in all."""
    if not figure.words:
        return f"{sum(counts.values()):,}" if any(counts.values()) else None
    return ", ".join(f"{count:,} {word.replace('_', ' ')}" for word, count in counts.items() if count) or None


def _waits(spread: Spread) -> str | None:
    if spread.median is None or spread.p90 is None:
        return None
    return f"median {_long(spread.median)}, nine in ten within {_long(spread.p90)}"


def _long(wait: timedelta) -> str:
    """In its two largest units: `2 d 10 h`."""
    parts: list[str] = []
    for unit, name in _UNITS:
        count, wait = divmod(wait, unit)
        if count or parts or name == "s":
            parts.append(f"{count} {name}")
        if len(parts) == 2:
            break
    return " ".join(part for part in parts if not part.startswith("0 ")) or parts[0]
