"""The form in which a schedule is written, a new one and one that is there."""

import asyncio
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID
from zoneinfo import available_timezones

from attrs import evolve

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import InvalidValue, InvalidValues
from flowpilot_core.domain.kernel.identifiers import TreeId, UserId
from flowpilot_core.domain.kernel.name import optional_name
from flowpilot_core.domain.kernel.permissions import Permission, require_role
from flowpilot_core.domain.knowledge.parameter import Value
from flowpilot_core.domain.knowledge.rating import Subject
from flowpilot_core.domain.knowledge.template import TemplateState
from flowpilot_core.domain.maintenance.rule import WEEKDAYS
from flowpilot_core.domain.maintenance.schedule import CatchUp, Plan, Schedule, Target, local_time
from flowpilot_core.ports.knowledge import GalleryFilter, TreeFilter
from flowpilot_http.pages.colleagues import Choice, Colleagues
from flowpilot_http.pages.knowledge.parameters import GIVEN, said_values, values
from flowpilot_http.pages.moves import Made, Moves, Shown, form_of, formed, typed
from flowpilot_http.pages.page_request import OfAccount, Visit
from flowpilot_http.pages.sessions.walking import ToFollow
from flowpilot_http.responses import Body

from .room import MAINTENANCE, NEW, SCHEDULE, SCHEDULES, maintained
from .schedule import LATE, followed

