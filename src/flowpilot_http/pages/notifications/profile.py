"""Settings: when I work, and how I want to be told."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any, Final
from zoneinfo import available_timezones

import msgspec

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.permissions import Permission, permits
from flowpilot_core.domain.notifications.delivery import PERSONAL, Channel
from flowpilot_core.domain.notifications.working_hours import Weekday
from flowpilot_http.pages.handoffs.telling import FAR, HOW
from flowpilot_http.pages.moves import Move, Moves, Shown, form_of
from flowpilot_http.pages.page_request import Visit
from flowpilot_http.pages.settings import settings_page
from flowpilot_http.schemas.insights import WeeklyDigestOut
from flowpilot_http.schemas.notifications.escalation_policy import ChannelsIO, OtherDayIO, PreferencesIO, ShiftIO, SpanIO

move: Final = Moves()
_SPAN: Final = re.compile(r"(\d\d:\d\d)\s*-\s*(\d\d:\d\d)")
_MINUTE: Final = 60
KINDS: Final = (
    ("escalated", "Somebody asks for help"),
    ("reminder", "It still waits"),
    ("lapse_warning", "A claim of mine goes quiet"),
    ("wake_up", "Something I parked is due"),
    ("debrief", "What I escalated was solved"),
)

Prefer: Final[Any] = form_of(
    "Prefer",
    ("time_zone", str, "UTC"),
    ("always", bool, False),
    *((f"on_{day.name.lower()}", str, "") for day in Weekday),
    ("other_days", str, ""),
    ("quiet_from", str, ""),
    ("quiet_to", str, ""),
    ("mail_after", int | None, None),
    *((kind, list[Channel], msgspec.field(default_factory=list)) for kind, _ in KINDS),
)
"""As one writes it: hours like `09:00-12:00, 13:00-17:00`."""


@move("prefer", Prefer)
async def prefer(request: Visit, person: Person, form: Any) -> None:
    """Messages that wait included."""
    shifts = [
        ShiftIO(day=day, start=span.start, end=span.end)
        for day in Weekday
        for span in _spans(f"on_{day.name.lower()}", getattr(form, f"on_{day.name.lower()}"))
    ]
    preferences = PreferencesIO(
        time_zone=form.time_zone,
        working_hours=None if form.always else shifts,
        other_days=[_other_day(line) for line in form.other_days.splitlines() if line.strip()],
        quiet_hours=SpanIO(start=form.quiet_from, end=form.quiet_to) if form.quiet_from and form.quiet_to else None,
        channels=ChannelsIO(**{kind: getattr(form, kind) for kind, _ in KINDS}),
        mail_after_seconds=None if form.mail_after is None else form.mail_after * _MINUTE,
    ).preferences(person.user_id)
    await request.do(form, lambda change: request.flowpilot.escalation.prefer(person, preferences, request=change))


class WantDigest(Move, kw_only=True, frozen=True):
    """Whether they are mailed the figures of each week."""

    weekly_digest: bool = False


@move("digest", WantDigest)
async def want_digest(request: Visit, person: Person, form: WantDigest) -> None:
    """From now on."""
    await request.do(form, lambda change: request.flowpilot.weekly_digests.want(person, form.weekly_digest, request=change))


async def _facts(request: Visit, person: Person) -> Shown:
    told = PreferencesIO.of(await request.flowpilot.escalation.preferences(person))
    digests, may_have = request.flowpilot.weekly_digests, permits(person, Permission.HAVE_WEEKLY_DIGEST, ())
    spans: dict[Weekday, list[SpanIO]] = {day: [] for day in Weekday}
    for shift in told.working_hours or ():
        spans[shift.day].append(shift)
    return {
        "preferences": told,
        "days": [(f"on_{day.name.lower()}", day.name.capitalize(), _said(spans[day])) for day in Weekday],
        "other_days": "\n".join(f"{other.date} {_said(other.hours)}".strip() for other in told.other_days),
        "mail_after": "" if told.mail_after_seconds is None else told.mail_after_seconds // _MINUTE,
        "kinds": KINDS,
        "channels": [(channel, HOW[channel]) for channel in sorted(PERSONAL)],
        "zones": sorted(available_timezones()),
        "digest": WeeklyDigestOut.of(await digests.get(person)) if may_have else None,
        "far": FAR,
    }


def _spans(field: str, text: str) -> Sequence[SpanIO]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    found = [_SPAN.fullmatch(part) for part in parts]
    if not all(found):
        raise InvalidValue(field, "must be hours such as 09:00-12:00, 13:00-17:00")
    return [SpanIO(start=one[1], end=one[2]) for one in found if one]


def _other_day(line: str) -> OtherDayIO:
    day, _, hours = line.strip().partition(" ")
    try:
        return OtherDayIO(date=date.fromisoformat(day), hours=[*_spans("other_days", hours)])
    except ValueError:
        raise InvalidValue("other_days", "must be days such as 2027-12-25, each with its hours or none") from None


def _said(spans: Sequence[SpanIO]) -> str:
    return ", ".join(f"{span.start}-{span.end}" for span in spans)


ROUTES = settings_page("profile", _facts, move)
