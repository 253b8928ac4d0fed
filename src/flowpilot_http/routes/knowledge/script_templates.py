"""Script templates: written, published, and rendered with the values that somebody gives."""

from uuid import UUID

from msgspec import UNSET

from flowpilot_core.application.knowledge.script_templates import ScriptListed
from flowpilot_core.domain.kernel.identifiers import BranchId, ScriptTemplateId, TreeCategoryId
from flowpilot_core.domain.kernel.query import Query
from flowpilot_core.domain.knowledge.script import EMPTY_SCRIPT
from flowpilot_core.domain.knowledge.script_template import ScriptTemplate
from flowpilot_core.ports.knowledge import ScriptFilter
from flowpilot_http.api_request import Call
from flowpilot_http.operations import FORBIDDEN, Part
from flowpilot_http.responses import Body
from flowpilot_http.schemas.kernel import Listed, Nothing
from flowpilot_http.schemas.knowledge.script_templates import (
    ChangeScriptTemplate,
    DetectedOut,
    NewScriptTemplate,
    PastedScript,
    PublishScript,
    PutScriptContent,
    RenderedOut,
    ScriptRevisionOut,
    ScriptTemplateDetailOut,
    ScriptTemplateOut,
    ScriptValues,
    TakenScriptOut,
    TakeOver,
    TakeScript,
    WhichScripts,
)

part = Part("Script templates")

TEMPLATE = "/script-templates/{template_id:str}"


@part.makes("/script-templates", ScriptTemplateDetailOut, body=NewScriptTemplate, problems=("not_found",))
async def add_script_template(request: Call) -> Body:
    """Begin a script template; it is a draft until it is published."""
    new = await request.read(NewScriptTemplate)
    return await request.changed(
        lambda change: request.flowpilot.script_templates.make(
            request.user,
            name=new.name,
            description=new.description,
            category_id=None if new.category_id is None else TreeCategoryId(new.category_id),
            content=new.content.content() if new.content else EMPTY_SCRIPT,
            request=change,
        ),
        ScriptTemplateDetailOut.shown,
        status=201,
    )


@part.reads("/script-templates", Listed[ScriptTemplateOut], query=WhichScripts, problems=("invalid_cursor",))
async def list_script_templates(request: Call) -> Body:
    """The script templates of your account, newest first or as asked: published ones, and the drafts that you may see."""
    page = await request.wanted(WhichScripts)
    where = ScriptFilter(
        state=page.state,
        category_id=None if page.category_id is None else TreeCategoryId(page.category_id),
        query=Query.narrowing(page.q),
        sort=page.sort,
    )

    async def more(after: UUID | None, limit: int) -> list[ScriptListed]:
        last = None if after is None else ScriptTemplateId(after)
        return list(await request.flowpilot.script_templates.list(request.user, where, after=last, limit=limit))

    return await request.listed(
        page, f"script templates {where}", UUID, more, shown=ScriptTemplateOut.listed, at=lambda one: one.template.id
    )


@part.asks("/script-templates/detect", DetectedOut, body=PastedScript, problems=FORBIDDEN)
async def detect_parameters(request: Call) -> Body:
    """Find the parameters that a script declares itself, to take or leave them. Nothing is kept, and nothing run."""
    pasted = await request.read(PastedScript)
    return request.shown(DetectedOut.of(await request.flowpilot.script_templates.detect(request.user, pasted.language, pasted.body)))


@part.reads(TEMPLATE, ScriptTemplateDetailOut, etag=True)
async def get_script_template(request: Call) -> Body:
    """A script template with what it says, and what keeps it from being published."""
    await request.wanted(Nothing)
    found = await request.flowpilot.script_templates.get(request.user, request.template_id)
    return request.shown(ScriptTemplateDetailOut.shown(found), version=found.template.version)


@part.mends(TEMPLATE, ScriptTemplateDetailOut, body=ChangeScriptTemplate, problems=("invalid_transition",))
async def change_script_template(request: Call) -> Body:
    """Give a script template another name, description or category."""
    new = await request.read(ChangeScriptTemplate)

    def change(one: ScriptTemplate) -> tuple[str, str | None, TreeCategoryId | None]:
        category = (one.category.id if one.category else None) if new.category_id is UNSET else new.category_id
        return (
            one.name if new.name is UNSET else new.name,
            one.description if new.description is UNSET else new.description,
            None if category is None else TreeCategoryId(category),
        )

    return await request.changed(
        lambda with_: request.flowpilot.script_templates.rename(request.user, request.template_id, change=change, request=with_),
        ScriptTemplateDetailOut.shown,
    )