EDIT: Final = f"{SCHEDULE}/edit"
MOST_TREES: Final = 200
BY_RULE: Final = "rule"
REPEATS: Final = (
    ("once", "Once"),
    ("daily", "Every day"),
    ("weekly", "Every week"),
    ("monthly", "Every month, on the same day of it"),
    (BY_RULE, "By a rule"),
)
RULES: Final[Mapping[str, str | None]] = {"once": None, "daily": "FREQ=DAILY", "weekly": "FREQ=WEEKLY", "monthly": "FREQ=MONTHLY"}
DAYS: Final = tuple(
    (f"on_{day.lower()}", day, name)
    for day, name in zip(WEEKDAYS, ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"), strict=True)
)
"""Each with its field, as a rule has it, and in words."""
FIELDS: Final = {"tree_id": "tree", "assignee_id": "assignee", "duration_minutes": "minutes"}
"""What the core calls otherwise than the form does."""
APART: Final = "|"
"""What stands in a line between a machine and its client."""
NOTE: Final = ">"
"""What a line begins with that is noted of the machine above it."""
AS_IT_IS: Final = "\\"
"""What a line begins with whose machine is called as if it were a note."""
_NEW_LINE: Final = re.compile(r"\r\n?|\n")
_EVERY_WEEK: Final = re.compile(rf"FREQ=WEEKLY(?:;BYDAY=((?:{'|'.join(WEEKDAYS)})(?:,(?:{'|'.join(WEEKDAYS)}))*))?")
_TO_THE_MINUTE: Final = len("2027-03-01T22:00")

Written: Final[Any] = form_of(
    "Written",
    ("version", int | None, None),
    ("name", str, ""),
    ("client", str | None, None),
    ("targets", str, ""),
    ("tree", UUID | None, None),
    ("asked_by", UUID | None, None),
    *GIVEN,
    ("starts_at", str, ""),
    ("time_zone", str, ""),
    ("minutes", str, ""),
    ("repeats", Literal[tuple(name for name, _ in REPEATS)], "once"),
    *((field, bool, False) for field, _, _ in DAYS),
    ("rrule", str | None, None),
    ("assignee", UUID | None, None),
    ("quiet", bool, False),
    ("catch_up", CatchUp, CatchUp.SKIP),
    ("active", bool, False),
)
"""A schedule as one writes it; `asked_by` is the tree whose parameters stood in the form."""


async def _new(request: Visit, made: Shown, refusal: Exception | None) -> Body:
    person = request.person_for((await request.wanted(OfAccount)).account)
    preferences = await request.flowpilot.escalation.preferences(person)
    begun = {
        "time_zone": preferences.hours.time_zone,
        "minutes": "60",
        "repeats": "once",
        "assignee": str(person.user_id),
        "catch_up": CatchUp.SKIP,
        "active": "true",
    }
    return await _shown(request, person, None, begun, made, refusal)


async def _edited(request: Visit, made: Shown, refusal: Exception | None) -> Body:
    person = request.person_for((await request.wanted(OfAccount)).account)
    schedule = await request.flowpilot.maintenance.get(person, request.schedule_id)
    return await _shown(request, person, schedule, said_of(schedule.plan), made, refusal)


async def _shown(
    request: Visit, person: Person, schedule: Schedule | None, said: Mapping[str, str], made: Shown, refusal: Exception | None
) -> Body:
    require_role(person, Permission.MANAGE_MAINTENANCE)
    filled = await typed(request) if refusal else said
    colleagues, trees, follows = await asyncio.gather(
        Colleagues.of(request, person), _trees(request, person, schedule), _follows(request, person, filled.get("tree", ""))
    )
    if refusal is None:
        given = dict(schedule.plan.parameters) if schedule else {}
    else:
        given = dict[str, Value](said_values(filled)) if filled.get("asked_by") == filled.get("tree") else {}
    people = list(colleagues.people)
    if schedule and schedule.plan.assignee_id not in dict(people):
        people.append((schedule.plan.assignee_id, f"{colleagues.names.get(schedule.plan.assignee_id, 'somebody')}, who left"))
    return await maintained(
        request,
        "maintenance_plan.html",
        made,
        refusal,
        schedule=schedule,
        said=defaultdict(str, said),
        follows=follows,
        given=given,
        wrong=defaultdict(str, _wrong(refusal)),
        people=people,
        trees=trees,
        repeats=REPEATS,
        week=DAYS,
        late=LATE,
        zones=sorted(available_timezones()),
    )


def _wrong(refusal: Exception | None) -> Mapping[str, str]:
    """What is wrong, by the field of the form."""
    problems = refusal.problems if isinstance(refusal, InvalidValues) else (refusal,) if isinstance(refusal, InvalidValue) else ()
    found = {}
    for one in problems:
        field, *within = one.field.split(".")
        problem = f"target {int(within[0]) + 1} {one.problem}" if field == "targets" and within else one.problem
        found[one.field if field == "parameters" else FIELDS.get(field, field)] = f"{problem[:1].upper()}{problem[1:]}."
    return found


async def _follows(request: Visit, person: Person, tree: str) -> ToFollow | None:
    try:
        return await followed(request, person, UUID(tree))
    except ValueError:
        return None


async def _given(request: Visit, person: Person, form: Any) -> Mapping[str, Value] | None:
    """What the form gives the tree; None where nobody can tell what that asks for. Raises `InvalidValue` where it was not asked for yet."""
    follows = None if form.tree is None else await followed(request, person, form.tree)
    if follows is None:
        return None
    if follows.content.parameters and form.asked_by != form.tree:
        raise InvalidValue("tree", "asks for what stands below it: fill that in, and save")
    return values(follows.content.parameters, form)


async def _trees(request: Visit, person: Person, schedule: Schedule | None) -> Sequence[Choice]:
    """What the account has published, and what the platform shows; with the one that is followed so far, whatever became of it."""
    own = await request.flowpilot.trees.list(person, TreeFilter(state=TemplateState.PUBLISHED), after=None, limit=MOST_TREES)
    shown = await request.flowpilot.gallery.list(person, GalleryFilter(subject=Subject.TREE), after=None, limit=MOST_TREES)
    found = {TreeId(one.entry.id): f"{one.name} (platform)" for one in shown} | {one.tree.id: one.tree.name for one in own[0]}
    so_far = schedule.plan.tree if schedule else None
    if so_far and so_far.id not in found:
        follows = await followed(request, person, so_far.id)
        found[so_far.id] = follows.tree.name if follows else "what cannot be read any more"
    return [("", "None"), *sorted(found.items(), key=lambda choice: choice[1].casefold())]


def said_of(plan: Plan) -> dict[str, str]:
    """A plan as the form says it; what is not ticked is not there."""
    client = plan.clients[0] if plan.clients and all(one.client_name == plan.clients[0] for one in plan.targets) else ""
    weekly = _EVERY_WEEK.fullmatch(plan.rrule or "")
    repeats = "weekly" if weekly else next((name for name, rule in RULES.items() if rule == plan.rrule), BY_RULE)
    days = (weekly[1] or "").split(",") if weekly else ()
    return {
        "name": plan.name,
        "client": client,
        "targets": "\n".join(line for one in plan.targets for line in _lines(one, client)),
        "tree": str(plan.tree.id) if plan.tree else "",
        "starts_at": plan.starts_at.isoformat(),
        "time_zone": plan.time_zone,
        "minutes": str(plan.duration // timedelta(minutes=1)),
        "repeats": repeats,
        **{field: "true" for field, day, _ in DAYS if day in days},
        "rrule": (plan.rrule or "") if repeats == BY_RULE else "",
        "assignee": str(plan.assignee_id),
        "catch_up": plan.catch_up,
        **({"quiet": "true"} if plan.quiet else {}),
        **({"active": "true"} if plan.active else {}),
    }


def _lines(target: Target, client: str) -> Iterator[str]:
    own = target.client_name or ""
    label = f"{AS_IT_IS}{target.label}" if target.label.startswith((NOTE, AS_IT_IS)) else target.label
    if own != client:
        yield f"{label} {APART} {own}"
    else:
        yield f"{label} {APART}" if APART in label else label
    if target.notes is not None:
        yield from (f"{NOTE} {line}" for line in target.notes.split("\n"))


def targets_of(text: str, client: str | None) -> tuple[Target, ...]:
    """What the lines name, each of the client that stands in it, or of `client`, with the notes below it. Raises `InvalidValue`."""
    found: list[Target] = []
    for line in filter(None, map(str.strip, _NEW_LINE.split(text))):
        if line.startswith(NOTE):
            if not found:
                raise InvalidValue("targets", f"must begin with one: what stands after {NOTE} is noted of the one above")
            noted, last = line.removeprefix(NOTE).removeprefix(" "), found.pop()
            found.append(evolve(last, notes=noted if last.notes is None else f"{last.notes}\n{noted}"))
            continue
        named, apart, own = line.rpartition(APART)
        label = (named.strip() if apart else line).removeprefix(AS_IT_IS)
        found.append(Target(label=label, client_name=own.strip() or client if apart else client))
    return tuple(found)


def fields_of(form: Any) -> dict[str, Any]:
    """What a plan is made of, what it follows apart. Raises `InvalidValue`."""
    if form.assignee is None:
        raise InvalidValue("assignee", "must be chosen")
    return {
        "name": form.name,
        "targets": targets_of(form.targets, optional_name(form.client, "client")),
        "starts_at": _starts_at(form.starts_at),
        "time_zone": form.time_zone,
        "rrule": _rule(form),
        "duration": _duration(form.minutes),
        "assignee_id": UserId(form.assignee),
        "quiet": form.quiet,
        "catch_up": form.catch_up,
        "active": form.active,
    }


def _starts_at(text: str) -> datetime:
    # A browser leaves out seconds that are none.
    return local_time("starts_at", f"{text}:00" if len(text) == _TO_THE_MINUTE else text)


def _duration(text: str) -> timedelta:
    try:
        return timedelta(minutes=int(text))
    except (ValueError, OverflowError):
        raise InvalidValue("minutes", "must be a whole number of minutes") from None


def _rule(form: Any) -> str | None:
    if form.repeats == BY_RULE:
        if not form.rrule:
            raise InvalidValue("rrule", "must be given, such as FREQ=MONTHLY;BYDAY=2TU")
        return str(form.rrule)
    if form.rrule:
        raise InvalidValue("rrule", "is for “By a rule”: choose that, or leave it empty")
    days = [day for field, day, _ in DAYS if getattr(form, field)]
    rule = RULES[form.repeats]
    return f"{rule};BYDAY={','.join(days)}" if form.repeats == "weekly" and days else rule


write: Final = Moves()
rewrite: Final = Moves()


@write("save", Written)
async def add_schedule(request: Visit, person: Person, form: Any) -> Made:
    """One more, which is read next."""
    parameters = await _given(request, person, form) or {}
    plan, tree_id = Plan(**fields_of(form), parameters=parameters), None if form.tree is None else TreeId(form.tree)
    maintenance = request.flowpilot.maintenance
    added = await request.do(form, lambda change: maintenance.add(person, plan, tree_id=tree_id, request=change))
    return f"{SCHEDULES}/{added.id}" if added else MAINTENANCE


@rewrite("save", Written)
async def change_schedule(request: Visit, person: Person, form: Any) -> Made:
    """Unless somebody else has changed it meanwhile."""
    maintenance = request.flowpilot.maintenance
    plan = (await maintenance.get(person, request.schedule_id)).plan
    changes, given = fields_of(form), await _given(request, person, form)
    if given is not None:
        changes["parameters"] = given
    if form.tree != (plan.tree.id if plan.tree else None):
        changes["tree_id"] = form.tree
    await request.do(form, lambda change: maintenance.change(person, request.schedule_id, changes, request=change), version=form.version)
    return f"{SCHEDULES}/{request.schedule_id}"


ROUTES = (*formed(NEW, _new, write), *formed(EDIT, _edited, rewrite))
