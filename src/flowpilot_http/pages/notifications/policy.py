"""Settings: whom to tell, and when, while nobody takes an escalation; and who that would be."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from flowpilot_core.domain.kernel.actor import Person, Role
from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.notifications.delivery import Channel
from flowpilot_core.domain.notifications.escalation_policy import Whom
from flowpilot_core.domain.sessions.session import Priority
from flowpilot_http.pages.colleagues import Colleagues
from flowpilot_http.pages.handoffs.telling import HOW
from flowpilot_http.pages.moves import Moves, Shown, form_of
from flowpilot_http.pages.page_request import Visit
from flowpilot_http.pages.settings import settings_page, shown_as
from flowpilot_http.schemas.notifications.escalation_policy import DueIO, PolicyIO, PolicyStepIO, PreviewOut, TargetIO

move: Final = Moves()
MOST: Final = 6
"""Steps on the page; an account may have more by the API."""
_MINUTE: Final = 60
NAMES: Final = {"team": "team_id", "role": "role", "person": "user_id"}
"""What names whom a target is, by its kind; the others need no name."""

Policy: Final[Any] = form_of(
    "Policy",
    *((f"due_{priority}", int | None, None) for priority in Priority),
    ("quiet", int | None, None),
    ("shown", str, ""),
    ("priority", Priority, Priority.NORMAL),
    *((f"{name}_{number}", int | None, None) for number in range(1, MOST + 1) for name in ("after", "repeats", "every")),
    *((f"whom_{number}", list[str], msgspec.field(default_factory=list)) for number in range(1, MOST + 1)),
    *((f"channels_{number}", list[Channel], msgspec.field(default_factory=list)) for number in range(1, MOST + 1)),
)
"""In minutes, as people think of it; a step without a time is none."""


@move("set", Policy)
async def set_policy(request: Visit, person: Person, form: Any) -> Shown | None:
    """For what is escalated from now on, and the steps still to come of what waits; unless somebody else has set another one meanwhile."""
    wanted, now = await _policy(request, person, form), PolicyIO.of(await request.flowpilot.escalation.policy(person))
    if form.shown not in ("", shown_as(now)) and wanted != now:
        return {"stale": now, "policy": wanted}
    policy = wanted.policy()
    await request.do(form, lambda change: request.flowpilot.escalation.set_policy(person, policy, request=change))
    return None


@move("preview", Policy)
async def preview_policy(request: Visit, person: Person, form: Any) -> Shown:
    """Who would be told what and when, before it is kept."""
    wanted = await _policy(request, person, form)
    foreseen = await request.flowpilot.escalation.preview_policy(person, wanted.policy(), priority=form.priority)
    return {"preview": PreviewOut.of(foreseen), "policy": wanted, "priority": form.priority}


async def _policy(request: Visit, person: Person, form: Any) -> PolicyIO:
    before = PolicyIO.of(await request.flowpilot.escalation.policy(person))
    steps = [_step(form, number) for number in range(1, MOST + 1) if getattr(form, f"after_{number}") is not None]
    return PolicyIO(
        steps=[*steps, *before.steps[MOST:]],
        teams=before.teams,
        due_seconds=DueIO(**{str(priority): _seconds(getattr(form, f"due_{priority}")) for priority in Priority}),
        claim_quiet_minutes=form.quiet,
    )


def _step(form: Any, number: int) -> PolicyStepIO:
    def of(name: str) -> Any:
        return getattr(form, f"{name}_{number}")

    return PolicyStepIO(
        after_seconds=of("after") * _MINUTE,
        whom=[_target(f"whom_{number}", text) for text in of("whom")],
        channels=of("channels"),
        repeats=of("repeats") or 0,
        every_seconds=_seconds(of("every")),
    )


def _target(field: str, text: str) -> TargetIO:
    kind, _, which = text.partition(" ")
    try:
        return msgspec.convert({"kind": kind, **({NAMES[kind]: which} if kind in NAMES else {})}, TargetIO)
    except msgspec.ValidationError:
        raise InvalidValue(field, "is nobody that there is") from None


def _named(targets: Sequence[TargetIO]) -> list[str]:
    return [f"{one.kind} {one.team_id or one.role or one.user_id or ''}".strip() for one in targets]


def _seconds(minutes: int | None) -> int | None:
    return None if minutes is None else minutes * _MINUTE


async def _facts(request: Visit, person: Person) -> Shown:
    colleagues = await Colleagues.of(request, person)
    policy = PolicyIO.of(await request.flowpilot.escalation.policy(person))
    return {
        "policy": policy,
        "shown_as": shown_as(policy),
        "most": MOST,
        "minute": _MINUTE,
        "named": _named,
        "whom": [
            (str(Whom.ON_DUTY), "Whoever is on duty"),
            (str(Whom.EVERYBODY), "Everybody"),
            *((f"role {role}", f"Every {role}") for role in Role if role is not Role.VIEWER),
            *((f"team {team_id}", f"Team {name}") for team_id, name in colleagues.teams),
            *((f"person {user_id}", name) for user_id, name in colleagues.people),
        ],
        "channels": [(channel, HOW[channel]) for channel in Channel],
        "how": HOW,
        "priorities": [(priority, priority.capitalize()) for priority in reversed(Priority)],
    }


ROUTES = settings_page("policy", _facts, move)
