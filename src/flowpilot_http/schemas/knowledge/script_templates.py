"""Script templates as clients write and read them."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowpilot_core.application.knowledge.script_templates import ScriptListed, ScriptShown, ScriptTaken
from flowpilot_core.domain.kernel.identifiers import UserId
from flowpilot_core.domain.knowledge.literals import Language
from flowpilot_core.domain.knowledge.parameter import LONGEST_VALUE, Parameter
from flowpilot_core.domain.knowledge.script import (
    LONGEST_BODY,
    LONGEST_TIMEOUT,
    Platform,
    Rendered,
    RunAs,
    ScriptContent,
    ScriptProblem,
    ScriptProblemCode,
)
from flowpilot_core.domain.knowledge.script_template import ScriptRevision
from flowpilot_core.domain.knowledge.template import TemplateState
from flowpilot_core.ports.knowledge import Sort
from flowpilot_http.schemas.kernel import SOUGHT, By, Closed, Instant, Line, MaybeText, Page, PersonOut
from flowpilot_http.schemas.sessions import AddedStepOut

from .content import ParameterIO
from .ratings import StarsOut
from .trees import CategoryOut, CopiedFromOut

Value = str | int | float | bool
Values = Annotated[
    dict[str, Annotated[Value, Meta(extra_json_schema={"maxLength": LONGEST_VALUE})]],
    Meta(description="By the names of parameters; never a secret's.", extra_json_schema={"examples": [{"host": "mail.example"}]}),
]
Body = Annotated[str, Meta(description="May hold `{{ name }}` where a value stands.", extra_json_schema={"maxLength": LONGEST_BODY})]
Number = Annotated[int, Meta(ge=1)]


class ScriptContentIO(Closed, kw_only=True, frozen=True):
    """What a script template says."""

    language: Language
    body: Body
    parameters: list[ParameterIO] = []
    platforms: list[Platform] = []
    run_as: RunAs = RunAs.USER
    timeout_seconds: Annotated[int | None, Meta(extra_json_schema={"minimum": 1, "maximum": LONGEST_TIMEOUT})] = None

    def content(self) -> ScriptContent:
        """As the core knows it."""
        return ScriptContent(
            language=self.language,
            body=self.body,
            parameters=tuple(one.parameter() for one in self.parameters),
            platforms=tuple(self.platforms),
            run_as=self.run_as,
            timeout_seconds=self.timeout_seconds,
        )

    @classmethod
    def of(cls, content: ScriptContent) -> "ScriptContentIO":
        """As clients read it."""
        return cls(
            language=content.language,
            body=content.body,
            parameters=[ParameterIO.of(one) for one in content.parameters],
            platforms=list(content.platforms),
            run_as=content.run_as,
            timeout_seconds=content.timeout_seconds,
        )


class NewScriptTemplate(Closed, kw_only=True, frozen=True):
    """A script template that begins as a draft."""

    name: Line
    description: MaybeText | None = None
    category_id: UUID | None = None
    content: ScriptContentIO | None = None


class ChangeScriptTemplate(Closed, kw_only=True, frozen=True):
    """What is to be different; what is left out stays."""

    name: Line | UnsetType = UNSET
    description: MaybeText | UnsetType | None = UNSET
    category_id: UUID | UnsetType | None = UNSET


class PutScriptContent(Closed, kw_only=True, frozen=True):
    """What its draft is to say, finished or not."""

    content: ScriptContentIO


class TakeOver(Closed, kw_only=True, frozen=True):
    """How a draft is changed."""

    take_over: Annotated[bool, Meta(description="Whether it becomes yours where it is somebody else's: for account owners and admins.")] = (
        False
    )


class PublishScript(Closed, kw_only=True, frozen=True):
    """That the draft becomes the next revision."""

    note: MaybeText | None = None


class ScriptValues(Closed, kw_only=True, frozen=True):
    """What a script is to be rendered with."""

    parameters: Values = {}


class TakeScript(Closed, kw_only=True, frozen=True):
    """Which script becomes the next step, and with what."""

    template_id: UUID
    parameters: Values = {}
    branch_id: UUID | None = None


class PastedScript(Closed, kw_only=True, frozen=True):
    """A script as somebody has it."""

    language: Language
    body: Annotated[str, Meta(extra_json_schema={"maxLength": LONGEST_BODY})]


class WhichScripts(Page, kw_only=True, frozen=True):
    """Which script templates; what is left out asks for nothing."""

    state: Annotated[TemplateState | None, Meta(description="Without it: all but those that were archived.")] = None
    category_id: UUID | None = None
    q: Annotated[str | None, Meta(description=SOUGHT)] = None
    sort: Annotated[Sort, Meta(description="What comes first: the newest, or what has most stars.")] = Sort.NEWEST


class ScriptProblemOut(msgspec.Struct, kw_only=True, frozen=True):
    """One thing that keeps a script from being published."""

    pointer: str
    code: ScriptProblemCode
    detail: str
    severity: str = "error"

    @classmethod
    def of(cls, problem: ScriptProblem) -> "ScriptProblemOut":
        """As clients read it."""
        return cls(pointer="/" + problem.field.replace(".", "/"), code=problem.code, detail=problem.detail)


class ScriptTemplateOut(msgspec.Struct, kw_only=True, frozen=True):
    """A script template."""

    id: UUID
    version: int
    name: str
    description: str | None
    category: CategoryOut | None
    state: TemplateState
    revision: Annotated[int | None, Meta(description="Null until it is published.")]
    has_draft: Annotated[bool, Meta(description="Whether there is one that you may see.")]
    copied_from: CopiedFromOut | None
    created_by: By
    created_at: Instant
    updated_at: Instant
    published_at: Instant | None
    uses: int
    rating: StarsOut

    @classmethod
    def listed(cls, one: ScriptListed) -> "ScriptTemplateOut":
        """As a list shows it."""
        return cls(**_head(one))


class ScriptTemplateDetailOut(ScriptTemplateOut, kw_only=True, frozen=True):
    """A script template with what it says: its draft to whom that exists, else its newest revision."""

    content: ScriptContentIO
    problems: list[ScriptProblemOut]

    @classmethod
    def shown(cls, one: ScriptShown) -> "ScriptTemplateDetailOut":
        """As clients read it."""
        problems = [ScriptProblemOut.of(problem) for problem in one.problems]
        return cls(**_head(one), content=ScriptContentIO.of(one.content), problems=problems)


class ScriptRevisionOut(msgspec.Struct, kw_only=True, frozen=True):
    """What was published."""

    number: int
    note: str | None
    by: By
    at: Instant
    content: ScriptContentIO

    @classmethod
    def of(cls, one: ScriptRevision, names: Mapping[UserId, str]) -> "ScriptRevisionOut":
        """As clients read it."""
        return cls(number=one.number, note=one.note, by=_by(one.by, names), at=one.at, content=ScriptContentIO.of(one.content))


class RenderedOut(msgspec.Struct, kw_only=True, frozen=True):
    """A script, to be copied and run elsewhere: FlowPilot runs nothing."""

    text: str
    sha256: Annotated[str, Meta(description="Of the text in UTF-8.")]
    asks: Annotated[list[str], Meta(description="The secrets that it asks for where it runs.")]

    @classmethod
    def of(cls, script: Rendered) -> "RenderedOut":
        """As clients read it."""
        return cls(text=script.text, sha256=script.sha256, asks=list(script.asks))


class TakenScriptOut(RenderedOut, kw_only=True, frozen=True):
    """A script, and the step that says who took it with what."""

    step: AddedStepOut

    @property
    def id(self) -> UUID:
        """Whose answer it is."""
        return self.step.id

    @classmethod
    def taken(cls, taken: ScriptTaken, names: Mapping[UserId, str]) -> "TakenScriptOut":
        """As clients read it."""
        script = taken.rendered
        return cls(text=script.text, sha256=script.sha256, asks=list(script.asks), step=AddedStepOut.made(taken.added, names))


class DetectedOut(msgspec.Struct, kw_only=True, frozen=True):
    """The parameters that a script declares itself."""

    parameters: list[ParameterIO]

    @classmethod
    def of(cls, found: tuple[Parameter, ...]) -> "DetectedOut":
        """As clients read it."""
        return cls(parameters=[ParameterIO.of(one) for one in found])


def _head(one: ScriptListed) -> dict[str, Any]:
    template, copied = one.template, one.template.copied_from
    return {
        **{name: getattr(template, name) for name in _SAME},
        "category": CategoryOut.of(one.category) if one.category else None,
        "has_draft": one.draft,
        "copied_from": CopiedFromOut(id=copied.template.id, revision=copied.revision, newest_revision=one.use.newest_origin)
        if copied
        else None,
        "created_by": _by(template.created_by, one.names),
        "uses": one.use.uses,
        "rating": StarsOut.of(one.use.stars),
    }


_SAME = ("id", "version", "name", "description", "state", "revision", "created_at", "updated_at", "published_at")


def _by(user_id: UserId | None, names: Mapping[UserId, str]) -> By:
    return PersonOut(user_id, names[user_id]) if user_id in names and user_id is not None else "system"
