"""What the forms of a session's page do: each button is named after its move, and its form holds what the move needs."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from flowpilot_core.domain.handoffs.handoff import Intent
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.identifiers import BranchId, OutputId, StepId, SuggestionId, TeamId, UserId
from flowpilot_core.domain.outputs.output import OutputKind
from flowpilot_core.domain.sessions.branch import MOST_OPTIONS, Option, Outcome
from flowpilot_core.domain.sessions.feedback import Thumb
from flowpilot_core.domain.sessions.session import Priority
from flowpilot_core.domain.sessions.step import StepKind, StepResult
from flowpilot_http.pages.moves import Move, Moves, form_of
from flowpilot_http.pages.page_request import Visit

move: Final = Moves()
"""By the names of the buttons."""


class NewStep(Move, kw_only=True, frozen=True):
    """What was asked, done or seen."""

    content: str = ""
    kind: StepKind = StepKind.ACTION
    evidence: str | None = None


@move("step", NewStep)
async def add_step(request: Visit, person: Person, form: NewStep) -> None:
    """In the active branch."""
    sessions = request.flowpilot.sessions
    await request.do(
        form,
        lambda change: sessions.add_step(
            person, request.session_id, kind=form.kind, content=form.content, evidence=form.evidence, request=change
        ),
    )


class OfStep(Move, kw_only=True, frozen=True):
    """What came of a step, or what it is worth: its id, and the word."""

    step: str

    @property
    def which(self) -> StepId:
        """The step."""
        return StepId(_id("step", self.step.partition(" ")[0]))

    @property
    def word(self) -> str:
        """What is said of it."""
        return self.step.partition(" ")[2]


@move("result", OfStep)
async def set_result(request: Visit, person: Person, form: OfStep) -> None:
    """By one click."""
    result = _one(StepResult, "result", form.word) if form.word else None
    sessions = request.flowpilot.sessions
    await request.do(form, lambda change: sessions.set_result(person, request.session_id, form.which, result=result, request=change))


@move("rate", OfStep)
async def rate_step(request: Visit, person: Person, form: OfStep) -> None:
    """Good or bad."""
    thumb = Thumb.UP if form.word == "good" else Thumb.DOWN
    sessions = request.flowpilot.sessions
    await request.do(form, lambda change: sessions.rate_step(person, request.session_id, form.which, thumb=thumb, request=change))


class OfBranch(Move, kw_only=True, frozen=True):
    """Which branch."""

    branch: UUID


@move("branch", OfBranch)
async def activate_branch(request: Visit, person: Person, form: OfBranch) -> None:
    """Go on in it."""
    sessions = request.flowpilot.sessions
    await request.do(form, lambda change: sessions.activate_branch(person, request.session_id, BranchId(form.branch), request=change))


Fork: Final[Any] = form_of(
    "Fork",
    ("step", UUID),
    ("reason", str, ""),
    *((f"{name}_{number}", str, "") for number in range(1, MOST_OPTIONS + 1) for name in ("label", "hypothesis")),
)
"""Where and why the work splits, and into what."""


@move("fork", Fork)
async def fork(request: Visit, person: Person, form: Any) -> None:
    """The pairs that are empty count for nothing."""
    pairs = [(getattr(form, f"label_{number}"), getattr(form, f"hypothesis_{number}")) for number in range(1, MOST_OPTIONS + 1)]
    options = [Option(label=label, hypothesis=hypothesis) for label, hypothesis in pairs if label or hypothesis]
    sessions = request.flowpilot.sessions
    await request.do(
        form,
        lambda change: sessions.fork(
            person, request.session_id, at_step_id=StepId(form.step), reason=form.reason, options=options, request=change
        ),
    )


class CloseBranch(OfBranch, kw_only=True, frozen=True):
    """How it ended."""

    outcome: Outcome
    reason: str = ""


@move("close", CloseBranch)
async def close_branch(request: Visit, person: Person, form: CloseBranch) -> None:
    """Work goes on in the nearest open one."""
    sessions = request.flowpilot.sessions
    await request.do(
        form,
        lambda change: sessions.close_branch(
            person, request.session_id, BranchId(form.branch), outcome=form.outcome, reason=form.reason, request=change
        ),
    )


class Park(Move, kw_only=True, frozen=True):
    """Why it rests, and when its parker wants to be reminded, by their own clock."""

    reason: str = ""
    note: str | None = None
    wake_at: str | None = None


@move("park", Park)
async def park(request: Visit, person: Person, form: Park) -> None:
    """Until it is resumed."""
    wake_at = await _by_their_clock(request, person, form.wake_at) if form.wake_at else None
    handoffs = request.flowpilot.handoffs
    await request.do(
        form,
        lambda change: handoffs.hand_off(
            person, request.session_id, intent=Intent.PARK, reason=form.reason, note=form.note, wake_at=wake_at, request=change
        ),
    )


class Escalate(Move, kw_only=True, frozen=True):
    """Why, how urgently, and whom it is meant for."""

    reason: str = ""
    note: str | None = None
    priority: Priority | None = None
    team: UUID | None = None
    user: UUID | None = None


@move("escalate", Escalate)
async def escalate(request: Visit, person: Person, form: Escalate) -> None:
    """To the queue."""
    team_id = None if form.team is None else TeamId(form.team)
    user_id = None if form.user is None else UserId(form.user)
    handoffs = request.flowpilot.handoffs
    await request.do(
        form,
        lambda change: handoffs.hand_off(
            person,
            request.session_id,
            intent=Intent.ESCALATE,
            reason=form.reason,
            note=form.note,
            priority=form.priority,
            team_id=team_id,
            user_id=user_id,
            request=change,
        ),
    )


class Resolve(Move, kw_only=True, frozen=True):
    """What solved it."""

    summary: str = ""
    root_cause: str | None = None
    version: int | None = None


@move("resolve", Resolve)
async def resolve(request: Visit, person: Person, form: Resolve) -> None:
    """Done."""
    sessions = request.flowpilot.sessions
    await request.do(
        form,
        lambda change: sessions.resolve(person, request.session_id, summary=form.summary, root_cause=form.root_cause, request=change),
        version=form.version,
    )


class Because(Move, kw_only=True, frozen=True):
    """Why."""

    reason: str = ""


@move("abandon", Because)
async def abandon(request: Visit, person: Person, form: Because) -> None:
    """Given up."""
    sessions = request.flowpilot.sessions
    await request.do(form, lambda change: sessions.abandon(person, request.session_id, reason=form.reason, request=change))


@move("reopen", Because)
async def reopen(request: Visit, person: Person, form: Because) -> None:
    """Once more."""
    sessions = request.flowpilot.sessions
    await request.do(form, lambda change: sessions.reopen(person, request.session_id, reason=form.reason, request=change))


class Reassign(Move, kw_only=True, frozen=True):
    """Who goes on."""

    user: UUID


@move("reassign", Reassign)
async def reassign(request: Visit, person: Person, form: Reassign) -> None:
    """To somebody else."""
    sessions = request.flowpilot.sessions
    await request.do(form, lambda change: sessions.reassign(person, request.session_id, user_id=UserId(form.user), request=change))


@move("resume", Move)
async def resume(request: Visit, person: Person, form: Move) -> None:
    """Go on with what rested."""
    await request.do(form, lambda change: request.flowpilot.sessions.resume(person, request.session_id, request=change))


@move("join", Move)
async def join(request: Visit, person: Person, form: Move) -> None:
    """Help."""
    await request.do(form, lambda change: request.flowpilot.sessions.join(person, request.session_id, request=change))


@move("leave", Move)
async def leave(request: Visit, person: Person, form: Move) -> None:
    """Help no longer."""
    await request.do(form, lambda change: request.flowpilot.sessions.leave(person, request.session_id, request=change))


@move("suggest", Move)
async def suggest(request: Visit, person: Person, form: Move) -> None:
    """What to do next."""
    await request.do(form, lambda change: request.flowpilot.suggestions.ask(person, request.session_id, request=change))


class Decide(Move, kw_only=True, frozen=True):
    """Which suggestion."""

    suggestion: UUID


@move("accept", Decide)
@move("reject", Decide)
async def decide(request: Visit, person: Person, form: Decide) -> None:
    """Make it a step, or have it gone."""
    which, accept = SuggestionId(form.suggestion), form.move == "accept"
    suggestions = request.flowpilot.suggestions
    await request.do(form, lambda change: suggestions.decide(person, request.session_id, which, accept=accept, request=change))


class MakeOutput(Move, kw_only=True, frozen=True):
    """For whom."""

    kind: OutputKind


@move("make", MakeOutput)
async def make_output(request: Visit, person: Person, form: MakeOutput) -> None:
    """Of what solved it."""
    await request.do(form, lambda change: request.flowpilot.outputs.make(person, request.session_id, form.kind, request=change))


class OfOutput(Move, kw_only=True, frozen=True):
    """Which one, and the version that was read."""

    output: UUID
    version: int | None = None


class EditOutput(OfOutput, kw_only=True, frozen=True):
    """How it is to read."""

    body: str = ""


@move("save", EditOutput)
async def edit_output(request: Visit, person: Person, form: EditOutput) -> None:
    """Its next version."""
    which, outputs = OutputId(form.output), request.flowpilot.outputs
    await request.do(form, lambda change: outputs.edit(person, request.session_id, which, form.body, request=change), version=form.version)


@move("approve", OfOutput)
async def approve_output(request: Visit, person: Person, form: OfOutput) -> None:
    """As it was read."""
    which, outputs = OutputId(form.output), request.flowpilot.outputs
    await request.do(form, lambda change: outputs.approve(person, request.session_id, which, request=change), version=form.version)


@move("post", OfOutput)
async def post_output(request: Visit, person: Person, form: OfOutput) -> None:
    """To the ticket."""
    which, outputs = OutputId(form.output), request.flowpilot.outputs
    await request.do(form, lambda change: outputs.post(person, request.session_id, which, request=change), version=form.version)


def _id(field: str, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidValue(field, "is not one of this session") from None


def _one(kind: Callable[[str], StepResult], field: str, text: str) -> StepResult:
    try:
        return kind(text)
    except ValueError:
        raise InvalidValue(field, "is not one that there is") from None


async def _by_their_clock(request: Visit, person: Person, text: str) -> datetime:
    preferences = await request.flowpilot.escalation.preferences(person)
    try:
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(preferences.hours.time_zone))
    except ValueError:
        raise InvalidValue("wake_at", "must be a day and a time") from None
