"""What the page of figures says: of each answer a sentence, a chart, and a table with the same figures."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Final
from urllib.parse import quote, urlencode

from attrs import field, frozen

from flowpilot_core.application.insights.analytics import Answer, Group
from flowpilot_core.domain.assistant.assessment import FeedbackVerdict
from flowpilot_core.domain.insights.analytics import MOST_GROUPS, GroupBy, Tally
from flowpilot_core.domain.insights.figures import Subject
from flowpilot_core.domain.insights.period import Period, TimeUnit, key
from flowpilot_core.domain.insights.spread import CLASSES, LONGER, Spread
from flowpilot_core.domain.notifications.delivery import REACHED, Channel
from flowpilot_core.domain.sessions.feedback import Verdict
from flowpilot_http.pages.words import many, plain, took

from .charts import DAYS, HOURS, Amount, Chart, bars, columns, week

MOST: Final = 12
"""Groups of a chart; what is left out is in the CSV."""
_MOST_DAYS: Final = 62
_MOST_WEEKS: Final = 400
CLASS_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "under_10_s": "under 10 seconds",
        "under_30_s": "10 to 30 seconds",
        "under_1_min": "30 seconds to 1 minute",
        "under_5_min": "1 to 5 minutes",
        "under_15_min": "5 to 15 minutes",
        "under_1_h": "15 minutes to 1 hour",
        "under_4_h": "1 to 4 hours",
        "under_1_day": "4 hours to 1 day",
        LONGER: "1 day and longer",
    }
)
CHANNELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        Channel.EMAIL: "E-mail",
        Channel.PUSH: "Open page",
        Channel.SLACK: "Slack",
        Channel.TEAMS: "Teams",
        Channel.WEBHOOK: "Webhook",
    }
)
NONE: Final[Mapping[GroupBy | None, str]] = MappingProxyType(
    {
        GroupBy.TEAM: "No team",
        GroupBy.CLIENT: "No client",
        GroupBy.CLAIMER: "Nobody yet",
        GroupBy.PROVIDER: "Nobody yet",
    }
)
"""What the group is called of what has none."""


@frozen
class Link:
    """Words that lead somewhere."""

    words: str
    to: str


Row = Sequence[str | Link]


@frozen(kw_only=True)
class Shown:
    """What there is to see of one answer."""

    says: str
    chart: Chart | None = None
    key: str = ""
    """What is filled in the chart, and what is not."""
    heads: Sequence[str] = ()
    rows: Sequence[Row] = ()


@frozen(kw_only=True)
class Panel:
    """One chart with all that belongs to it."""

    id: str
    title: str
    shown: Shown
    csv: str | None


@frozen(kw_only=True)
class Section:
    """Charts about the same."""

    id: str
    title: str
    panels: Sequence[Panel]


Asked = tuple[Subject, GroupBy | None]
Figures = Mapping[Asked, Answer | None]
"""What was answered; None: more groups than one answer may have."""


@frozen(kw_only=True)
class Plan:
    """What a chart is made of."""

    title: str
    of: Asked
    show: Callable[[Answer], Shown]
    rows: str | None = field(default=None)
    """What the rows of its CSV are, where they are not the figures."""


def unit_of(period: Period) -> GroupBy:
    """What columns of a time are: few enough to be told apart."""
    days = (period.end - period.start).days
    return GroupBy.DAY if days <= _MOST_DAYS else GroupBy.WEEK if days <= _MOST_WEEKS else GroupBy.MONTH


def sections(figures: Figures) -> list[Section]:
    """All that was answered, in the order in which somebody reads it."""
    found = []
    for title, plans in PLANS.items():
        panels = [_panel(plan, figures[plan.of]) for plan in plans if plan.of in figures]
        if panels:
            found.append(Section(id=_id(title), title=title, panels=panels))
    return found


def _panel(plan: Plan, answer: Answer | None) -> Panel:
    if answer is None:
        says = f"There are more than {MOST_GROUPS:,} of them in this time. Choose a shorter one, or a team."
        return Panel(id=_id(plan.title), title=plan.title, shown=Shown(says=says), csv=None)
    return Panel(id=_id(plan.title), title=plan.title, shown=plan.show(answer), csv=csv_of(answer, plan.rows))


def csv_of(answer: Answer, rows: str | None) -> str:
    """Where a program reads the same figures."""
    question = answer.question
    asked = {
        "from": question.period.start,
        "to": question.period.end,
        "time_zone": question.period.time_zone,
        "group_by": question.group_by,
        "team_id": question.team_id,
        "format": "csv",
        "rows": rows,
    }
    return f"/analytics/{question.subject}?{urlencode({name: value for name, value in asked.items() if value is not None})}"


def _first_steps(answer: Answer) -> Shown:
    spread, without = _spread(answer.total, "time_to_first_step"), _count(answer.total, "claimed_without_step")
    none = f" {many(without, 'claim', 'claims')} had no first step." if without else ""
    says = _spread_said(spread, "first step", "first steps", "of the claim", "Nobody has taken a first step after a claim in this time.")
    return _lengths(answer, "time_to_first_step", says + none, "First steps")


def _claims(answer: Answer) -> Shown:
    spread = _spread(answer.total, "time_to_claim")
    says = _spread_said(spread, "claim", "claims", "of the escalation", "Nothing that was escalated in this time is claimed.")
    return _lengths(answer, "time_to_claim", says, "Claims")


def _lengths(answer: Answer, figure: str, says: str, head: str) -> Shown:
    total = _spread(answer.total, figure).count
    if not total:
        return Shown(says=says)
    counts = {name: _count(answer.total, f"{figure}_classes.{name}") for name in (*CLASSES, LONGER)}
    return Shown(
        says=says,
        chart=bars([Amount(name=CLASS_WORDS[name], number=count, said=f"{count:,}") for name, count in counts.items()]),
        heads=("It took", head, "Share"),
        rows=[(CLASS_WORDS[name], f"{count:,}", f"{count / total:.0%}") for name, count in counts.items()],
    )


def _spread_said(spread: Spread, one: str, more: str, after: str, nothing: str) -> str:
    if spread.median is None or spread.p90 is None or spread.max is None:
        return nothing
    if spread.count == 1:
        return f"The one {one} came within {took(spread.max)} {after}."
    return (
        f"Half of {many(spread.count, one, more)} came within {took(spread.median)} {after}, nine in ten within {took(spread.p90)}."
        f" The longest took {took(spread.max)}."
    )


def _by_time(answer: Answer) -> Shown:
    made, claimed = _count(answer.total, "escalations"), _count(answer.total, "claimed")
    if not made:
        return Shown(says="Nothing was escalated in this time.")
    unit = answer.question.unit or TimeUnit.DAY
    tallies = {one.key: one.tally for one in answer.groups}
    units = {name: tallies.get(name, Tally()) for name in _units(answer.question.period, unit)}
    most = max(units, key=lambda name: _count(units[name], "escalations"))
    on = "on" if unit is TimeUnit.DAY else "in"
    open_ = _count(answer.total, "waiting")
    waiting = f" {many(open_, 'waits', 'wait')} for somebody, {_count(answer.total, 'overdue'):,} of them overdue." if open_ else ""
    return Shown(
        says=f"{many(made, 'escalation', 'escalations')}, {claimed:,} of them claimed."
        f" Most were made {on} {most}, {_count(units[most], 'escalations'):,} of them"
        f"{_as_many(_count(tally, 'escalations') for tally in units.values())}.{waiting}",
        chart=columns([_amount(name, tally, "escalations", "claimed") for name, tally in units.items()]),
        key="Filled: claimed by now. Outlined: not claimed.",
        heads=(unit.capitalize(), "Escalations", "Claimed", "Withdrawn", "Waiting", "Sessions started"),
        rows=[(name, *_counts(tally, "escalations", "claimed", "withdrawn", "waiting", "sessions")) for name, tally in units.items()],
    )


def _units(period: Period, unit: TimeUnit) -> Iterator[str]:
    """Those of a time, also where nothing happened."""
    last = period.number(unit, period.until - timedelta.resolution)
    return (key(unit, number) for number in range(period.number(unit, period.since), last + 1))


def _by_group(answer: Answer) -> Shown:
    """Escalations of teams, clients or whatever else."""
    of = _named(answer, "escalations")
    if not of:
        return Shown(says="Nothing was escalated in this time.")
    first, most = of[0]
    total = many(_count(answer.total, "escalations"), "escalation", "escalations")
    left_out = _left_out(answer, of, "escalations")
    says = f"Most: {first}, {_count(most, 'escalations'):,} of {total}{_of_groups(answer, 'escalations')}.{left_out}"
    slow = [(median, name) for name, tally in of if (median := _spread(tally, "time_to_claim").median) is not None]
    # What reads alike is no longer than the rest to whoever reads it.
    if len({took(median) for median, _ in slow}) > 1:
        longest, slowest = max(slow)
        says += f" {'Of these, claims' if left_out else 'Claims'} take longest: {slowest}, half within {took(longest)}."
    heads = ("Escalations", "Claimed", "Half claimed within", "Half of first steps within", "Without a first step")
    return Shown(
        says=says,
        chart=bars([_amount(name, tally, "escalations", "claimed") for name, tally in of]),
        key="Filled: claimed by now. Outlined: not claimed.",
        heads=(plain(str(answer.question.group_by)).capitalize(), *heads),
        rows=[
            (
                name,
                *_counts(tally, "escalations", "claimed"),
                _median(tally, "time_to_claim"),
                _median(tally, "time_to_first_step"),
                *_counts(tally, "claimed_without_step"),
            )
            for name, tally in of
        ],
    )


def _by_hour(answer: Answer) -> Shown:
    counts = {int(one.key): _count(one.tally, "escalations") for one in answer.groups if one.key is not None}
    total = sum(counts.values())
    if not total:
        return Shown(says="Nothing was escalated in this time.")
    most = max(counts, key=lambda hour: counts[hour])
    day, hour = divmod(most, HOURS)
    return Shown(
        says=f"Most escalations of an hour are made on {_WEEKDAYS[day]} from {hour}:00 to {hour + 1}:00:"
        f" {counts[most]:,} of {total:,}{_as_many(counts.values())}. By the clock of {answer.question.period.time_zone}.",
        chart=week(counts),
        key="The stronger the colour of an hour, the more escalations were made in it.",
        heads=("From", *DAYS),
        rows=[(f"{hour}:00", *(f"{counts.get(day * HOURS + hour, 0):,}" for day in range(len(DAYS)))) for hour in range(HOURS)],
    )


def _came_back(answer: Answer) -> Shown:
    of = {words: _count(answer.total, name) for name, words in _BACK.items()}
    if not any(of.values()):
        return Shown(says="No claim lapsed or was given back, nothing was rerouted, and no session was reopened.")
    most = max(of, key=lambda name: of[name])
    return Shown(
        says=f"Most of what came back: {most.lower()}, {many(of[most], 'time', 'times')}{_as_many(of.values())}."
        f" There were {many(_count(answer.total, 'escalations'), 'escalation', 'escalations')}.",
        chart=bars([Amount(name=name, number=count, said=f"{count:,}") for name, count in of.items()]),
        heads=("What happened", "Times"),
        rows=[(name, f"{count:,}") for name, count in of.items()],
    )


def _gaps(answer: Answer) -> Shown:
    gaps = (answer.gaps or ())[:MOST]
    if not gaps:
        return Shown(says="Nothing came up twice that no tree fits.")
    first = gaps[0]
    return Shown(
        says=f"“{' '.join(first.words)}” came up {many(first.sessions, 'time', 'times')} and was escalated"
        f" {many(first.escalated, 'time', 'times')}, and no tree leads through it.",
        chart=bars(
            [
                Amount(
                    name=" ".join(one.words),
                    number=one.sessions,
                    said=f"{one.escalated:,} of {one.sessions:,} escalated",
                    filled=one.escalated,
                )
                for one in gaps
            ]
        ),
        key="Filled: escalated. Outlined: resolved without.",
        heads=("Words that they share", "Sessions", "Escalated"),
        rows=[(Link(" ".join(one.words), f"/sessions/{one.example_id}"), f"{one.sessions:,}", f"{one.escalated:,}") for one in gaps],
    )


def _by_tree(answer: Answer) -> Shown:
    of = _ranked(answer, "walks")
    if not of:
        return Shown(says="No session that was started in this time follows a tree.")
    walks, solved = _count(answer.total, "walks"), _count(answer.total, "solved")
    most = max(answer.groups, key=lambda one: _count(one.tally, "left"))
    left = _count(most.tally, "left")
    says = f"{many(walks, 'session follows', 'sessions follow')} a tree, and {solved:,} reached an end that says solved."
    if left:
        says += f" {most.label} is left most: work went on without it in {left:,} of {_count(most.tally, 'walks'):,}"
        says += f"{_of_groups(answer, 'left')}."
    return Shown(
        says=says,
        chart=bars([_amount(one.label, one.tally, "walks", "left") for one in of]),
        key="Filled: left before its end. Outlined: followed.",
        heads=("Tree", "Sessions", "Solved", "Escalated", "Left"),
        rows=[(Link(one.label, f"/library/trees/{one.key}"), *_counts(one.tally, "walks", "solved", "escalated", "left")) for one in of],
    )


def _by_node(answer: Answer) -> Shown:
    of = [one for one in _ranked(answer, "left") if _count(one.tally, "left")]
    if not of:
        return Shown(says="Nobody left a tree before its end.")
    return Shown(
        says=f"Most leave at “{of[0].label}”: {_count(of[0].tally, 'left'):,} of {_count(of[0].tally, 'reached'):,} who came there"
        f"{_of_groups(answer, 'left')}.",
        chart=bars([_amount(one.label, one.tally, "reached", "left") for one in of]),
        key="Filled: left there. Outlined: went on.",
        heads=("Node", "Came there", "Left there"),
        rows=[(Link(one.label, _node(one.key)), *_counts(one.tally, "reached", "left")) for one in of],
    )


def _node(group: str | None) -> str:
    """Where a node is read."""
    tree, _, node = (group or "").partition("/")
    return f"/library/trees/{tree}#node-{quote(node, safe='')}"


def _by_channel(answer: Answer) -> Shown:
    of = {CHANNELS.get(one.key or "", one.label): one.tally for one in answer.groups}  # Each channel once.
    told = {name: _words(tally, "told") for name, tally in of.items()}
    total = sum(sum(words.values()) for words in told.values())
    if not total:
        return Shown(says="Nobody was told of an escalation in this time.")
    arrived = {name: sum(count for word, count in words.items() if word.endswith(_ARRIVED)) for name, words in told.items()}
    dead = {name: sum(_words(tally, "dead").values()) for name, tally in of.items()}
    lost = sum(dead.values())
    return Shown(
        says=f"{many(total, 'message', 'messages')} told somebody of an escalation, and"
        f" {f'{lost:,} did not arrive' if lost else 'none was given up'}.",
        chart=bars(
            [
                Amount(
                    name=name,
                    number=sum(words.values()),
                    said=f"{arrived[name]:,} of {sum(words.values()):,} arrived",
                    filled=arrived[name],
                )
                for name, words in told.items()
            ]
        ),
        key="Filled: the channel has taken it. Outlined: it has not, or it was not needed any more.",
        heads=("Channel", "Messages", "Arrived", "Did not arrive", "Seen"),
        rows=[
            (name, f"{sum(told[name].values()):,}", f"{arrived[name]:,}", f"{dead[name]:,}", *_counts(tally, "seen"))
            for name, tally in of.items()
        ],
    )


def _lost(answer: Answer) -> Shown:
    of = sorted(_words(answer.total, "dead").items(), key=lambda one: (-one[1], one[0]))[:MOST]
    if not of:
        return Shown(says="No message was given up.")
    return Shown(
        says=f"Most were given up for this: {of[0][0]}{_as_many(_words(answer.total, 'dead').values())}.",
        chart=bars([Amount(name=reason, number=count, said=f"{count:,}") for reason, count in of]),
        heads=("What was said last", "Messages"),
        rows=[(reason, f"{count:,}") for reason, count in of],
    )


def _assessments(answer: Answer) -> Shown:
    made = sum(_words(answer.total, "assessments").values())
    if not made:
        return Shown(says="No assessment was asked for in this time.")
    of = {words: _count(answer.total, verdict) for verdict, words in _VERDICTS.items()}
    said = ", ".join(f"{count:,} {words.lower()}" for words, count in of.items())
    return Shown(
        says=f"{many(made, 'assessment was', 'assessments were')} asked for. Colleagues found {said}.",
        chart=bars([Amount(name=words, number=count, said=f"{count:,}") for words, count in of.items()]) if any(of.values()) else None,
        heads=("What colleagues say", "Times"),
        rows=[(words, f"{count:,}") for words, count in of.items()],
    )


def _suggestions(answer: Answer) -> Shown:
    of = _named(answer, "suggestions")
    if not of:
        return Shown(says="No next step was suggested in this time.")
    made = many(_count(answer.total, "suggestions"), "suggestion", "suggestions")
    accepted, rejected = _count(answer.total, "accepted"), _count(answer.total, "rejected")
    return Shown(
        says=f"{accepted:,} of {made} became a step, {rejected:,} were rejected.",
        chart=bars([_amount(name, tally, "suggestions", "accepted") for name, tally in of]),
        key="Filled: became a step. Outlined: did not.",
        heads=("Made by", "Suggestions", "Accepted", "Rejected"),
        rows=[(name, *_counts(tally, "suggestions", "accepted", "rejected")) for name, tally in of],
    )


def _claimers(answer: Answer) -> Shown:
    of = _named(answer, "claimed")
    if not of:
        return Shown(says="Nothing that was escalated in this time is claimed.")
    first, most = of[0]
    return Shown(
        says=f"{first} took the most: {_count(most, 'claimed'):,} of {many(_count(answer.total, 'claimed'), 'claim', 'claims')}"
        f"{_of_groups(answer, 'claimed')}.{_left_out(answer, of, 'claimed')}",
        chart=bars([_amount(name, tally, "claimed") for name, tally in of]),
        heads=("Who", "Claims", "Half claimed within", "Half of first steps within", "Without a first step"),
        rows=[
            (
                name,
                *_counts(tally, "claimed"),
                _median(tally, "time_to_claim"),
                _median(tally, "time_to_first_step"),
                *_counts(tally, "claimed_without_step"),
            )
            for name, tally in of
        ],
    )


def _escalators(answer: Answer) -> Shown:
    of = _named(answer, "escalations")
    if not of:
        return Shown(says="Nothing was escalated in this time.")
    verdicts = {verdict: _count(answer.total, f"verdicts.{verdict}") for verdict in Verdict}
    said = ", ".join(f"{count:,} {verdict}" for verdict, count in verdicts.items())
    return Shown(
        says=f"{many(_count(answer.total, 'escalations'), 'escalation', 'escalations')}; of those that are claimed, claimers called {said}."
        + _left_out(answer, of, "escalations"),
        chart=bars([_amount(name, tally, "escalations") for name, tally in of]),
        heads=("Who", "Escalations", *(verdict.capitalize() for verdict in Verdict)),
        rows=[(name, *_counts(tally, "escalations", *(f"verdicts.{verdict}" for verdict in Verdict))) for name, tally in of],
    )


def _assignees(answer: Answer) -> Shown:
    groups = sorted(answer.groups, key=lambda one: -_sessions(one.tally))[:MOST]
    of = [(one.label, one.tally) for one in groups if _sessions(one.tally)]
    if not of:
        return Shown(says="No session was started in this time.")
    alone = _count(answer.total, "resolved_without_escalation")
    return Shown(
        says=f"{many(_sessions(answer.total), 'session was', 'sessions were')} started, and {alone:,} resolved without an escalation.",
        chart=bars(
            [
                Amount(
                    name=name,
                    number=_sessions(tally),
                    said=f"{_count(tally, 'resolved_without_escalation'):,} of {_sessions(tally):,}",
                    filled=_count(tally, "resolved_without_escalation"),
                )
                for name, tally in of
            ]
        ),
        key="Filled: resolved without an escalation. Outlined: all others.",
        heads=("Who", "Sessions", "Resolved without escalation", "Steps", "Half resolved within"),
        rows=[
            (name, f"{_sessions(tally):,}", *_counts(tally, "resolved_without_escalation", "steps"), _median(tally, "time_to_resolve"))
            for name, tally in of
        ],
    )


def _sessions(tally: Tally) -> int:
    return sum(_words(tally, "sessions").values())


def _posts(answer: Answer) -> Shown:
    of = {plain(one.label).capitalize(): one.tally for one in answer.groups}  # Each kind once.
    posts = {name: _words(tally, "posts") for name, tally in of.items()}
    total = sum(sum(words.values()) for words in posts.values())
    if not total:
        return Shown(says="Nothing was to be put on a ticket in this time.")
    done = {name: sum(count for word, count in words.items() if word.endswith("_posted")) for name, words in posts.items()}
    dead = {name: sum(count for word, count in words.items() if word.endswith("_dead")) for name, words in posts.items()}
    hours = _count(answer.total, "hours_booked") / 60
    return Shown(
        says=f"{many(total, 'post', 'posts')} for tickets, {sum(dead.values()):,} of them given up. Hours entered: {hours:,.1f}.",
        chart=bars(
            [
                Amount(name=name, number=sum(words.values()), said=f"{done[name]:,} of {sum(words.values()):,} posted", filled=done[name])
                for name, words in posts.items()
            ]
        ),
        key="Filled: posted. Outlined: not posted.",
        heads=("What it tells", "Posts", "Posted", "Given up", "Half posted within"),
        rows=[
            (name, f"{sum(words.values()):,}", f"{done[name]:,}", f"{dead[name]:,}", _median(of[name], "time_to_post"))
            for name, words in posts.items()
        ],
    )


_ARRIVED: Final = tuple(f"_{state}" for state in REACHED)
_WEEKDAYS: Final = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
_BACK: Final = MappingProxyType(
    {"reroutes": "Rerouted", "lapsed": "Claims that lapsed", "unclaimed": "Claims given back", "reopened": "Sessions reopened"}
)
_VERDICTS: Final = MappingProxyType(
    {FeedbackVerdict.USEFUL: "Useful", FeedbackVerdict.WRONG: "Wrong", FeedbackVerdict.MISSING: "Missing something"}
)
PLANS: Final[Mapping[str, Sequence[Plan]]] = MappingProxyType(
    {
        "After the claim": (Plan(title="Time to the first step", of=(Subject.ESCALATIONS, None), show=_first_steps),),
        "Escalations and claims": (
            Plan(title="Escalations over time", of=(Subject.ESCALATIONS, GroupBy.DAY), show=_by_time),
            Plan(title="Time to claim", of=(Subject.ESCALATIONS, None), show=_claims),
        ),
        "Team, priority, client and hour": (
            Plan(title="Escalations by team", of=(Subject.ESCALATIONS, GroupBy.TEAM), show=_by_group),
            Plan(title="Escalations by priority", of=(Subject.ESCALATIONS, GroupBy.PRIORITY), show=_by_group),
            Plan(title="Escalations by client", of=(Subject.ESCALATIONS, GroupBy.CLIENT), show=_by_group),
            Plan(title="Escalations by hour of the week", of=(Subject.ESCALATIONS, GroupBy.HOUR_OF_WEEK), show=_by_hour),
        ),
        "What comes again and again": (
            Plan(title="What came back", of=(Subject.ESCALATIONS, None), show=_came_back),
            Plan(title="What comes again without a tree", of=(Subject.KNOWLEDGE, None), show=_gaps, rows="gaps"),
        ),
        "Trees": (
            Plan(title="How trees are followed", of=(Subject.KNOWLEDGE, GroupBy.TREE), show=_by_tree),
            Plan(title="Where trees are left", of=(Subject.KNOWLEDGE, GroupBy.NODE), show=_by_node),
        ),
        "Messages": (
            Plan(title="Messages by channel", of=(Subject.DELIVERIES, GroupBy.CHANNEL), show=_by_channel),
            Plan(title="Why messages did not arrive", of=(Subject.DELIVERIES, GroupBy.CHANNEL), show=_lost),
        ),
        "The assistant": (
            Plan(title="Assessments", of=(Subject.ASSISTANT, GroupBy.PROVIDER), show=_assessments),
            Plan(title="Suggestions", of=(Subject.ASSISTANT, GroupBy.PROVIDER), show=_suggestions),
        ),
        "People": (
            Plan(title="Who claims", of=(Subject.ESCALATIONS, GroupBy.CLAIMER), show=_claimers),
            Plan(title="Who escalates", of=(Subject.ESCALATIONS, GroupBy.ESCALATOR), show=_escalators),
            Plan(title="Who works on sessions", of=(Subject.WORK, GroupBy.ASSIGNEE), show=_assignees),
        ),
        "Ticket systems": (Plan(title="What was put on tickets", of=(Subject.PSA, GroupBy.KIND), show=_posts),),
    }
)
"""All charts. What is by day may be by week or month, where a time is long."""


def _count(tally: Tally, name: str) -> int:
    return tally.counts.get(name, 0)


def _counts(tally: Tally, *names: str) -> tuple[str, ...]:
    return tuple(f"{_count(tally, name):,}" for name in names)


def _words(tally: Tally, figure: str) -> Mapping[str, int]:
    """The counts of a figure that has one for each of several words."""
    return {name.partition(".")[2]: count for name, count in tally.counts.items() if name.startswith(f"{figure}.") and count}


def _spread(tally: Tally, name: str) -> Spread:
    return tally.spreads.get(name, Spread())


def _median(tally: Tally, name: str) -> str:
    median = _spread(tally, name).median
    return "none" if median is None else took(median)


def _amount(name: str, tally: Tally, number: str, filled: str | None = None) -> Amount:
    all_ = _count(tally, number)
    if filled is None:
        return Amount(name=name, number=all_, said=f"{all_:,}")
    some = _count(tally, filled)
    return Amount(name=name, number=all_, said=f"{some:,} of {all_:,} {filled}", filled=some)


def _ranked(answer: Answer, figure: str) -> list[Group]:
    """The groups with the most of it."""
    some = [one for one in answer.groups if _count(one.tally, figure)]
    return sorted(some, key=lambda one: -_count(one.tally, figure))[:MOST]


def _named(answer: Answer, figure: str) -> list[tuple[str, Tally]]:
    """The groups with the most of it, with what a page calls them."""
    of = answer.question.group_by
    return [(_name(of, one), one.tally) for one in _ranked(answer, figure)]


def _name(of: GroupBy | None, group: Group) -> str:
    if group.key is None:
        return NONE.get(of, group.label)
    return group.label.capitalize() if of is GroupBy.PRIORITY else group.label


def _as_many(counts: Iterable[int]) -> str:
    """What to say after the largest where it is not the only one: whoever stands first is no more than the others."""
    every = list(counts)
    others = every.count(max(every)) - 1
    return f", as many as {many(others, 'other', 'others')}" if others else ""


def _of_groups(answer: Answer, figure: str) -> str:
    """The same, of all groups."""
    return _as_many(_count(one.tally, figure) for one in answer.groups)


def _left_out(answer: Answer, shown: Sequence[object], figure: str) -> str:
    all_ = sum(bool(_count(one.tally, figure)) for one in answer.groups)
    return f" Of {all_:,}, those {len(shown)} with the most are shown." if all_ > len(shown) else ""


def _id(title: str) -> str:
    return title.lower().replace(",", "").replace(" ", "-")
