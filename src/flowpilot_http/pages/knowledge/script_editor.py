"""The editor of a script template: its text, what it asks for, and what keeps it from being published, each with its line."""

from typing import Any, Final

from attrs import evolve

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.permissions import Permission
from flowpilot_core.domain.knowledge.literals import Language
from flowpilot_core.domain.knowledge.script import Platform, RunAs, ScriptContent
from flowpilot_http.pages.moves import Made, Move, Moves, Shown, formed
from flowpilot_http.pages.page_request import OfAccount, Visit
from flowpilot_http.responses import Body
from flowpilot_http.schemas.knowledge.script_templates import ScriptTemplateDetailOut

from .parameters import TYPES, Named, Written, with_written, without
from .script import SCRIPT
from .shelf import shelved

LANGUAGES: Final = ((Language.POWERSHELL, "PowerShell"), (Language.BASH, "bash"), (Language.PYTHON, "Python"))
PLATFORMS: Final = ((Platform.WINDOWS, "Windows"), (Platform.MACOS, "macOS"), (Platform.LINUX, "Linux"))
RUN_AS: Final = ((RunAs.USER, "Whoever is signed in"), (RunAs.SYSTEM, "The system"))
move: Final = Moves()


async def _shown(request: Visit, made: Shown, refusal: Exception | None) -> Body:
    person = request.person_for((await request.wanted(OfAccount)).account)
    shown = await request.flowpilot.script_templates.get(person, request.template_id)
    template = shown.template
    template.owner.require_own(person, Permission.WRITE_TREES)
    held = template.draft.by if template.draft and template.sees_draft(person) and template.revision else None
    return await shelved(
        request,
        "library_script_edit.html",
        made,
        refusal,
        script=ScriptTemplateDetailOut.shown(shown),
        content=shown.content,
        offers=template.offers(person),
        taken=held is not None and held != person.user_id,
        languages=LANGUAGES,
        platforms=PLATFORMS,
        run_as=RUN_AS,
        types=TYPES,
    )


class Write(Move, kw_only=True, frozen=True):
    """What it says, and the version that was read."""

    version: int | None = None
    language: Language
    body: str = ""
    platforms: list[Platform] = []
    run_as: RunAs = RunAs.USER
    timeout: int | None = None

    def content(self, before: ScriptContent) -> ScriptContent:
        """With the parameters that it has."""
        return ScriptContent(
            language=self.language,
            body=self.body,
            parameters=before.parameters,
            platforms=tuple(self.platforms),
            run_as=self.run_as,
            timeout_seconds=self.timeout,
        )


async def _edit(request: Visit, person: Person, form: Any, content: ScriptContent, *, version: int | None, take_over: bool = False) -> None:
    templates = request.flowpilot.script_templates
    await request.do(
        form, lambda change: templates.edit(person, request.template_id, content, take_over=take_over, request=change), version=version
    )


async def _now(request: Visit, person: Person) -> tuple[ScriptContent, int]:
    shown = await request.flowpilot.script_templates.get(person, request.template_id)
    return shown.content, shown.template.version


@move("write", Write)
async def write_script(request: Visit, person: Person, form: Write) -> Made:
    """The draft, finished or not; unless somebody else has changed it meanwhile."""
    before, version = await _now(request, person)
    await _edit(request, person, form, form.content(before), version=form.version or version)
    return None


@move("detect", Write)
async def write_and_detect(request: Visit, person: Person, form: Write) -> Made:
    """The draft, and the parameters that the script declares by itself, to take or leave."""
    await write_script(request, person, form)
    known = {one.name for one in (await _now(request, person))[0].parameters}
    found = await request.flowpilot.script_templates.detect(person, form.language, form.body)
    return {"detected": True, "found": [one for one in found if one.name not in known]}


class Take(Move, kw_only=True, frozen=True):
    """Which of the parameters that the script declares."""

    names: list[str] = []


@move("take-found", Take)
async def take_found(request: Visit, person: Person, form: Take) -> Made:
    """They are the template's, too; where their values stand in the script is still to be written."""
    content, version = await _now(request, person)
    found = await request.flowpilot.script_templates.detect(person, content.language, content.body)
    known = {one.name for one in content.parameters}
    new = tuple(one for one in found if one.name in form.names and one.name not in known)
    await _edit(request, person, form, evolve(content, parameters=(*content.parameters, *new)), version=version)
    return None


@move("take-over", Move)
async def take_over(request: Visit, person: Person, form: Move) -> Made:
    """The draft that somebody else began is one's own."""
    content, version = await _now(request, person)
    await _edit(request, person, form, content, version=version, take_over=True)
    return None


@move("parameter", Written)
async def write_parameter(request: Visit, person: Person, form: Written) -> Made:
    """What the script asks for."""
    content, version = await _now(request, person)
    await _edit(request, person, form, evolve(content, parameters=with_written(content.parameters, form)), version=version)
    return None


@move("drop-parameter", Named)
async def drop_parameter(request: Visit, person: Person, form: Named) -> Made:
    """It is asked for no longer."""
    content, version = await _now(request, person)
    await _edit(request, person, form, evolve(content, parameters=without(content.parameters, form.was)), version=version)
    return None


ROUTES = formed(f"{SCRIPT}/edit", _shown, move)
