"""How figures are counted: one statement for each thing that is counted and each way to group it, written when it is first asked for."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    DateTime,
    Double,
    FromClause,
    Integer,
    Select,
    Text,
    Uuid,
    any_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.sql.elements import Grouping

from flowpilot_adapters.sql.queries import LIMIT, if_given, own
from flowpilot_adapters.sql.schema import delivery, handoff, handoff_seen, handoff_verdict, session
from flowpilot_adapters.sql.statement import Statement, compiled
from flowpilot_core.domain.handoffs.handoff import HandoffState, Intent
from flowpilot_core.domain.insights.analytics import NOT_OF_SESSIONS, GroupBy, GroupKey, Tally
from flowpilot_core.domain.insights.facts import UNSAID
from flowpilot_core.domain.insights.period import TimeUnit
from flowpilot_core.domain.insights.spread import Spread
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.domain.notifications.delivery import REACHED, TELLING
from flowpilot_core.domain.sessions.feedback import Verdict
from flowpilot_core.domain.sessions.session import Status

MICROSECOND: Final = timedelta(microseconds=1)
_ESCALATION_COLUMNS: Final = {
    GroupBy.TEAM: handoff.c.team_id,
    GroupBy.PRIORITY: handoff.c.priority,
    GroupBy.ESCALATOR: handoff.c.escalated_by,
    GroupBy.CLAIMER: handoff.c.claimed_by,
    GroupBy.CLIENT: handoff.c.client_name,
}
_SESSION_COLUMNS: Final = {
    GroupBy.TEAM: session.c.team_id,
    GroupBy.PRIORITY: session.c.priority,
    GroupBy.ASSIGNEE: session.c.assignee_id,
    GroupBy.CLIENT: session.c.client_name,
}
_UNITS: Final = frozenset(GroupBy(unit) for unit in TimeUnit)


@cache
def escalations(group_by: GroupBy | None) -> Statement:
    """Counts escalations that were made in the time."""
    judged = own(handoff_verdict) & (handoff_verdict.c.handoff_id == handoff.c.id) & (handoff_verdict.c.user_id == handoff.c.claimed_by)
    is_claimed = handoff.c.state == HandoffState.CLAIMED
    made = (
        select(
            _key(group_by, handoff.c.escalated_at, _ESCALATION_COLUMNS),
            handoff.c.state,
            handoff.c.due_at,
            handoff.c.reroutes,
            handoff.c.lapses,
            handoff.c.unclaims,
            handoff_verdict.c.verdict,
            case((is_claimed, _wait(handoff.c.escalated_at, handoff.c.claimed_at))).label("time_to_claim"),
            case((is_claimed, _wait(handoff.c.claimed_at, handoff.c.first_step_at))).label("time_to_first_step"),
        )
        .select_from(handoff.outerjoin(handoff_verdict, judged))
        .where(*_made_in_time())
        .subquery("made")
    )
    claimed, waiting = made.c.state == HandoffState.CLAIMED, made.c.state == HandoffState.OPEN
    counts = {
        "escalations": func.count(),
        "reroutes": _sum(made.c.reroutes),
        "claimed": _count(claimed),
        "withdrawn": _count(made.c.state == HandoffState.WITHDRAWN),
        "lapsed": _sum(made.c.lapses),
        "unclaimed": _sum(made.c.unclaims),
        "waiting": _count(waiting),
        "overdue": _count(waiting & (made.c.due_at < bindparam("at", type_=DateTime(timezone=True)))),
        "claimed_without_step": _count(claimed & made.c.time_to_first_step.is_(None)),
        **{f"verdicts__{verdict}": _count(claimed & (made.c.verdict == verdict)) for verdict in Verdict},
        "verdicts__none": _count(claimed & made.c.verdict.is_(None)),
    }
    return _counting(f"figures of escalations, {group_by}", made, counts, ("time_to_claim", "time_to_first_step"), group_by)


@cache
def sessions(group_by: GroupBy | None) -> Statement:
    """Counts sessions, as escalations are asked about them."""
    found = _sessions(group_by)
    counts = {
        "sessions": func.count(),
        "escalated_sessions": _count(found.c.escalations > literal_column("0")),
        "reopened": _sum(found.c.reopenings),
    }
    return _counting(f"figures of sessions, {group_by}", found, counts, ("time_to_resolve",), group_by)


@cache
def work(group_by: GroupBy | None) -> Statement:
    """Counts sessions that were started in the time, as work."""
    found = _sessions(group_by)
    counts = {
        **{f"sessions__{status}": _count(found.c.status == status) for status in Status},
        "steps": _sum(found.c.step_count),
        "forks": _sum(found.c.forks),
        "dead_ends": _sum(found.c.dead_ends),
        "helped": _count(found.c.helped),
        "resolved_without_escalation": _count((found.c.status == Status.RESOLVED) & (found.c.escalations == literal_column("0"))),
    }
    return _counting(f"figures of work, {group_by}", found, counts, ("time_to_resolve",), group_by)


@cache
def deliveries(group_by: GroupBy | None) -> Statement:
    """Counts messages that tell somebody of an escalation."""
    told = _told(group_by)
    return _counting(
        f"figures of deliveries, {group_by}", told, {"seen": func.count(told.c.time_to_seen)}, ("time_to_tell", "time_to_seen"), group_by
    )


@cache
def deliveries_by_word(group_by: GroupBy | None) -> Statement:
    """Counts the same messages by channel and state, and the dead ones by what was said of them: a row a word of each group."""
    told = _told(group_by)
    words = [select(told.c.key, func.concat(_of("'told.'"), told.c.channel, _of("'_'"), told.c.state).label("word"))]
    words.append(select(told.c.key, func.concat(_of("'dead.'"), told.c.last_error).label("word")).where(told.c.state == DeliveryState.DEAD))
    said = union_all(*words).subquery("said")
    counted = select(said.c.key, said.c.word, func.count().label("times")).group_by(said.c.key, said.c.word)
    return compiled(f"words of deliveries, {group_by}", counted)


def words_of(rows: Iterable[Any]) -> dict[GroupKey, Tally]:
    """What rows of `deliveries_by_word` say, by group."""
    counts: dict[GroupKey, dict[str, int]] = {}
    for row in rows:
        counts.setdefault(row.key, {})[row.word] = row.times
    return {key: Tally(counts=words) for key, words in counts.items()}


def tally_of(row: Any) -> Tally:
    """What a row of one of these statements says."""
    said = row._asdict()
    spreads: dict[str, Spread] = {}
    for name in [column.removesuffix("__count") for column in said if column.endswith("__count")]:
        count, low, high, p90, total, most = (said.pop(f"{name}__{part}") for part in ("count", "low", "high", "p90", "total", "max"))
        if count:
            low, high, p90, total, most = (microseconds * MICROSECOND for microseconds in (low, high, p90, total, most))
            spreads[name] = Spread.found(count, low, high, p90, total=total, most=most)
    # A column's name is one of Python, too: it has no dot.
    return Tally(counts={name.replace("__", "."): count or 0 for name, count in said.items() if name != "key"}, spreads=spreads)


def groups_of(rows: Iterable[Any]) -> dict[GroupKey, Tally]:
    """What rows of one of these statements say, by group."""
    return {getattr(row, "key", None): tally_of(row) for row in rows}


def _sessions(group_by: GroupBy | None) -> FromClause:
    readable = or_(
        session.c.status != Status.PARKED,
        bindparam("reads_parked", type_=Boolean()),
        bindparam("reader", type_=Uuid()) == any_(session.c.parked_with),
    )
    if group_by in NOT_OF_SESSIONS:
        of = (
            select(_key(group_by, handoff.c.escalated_at, _ESCALATION_COLUMNS), handoff.c.session_id)
            .where(*_made_in_time())
            .distinct()
            .subquery("of")
        )
        key: ColumnElement[Any] = of.c.key
        source: FromClause = of.join(session, own(session) & (session.c.id == of.c.session_id))
        which = readable
    else:
        key, source = _key(group_by, session.c.created_at, _SESSION_COLUMNS), session
        which = readable & _in_time(session.c.created_at) & own(session) & if_given(session.c.team_id, "team_id")
    columns = (session.c[name] for name in ("status", "escalations", "reopenings", "helped", "step_count", "forks", "dead_ends"))
    waits = _wait(session.c.created_at, session.c.resolved_at).label("time_to_resolve")
    return select(key, *columns, waits).select_from(source).where(which).subquery("found")


def _told(group_by: GroupBy | None) -> FromClause:
    looked = own(handoff_seen) & (handoff_seen.c.handoff_id == delivery.c.handoff_id) & (handoff_seen.c.user_id == delivery.c.user_id)
    of = own(handoff) & (handoff.c.id == delivery.c.handoff_id)
    reached = delivery.c.state.in_(sorted(REACHED))
    return (
        select(
            _key(group_by, delivery.c.created_at, {GroupBy.CHANNEL: delivery.c.channel}),
            delivery.c.channel,
            delivery.c.state,
            func.coalesce(delivery.c.last_error, _of(f"'{UNSAID}'")).label("last_error"),
            case((reached, _wait(delivery.c.created_at, delivery.c.updated_at))).label("time_to_tell"),
            case((handoff_seen.c.seen_at >= delivery.c.created_at, _wait(delivery.c.created_at, handoff_seen.c.seen_at))).label(
                "time_to_seen"
            ),
        )
        .select_from(delivery.join(handoff, of).outerjoin(handoff_seen, looked))
        .where(
            own(delivery),
            delivery.c.kind.in_(sorted(TELLING)),
            _in_time(delivery.c.created_at),
            if_given(handoff.c.team_id, "team_id"),
        )
        .subquery("told")
    )


def _made_in_time() -> tuple[ColumnElement[bool], ...]:
    return (
        own(handoff),
        handoff.c.intent == Intent.ESCALATE,
        _in_time(handoff.c.escalated_at),
        if_given(handoff.c.team_id, "team_id"),
    )


def _in_time(at: ColumnElement[Any]) -> ColumnElement[bool]:
    return (at >= bindparam("since", type_=DateTime(timezone=True))) & (at < bindparam("until", type_=DateTime(timezone=True)))


def _key(group_by: GroupBy | None, at: ColumnElement[Any], columns: Mapping[GroupBy, ColumnElement[Any]]) -> ColumnElement[Any]:
    if group_by is None:
        return cast(null(), Text).label("key")
    found = _number(TimeUnit(group_by), at) if group_by in _UNITS else cast(columns[group_by], Text)
    return found.label("key")


def _number(unit: TimeUnit, at: ColumnElement[Any]) -> ColumnElement[Any]:
    """As `Period.number` says, with the clock's changes as parameters: the database may know other zones than we do."""
    changes, offsets = bindparam("changes", type_=ARRAY(DateTime(timezone=True))), bindparam("offsets", type_=ARRAY(Integer))
    wall: ColumnElement[Any] = (
        func.date_part(_of("'epoch'"), at, type_=Double()) + Grouping(offsets)[func.width_bucket(at, changes, type_=Integer())]
    )
    day = cast(func.floor(wall / _of("86400.0")), Integer) + _of("719163")
    match unit:
        case TimeUnit.DAY:
            return day
        case TimeUnit.WEEK:
            return (day - _of("1")) // _of("7")
        case TimeUnit.MONTH:
            date = func.timezone(_of("'UTC'"), func.to_timestamp(wall))
            year: ColumnElement[Any] = func.date_part(_of("'year'"), date, type_=Double())
            return cast(year * _of("12") + func.date_part(_of("'month'"), date, type_=Double()) - _of("1"), Integer)
        case TimeUnit.HOUR_OF_WEEK:
            hour = cast(func.floor(wall / _of("3600.0")), Integer) % _of("24")
            return (day - _of("1")) % _of("7") * _of("24") + (hour + _of("24")) % _of("24")


