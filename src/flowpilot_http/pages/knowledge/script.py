"""One script template: filled in and copied, recorded in a session, and what was published of it. Nothing is run here."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from flowpilot_core.application.knowledge.script_templates import ScriptShown
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import BranchId, SessionId
from flowpilot_core.domain.kernel.permissions import Permission, permits
from flowpilot_core.domain.knowledge.rating import Subject
from flowpilot_core.domain.knowledge.script import ScriptContent
from flowpilot_core.domain.knowledge.template import TEMPLATE, TemplateMove
from flowpilot_core.domain.sessions.session import Session
from flowpilot_http.pages.moves import Made, Moves, Shown, form_of, formed, typed
from flowpilot_http.pages.page_request import Visit
from flowpilot_http.responses import Body
from flowpilot_http.schemas.knowledge.script_templates import RenderedOut, ScriptRevisionOut, ScriptTemplateDetailOut

from .parameters import GIVEN, said_values, values
from .shelf import SCRIPTS, Asked, categories, category_id, shelved, to_choose
from .templates import STARS, AsRead, Publish, Ratings, Rename, put_away_and_rated

SCRIPT: Final = f"{SCRIPTS}/{{template_id:str}}"
move: Final = Moves()


class Chosen(Asked, kw_only=True, frozen=True):
    """For which session it is filled in, and in which of its branches."""

    session: UUID | None = None
    branch: UUID | None = None


async def _used(request: Visit, person: Person) -> tuple[ScriptShown, ScriptContent]:
    """The template, and what is filled in of it: what was published last, or a draft of which nothing was yet."""
    templates = request.flowpilot.script_templates
    shown = await templates.get(person, request.template_id)
    if shown.template.revision is None:
        return shown, shown.content
    revision, _ = await templates.revision(person, request.template_id, shown.template.revision)
    return shown, revision.content


async def _session(request: Visit, person: Person, wanted: Chosen) -> Session | None:
    return (await request.flowpilot.sessions.get(person, SessionId(wanted.session))).session if wanted.session else None


def _asked_by(session: Session | None, wanted: Chosen, template_id: UUID) -> Mapping[str, str] | None:
    """What a node of the tree that a session follows gives to the script; None where none waits for it."""
    place = session.walk.at(BranchId(wanted.branch)) if session and session.walk and wanted.branch else None
    script = place.waiting.script if place and place.waiting else None
    return script.parameters if script and script.id == template_id else None


async def _shown(request: Visit, made: Shown, refusal: Exception | None) -> Body:
    wanted = await request.wanted(Chosen)
    person, templates = request.person_for(wanted.account), request.flowpilot.script_templates
    (shown, used), session = await asyncio.gather(_used(request, person), _session(request, person, wanted))
    (revisions, names), ratings, named = await asyncio.gather(
        templates.revisions(person, request.template_id),
        Ratings.of(request, person, Subject.SCRIPT_TEMPLATE, request.template_id),
        categories(request, person),
    )
    template = shown.template
    asked_by = _asked_by(session, wanted, template.id)
    return await shelved(
        request,
        "library_script.html",
        made,
        refusal,
        do=wanted.do,
        script=ScriptTemplateDetailOut.shown(shown),
        used=used,
        session=session,
        asked_by=asked_by,
        said={**(asked_by or {}), **said_values(await _typed(request))},
        may_record=session is not None and asked_by is None and template.revision is not None and session.may_add_step(person),
        offers=template.offers(person),
        revisions=[ScriptRevisionOut.of(one, names) for one in revisions],
        ratings=ratings,
        stars=STARS,
        may_rate=template.revision is not None and permits(person, Permission.RATE_TREES, ()),
        may_copy=(template.state, TemplateMove.USE) in TEMPLATE and permits(person, Permission.WRITE_TREES, ()),
        named=named,
        to_choose=to_choose,
    )


async def _typed(request: Visit) -> dict[str, str]:
    """What was filled in stands there again beside what was made of it."""
    return await typed(request) if request.method == "POST" else {}


Filled: Final[Any] = form_of("Filled", *GIVEN)
"""What a script is given."""


@move("render", Filled)
async def render(request: Visit, person: Person, form: Any) -> Made:
    """The script, to be copied and run elsewhere."""
    _, used = await _used(request, person)
    rendered = await request.flowpilot.script_templates.render(person, request.template_id, values(used.parameters, form))
    return {"rendered": RenderedOut.of(rendered)}


@move("record", Filled)
async def record(request: Visit, person: Person, form: Any) -> Made:
    """The script, and a step that says which it was, with what; what came of it is said in the session."""
    wanted = await request.wanted(Chosen)
    session = await _session(request, person, wanted)
    if session is None:
        raise NotFound("session")
    _, used = await _used(request, person)
    given = values(used.parameters, form)
    branch_id = None if wanted.branch is None else BranchId(wanted.branch)
    taken = await request.do(
        form,
        lambda change: request.flowpilot.script_templates.take(
            person, session.id, request.template_id, given, branch_id=branch_id, request=change
        ),
    )
    if taken is None:
        return f"/sessions/{session.id}"
    return {"rendered": RenderedOut.of(taken.rendered), "recorded": taken.added.step.number}


@move("rename", Rename)
async def rename_script(request: Visit, person: Person, form: Rename) -> Made:
    """Unless somebody else has changed it meanwhile."""
    templates, named = request.flowpilot.script_templates, (form.name, form.description, category_id(form.category))
    await request.do(
        form,
        lambda with_: templates.rename(person, request.template_id, change=lambda _: named, request=with_),
        version=form.version,
    )
    return None


@move("publish", Publish)
async def publish_script(request: Visit, person: Person, form: Publish) -> Made:
    """The draft is the next revision."""
    templates = request.flowpilot.script_templates
    await request.do(
        form, lambda change: templates.publish(person, request.template_id, note=form.note, request=change), version=form.version
    )
    return None


@move("delete", AsRead)
async def delete_script(request: Visit, person: Person, form: AsRead) -> Made:
    """Gone: it was never published."""
    await request.do(
        form, lambda change: request.flowpilot.script_templates.drop(person, request.template_id, request=change), version=form.version
    )
    return SCRIPTS


@move("copy", AsRead)
async def copy_script(request: Visit, person: Person, form: AsRead) -> Made:
    """A draft of one's own."""
    copied = await request.do(form, lambda change: request.flowpilot.script_templates.copy(person, request.template_id, request=change))
    return f"{SCRIPTS}/{copied.template.id}" if copied else SCRIPTS


put_away_and_rated(move, lambda request: (request.flowpilot.script_templates, request.template_id), Subject.SCRIPT_TEMPLATE)
ROUTES = formed(SCRIPT, _shown, move)
