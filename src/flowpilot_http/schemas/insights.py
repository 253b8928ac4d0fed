"""Figures, the weekly digest and what is found, as clients ask for them and read them."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from flowpilot_core.application.insights.analytics import Answer
from flowpilot_core.application.insights.weekly_digests import Wish
from flowpilot_core.domain.insights.analytics import GroupBy, Tally, Value, seconds
from flowpilot_core.domain.insights.figures import Figure
from flowpilot_core.domain.insights.gaps import Gap
from flowpilot_core.domain.insights.search import Hit, HitKind
from flowpilot_core.domain.insights.spread import Spread
from flowpilot_core.domain.insights.weekly_digest import WeeklyDigest
from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.query import LONGEST_QUERY
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.domain.sessions.session import Status
from flowpilot_http.schemas.kernel import Closed, Instant, Listed, Page


class Format(StrEnum):
    """How figures are written."""

    JSON = "json"
    CSV = "csv"


class Rows(StrEnum):
    """What the rows of a CSV are."""

    FIGURES = "figures"
    GAPS = "gaps"


class FiguresWanted(Closed, kw_only=True, frozen=True):
    """Which figures."""

    start: Annotated[date | None, Meta(description="The first day. Without it: 30 days before `to`.")] = msgspec.field(
        default=None, name="from"
    )
    end: Annotated[date | None, Meta(description="The day after the last one. Without it today is the last one.")] = msgspec.field(
        default=None, name="to"
    )
    time_zone: Annotated[str | None, Meta(description="The IANA time zone whose days are meant. Without it: the account's.")] = None
    group_by: Annotated[GroupBy | None, Meta(description="What to group by. Without it there are only the figures in all.")] = None
    team_id: Annotated[UUID | None, Meta(description="Only what is this team's.")] = None
    format: Annotated[
        Format | None, Meta(description="Without it: JSON. CSV has one row a group, and in all where nothing is grouped.")
    ] = None
    rows: Annotated[Rows, Meta(description="What the rows of a CSV are: figures, or, of knowledge where nothing is grouped, its gaps.")] = (
        Rows.FIGURES
    )


class SpreadOut(msgspec.Struct, kw_only=True, frozen=True):
    """How long something took, in seconds; null where it never happened."""

    count: int
    median: float | None
    p90: Annotated[float | None, Meta(description="Nearest rank: the smallest that nine in ten are no longer than.")]
    mean: float | None
    max: float | None

    @classmethod
    def of(cls, spread: Spread) -> "SpreadOut":
        """As clients read it."""
        return cls(
            count=spread.count,
            median=seconds(spread.median),
            p90=seconds(spread.p90),
            mean=seconds(spread.mean),
            max=seconds(spread.max),
        )


FigureOut = int | float | None | dict[str, Any]


def _out(value: Value) -> Any:
    if isinstance(value, Spread):
        return SpreadOut.of(value)
    return dict(value) if isinstance(value, dict) else value


class GapOut(msgspec.Struct, kw_only=True, frozen=True):
    """Sessions about the same, which no tree fits."""

    words: Annotated[list[str], Meta(description="That all of their titles have.")]
    sessions: int
    escalated: Annotated[int, Meta(description="Those that were escalated at least once.")]
    example_id: Annotated[UUID, Meta(description="The newest session.")]

    @classmethod
    def of(cls, gap: Gap) -> "GapOut":
        """As clients read it."""
        return cls(words=list(gap.words), sessions=gap.sessions, escalated=gap.escalated, example_id=gap.example_id)


class FiguresOut(msgspec.Struct, kw_only=True, frozen=True):
    """What a question comes to."""

    start: date = msgspec.field(name="from")
    end: date = msgspec.field(name="to")
    time_zone: str
    definitions: Annotated[dict[str, str], Meta(description="What each figure counts.")]
    total: Annotated[dict[str, FigureOut], Meta(description="The figures in all, by name.")]
    groups: Annotated[
        list[dict[str, FigureOut | str]],
        Meta(description="`key` and `label` of each group that has anything in it, and its figures by name."),
    ]
    made_at: Instant
    gaps: Annotated[
        list[GapOut] | msgspec.UnsetType,
        Meta(
            description="Of knowledge, where nothing is grouped: of the newest 500 sessions that were started in the time, are resolved or"
            " were escalated and follow no tree, those that no published tree fits, in groups that share two words of their titles (or"
            " their only one), largest first. What the client is called is no word of a session. Each session is in one group, and a group"
            " has two sessions at least."
        ),
    ] = msgspec.UNSET

    @classmethod
    def of(cls, answer: Answer) -> "FiguresOut":
        """As clients read it."""
        period = answer.question.period
        return cls(
            start=period.start,
            end=period.end,
            time_zone=period.time_zone,
            definitions={figure.name: figure.says for figure in answer.figures},
            total=_named(answer.figures, answer.total),
            groups=[{"key": one.key, "label": one.label, **_named(answer.figures, one.tally)} for one in answer.groups],
            made_at=answer.made_at,
            gaps=msgspec.UNSET if answer.gaps is None else [GapOut.of(one) for one in answer.gaps],
        )


def _named(figures: tuple[Figure, ...], tally: Tally) -> dict[str, Any]:
    return {figure.name: _out(tally.value(figure)) for figure in figures}


def as_csv(answer: Answer) -> str:
    """One row a group, or one in all where nothing is grouped; cells that a spreadsheet would reckon with are text there."""
    tallies = [one.tally for one in answer.groups] if answer.question.group_by else [answer.total]
    words = {figure.name: sorted({word for tally in tallies for word in _words(tally, figure)}) for figure in answer.figures}
    rows = [dict(_cells(answer.figures, words, tally)) for tally in tallies]
    names = list(dict(_cells(answer.figures, words, answer.total)))
    written = io.StringIO()
    writer = csv.writer(written)
    heads = ["key", "label"] if answer.question.group_by else []
    writer.writerow([*heads, *names])
    for number, row in enumerate(rows):
        of = [_text(answer.groups[number].key), _text(answer.groups[number].label)] if heads else []
        writer.writerow([*of, *(row[name] for name in names)])
    return written.getvalue()


def gaps_as_csv(answer: Answer) -> str:
    """One row a gap. Raises `InvalidValue` where none were asked for."""
    if answer.gaps is None:
        raise InvalidValue("rows", "can be gaps of knowledge alone, where nothing is grouped")
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(GapOut.__struct_fields__)
    writer.writerows((_text(" ".join(gap.words)), gap.sessions, gap.escalated, gap.example_id) for gap in answer.gaps)
    return written.getvalue()


def _words(tally: Tally, figure: Figure) -> tuple[str, ...]:
    value = tally.value(figure)
    return tuple(word for word in value if word not in figure.words) if isinstance(value, dict) else ()


def _cells(figures: tuple[Figure, ...], words: dict[str, list[str]], tally: Tally) -> Iterator[tuple[str, Any]]:
    for figure in figures:
        value = tally.value(figure)
        if isinstance(value, Spread):
            for part, said in msgspec.structs.asdict(SpreadOut.of(value)).items():
                yield f"{figure.name}_{part}", said
        elif isinstance(value, dict):
            for word in (*figure.words, *words[figure.name]):
                yield f"{figure.name}_{word}", value.get(word, 0)
        else:
            yield figure.name, value


def _text(said: str | None) -> str:
    """A spreadsheet takes a cell that begins so for a formula: what a client is called must not be one."""
    return f"'{said}" if said and said[0] in "=+-@\t\r" else said or ""


class WantWeeklyDigest(Closed, kw_only=True, frozen=True):
    """Whether to be mailed the figures of each week."""

    wanted: bool


class DigestOut(msgspec.Struct, kw_only=True, frozen=True):
    """How far the digest of one week is."""

    start: date = msgspec.field(name="from")
    end: Annotated[date, Meta(description="The day after its last one.")] = msgspec.field(name="to")
    state: DeliveryState
    attempts: int
    reason: Annotated[str | None, Meta(description="Why it was suppressed, or what there is to say of how it was sent.")]
    last_error: str | None

    @classmethod
    def of(cls, digest: WeeklyDigest) -> "DigestOut":
        """As clients read it."""
        return cls(
            start=digest.week,
            end=digest.until,
            state=digest.state,
            attempts=digest.attempts,
            reason=digest.reason,
            last_error=digest.last_error,
        )


class WeeklyDigestOut(msgspec.Struct, kw_only=True, frozen=True):
    """Whether you are mailed the figures of each week."""

    wanted: bool
    next_at: Annotated[Instant | None, Meta(description="When the next one is sent; null where you want none.")]
    last: Annotated[DigestOut | None, Meta(description="The last one that was sent, or would have been; null where you want none.")]

    @classmethod
    def of(cls, wish: Wish) -> "WeeklyDigestOut":
        """As clients read it."""
        digest = wish.weekly_digest
        if digest is None:
            return cls(wanted=False, next_at=None, last=None)
        return cls(wanted=True, next_at=wish.next_at, last=DigestOut.of(digest))


class SearchWanted(Page, kw_only=True, frozen=True):
    """What to look for, and where."""

    q: Annotated[
        str,
        Meta(
            min_length=1,
            description=f'Words, `"a phrase"`, `-without`, or what was pasted, as it stands: up to {LONGEST_QUERY} characters.',
            examples=["printer offline", "0x80070005"],
        ),
    ]
    kind: HitKind | None = None
    status: Annotated[Status | None, Meta(description="Of the session that it is, or is of.")] = None
    start: Annotated[str | None, Meta(description="A moment, or a day that begins in UTC.", examples=["2026-10-01"])] = msgspec.field(
        default=None, name="from"
    )
    end: Annotated[
        str | None, Meta(description="As `from`; what is of that moment is not found any more.", examples=["2026-11-01T08:00:00Z"])
    ] = msgspec.field(default=None, name="to")
    assignee: Annotated[str | None, Meta(description="`me`, or the id of a user.", examples=["me"])] = None
    client: Annotated[str | None, Meta(description="What the client is called, as it stands.")] = None


class PartOut(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A piece of a snippet."""

    text: str
    hit: Annotated[bool, Meta(description="Whether it is what was looked for; left out where it is not.")] = False