def _of(constant: str) -> ColumnElement[Any]:
    return literal_column(constant, Double() if "." in constant else Integer() if constant.isdigit() else Text())


def _wait(since: ColumnElement[Any], until: ColumnElement[Any]) -> ColumnElement[Any]:
    """Microseconds: whole numbers are sorted and summed sooner than intervals."""
    return cast(func.date_part(_of("'epoch'"), until - since, type_=Double()) * _of("1000000"), BigInteger)


def _count(which: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.count().filter(which)


def _sum(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.sum(column)


def _counting(
    name: str, rows: FromClause, counts: Mapping[str, ColumnElement[Any]], spreads: tuple[str, ...], group_by: GroupBy | None
) -> Statement:
    """One row a group, or one in all; each wait is sorted once, and ranks are looked up there."""
    waits = [
        part
        for name in spreads
        for part in (
            func.array_agg(aggregate_order_by(rows.c[name], rows.c[name].asc()), type_=ARRAY(BigInteger))
            .filter(rows.c[name].is_not(None))
            .label(name),
            cast(func.sum(rows.c[name]), BigInteger).label(f"{name}__total"),
        )
    ]
    counted: Select[Any] = select(*(column.label(name) for name, column in counts.items()), *waits)
    if group_by:
        counted = counted.add_columns(rows.c.key).group_by(rows.c.key).limit(LIMIT)
    grouped = counted.subquery("counted")
    return compiled(name, select(*(column for column in grouped.c if column.name not in spreads), *_ranks(grouped, spreads)))


def _ranks(grouped: FromClause, spreads: tuple[str, ...]) -> Iterable[ColumnElement[Any]]:
    for name in spreads:
        ordered = grouped.c[name]
        count = func.cardinality(ordered, type_=Integer())
        yield count.label(f"{name}__count")
        yield ordered[(count + _of("1")) // _of("2")].label(f"{name}__low")
        yield ordered[count // _of("2") + _of("1")].label(f"{name}__high")
        yield ordered[(count * _of("9") + _of("9")) // _of("10")].label(f"{name}__p90")
        yield ordered[count].label(f"{name}__max")