@part.drops(TEMPLATE, problems=("invalid_transition",))
async def drop_script_template(request: Call) -> Body:
    """Delete a script template that was never published."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.script_templates.drop(request.user, request.template_id, request=change),
        lambda _: None,
        status=204,
    )


@part.sets(
    f"{TEMPLATE}/content", ScriptTemplateDetailOut, body=PutScriptContent, query=TakeOver, problems=("draft_taken", "invalid_transition")
)
async def set_script_content(request: Call) -> Body:
    """Write the draft, finished or not: `problems` says what is missing."""
    how = await request.wanted(TakeOver)
    new = await request.read(PutScriptContent, query=TakeOver)
    return await request.changed(
        lambda change: request.flowpilot.script_templates.edit(
            request.user, request.template_id, new.content.content(), take_over=how.take_over, request=change
        ),
        ScriptTemplateDetailOut.shown,
    )


@part.moves(f"{TEMPLATE}/publish", ScriptTemplateDetailOut, body=PublishScript, problems=("invalid_script", "invalid_transition"))
async def publish_script_template(request: Call) -> Body:
    """Make the draft the next revision, unless it has problems."""
    new = await request.read(PublishScript)
    return await request.changed(
        lambda change: request.flowpilot.script_templates.publish(request.user, request.template_id, note=new.note, request=change),
        ScriptTemplateDetailOut.shown,
    )


@part.moves(f"{TEMPLATE}/archive", ScriptTemplateDetailOut, body=Nothing, problems=("invalid_transition",))
async def archive_script_template(request: Call) -> Body:
    """Offer a script template to nobody any more."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.script_templates.archive(request.user, request.template_id, request=change),
        ScriptTemplateDetailOut.shown,
    )


@part.moves(f"{TEMPLATE}/restore", ScriptTemplateDetailOut, body=Nothing, problems=("invalid_transition",))
async def restore_script_template(request: Call) -> Body:
    """Offer an archived script template again."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.script_templates.restore(request.user, request.template_id, request=change),
        ScriptTemplateDetailOut.shown,
    )


@part.makes(f"{TEMPLATE}/copy", ScriptTemplateDetailOut, body=Nothing, problems=("invalid_transition",))
async def copy_script_template(request: Call) -> Body:
    """Begin a draft of your own from what was published."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.script_templates.copy(request.user, request.template_id, request=change),
        ScriptTemplateDetailOut.shown,
        status=201,
    )


@part.moves(f"{TEMPLATE}/draft-from-origin", ScriptTemplateDetailOut, body=Nothing, problems=("draft_taken", "invalid_transition"))
async def script_draft_from_origin(request: Call) -> Body:
    """Take what the original of a copy says by now as the draft."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.script_templates.draft_from_origin(request.user, request.template_id, request=change),
        ScriptTemplateDetailOut.shown,
    )


@part.reads(f"{TEMPLATE}/revisions", Listed[ScriptRevisionOut])
async def list_script_revisions(request: Call) -> Body:
    """All that was published of a script template, newest first."""
    await request.wanted(Nothing)
    found, names = await request.flowpilot.script_templates.revisions(request.user, request.template_id)
    return request.shown(Listed(items=[ScriptRevisionOut.of(one, names) for one in found], next_cursor=None))


@part.reads(f"{TEMPLATE}/revisions/{{number:str}}", ScriptRevisionOut)
async def get_script_revision(request: Call) -> Body:
    """One revision of a script template."""
    await request.wanted(Nothing)
    found, names = await request.flowpilot.script_templates.revision(request.user, request.template_id, request.number)
    return request.shown(ScriptRevisionOut.of(found, names))


@part.asks(f"{TEMPLATE}/render", RenderedOut, body=ScriptValues, problems=("invalid_script", "invalid_transition"))
async def render_script(request: Call) -> Body:
    """Make a script of the newest revision, or of a draft before the first. Each value that does not fit is named."""
    new = await request.read(ScriptValues)
    return request.shown(RenderedOut.of(await request.flowpilot.script_templates.render(request.user, request.template_id, new.parameters)))


@part.makes(
    "/ai-sessions/{session_id:str}/scripts",
    TakenScriptOut,
    body=TakeScript,
    problems=("invalid_transition", "not_assignee", "session_full"),
)
async def take_script(request: Call) -> Body:
    """Make a script, and a step that says so; its result comes later."""
    new = await request.read(TakeScript)
    return await request.changed(
        lambda change: request.flowpilot.script_templates.take(
            request.user,
            request.session_id,
            ScriptTemplateId(new.template_id),
            new.parameters,
            branch_id=None if new.branch_id is None else BranchId(new.branch_id),
            request=change,
        ),
        lambda taken: TakenScriptOut.taken(taken, {request.user.user_id: request.user.name}),
        status=201,
    )


ROUTES = (
    add_script_template,
    list_script_templates,
    detect_parameters,
    get_script_template,
    change_script_template,
    drop_script_template,
    set_script_content,
    publish_script_template,
    archive_script_template,
    restore_script_template,
    copy_script_template,
    script_draft_from_origin,
    list_script_revisions,
    get_script_revision,
    render_script,
    take_script,
)