class HitOut(msgspec.Struct, kw_only=True, frozen=True):
    """Something that was found."""

    kind: HitKind
    id: UUID
    session_id: Annotated[UUID | None, Meta(description="The session that it is, or is of; null of trees and script templates.")]
    title: str
    snippet: Annotated[list[PartOut], Meta(description="A piece of its text, in parts. It is no HTML.")]
    at: Instant
    score: Annotated[int, Meta(description="The higher, the better; of the same score the best rated comes first, then the newest.")]

    @classmethod
    def of(cls, hit: Hit) -> "HitOut":
        """As clients read it."""
        return cls(
            kind=hit.kind,
            id=hit.id,
            session_id=hit.session_id,
            title=hit.title,
            snippet=[PartOut(text=part.text, hit=part.hit) for part in hit.snippet],
            at=hit.at,
            score=hit.score,
        )


class FoundOut(Listed[HitOut], kw_only=True, frozen=True):
    """A page of what a search finds."""

    looked_at: Annotated[
        int | None,
        Meta(
            description="Where not all that has the rarest of the words was looked at: how many were, those with it in their title first,"
            " then the newest. One word more, a client, a kind or a time finds what is older. Null where all were."
        ),
    ]


def moment(field: str, said: str | None) -> datetime | None:
    """A moment, or the beginning of a day in UTC. Raises `InvalidValue`."""
    if said is None:
        return None
    try:
        read = datetime.fromisoformat(said)
    except ValueError:
        raise InvalidValue(field, "must be a day or a moment, as in 2026-10-01 or 2026-10-01T08:00:00Z") from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)
