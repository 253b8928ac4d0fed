"""Resolution outputs: what a resolved session leaves behind for its ticket, for colleagues and for the client."""

from typing import Final

from flowpilot_core.domain.outputs.document import ExportFormat
from flowpilot_http.api_request import Call
from flowpilot_http.operations import Part
from flowpilot_http.responses import HTML, Body
from flowpilot_http.schemas.kernel import Nothing
from flowpilot_http.schemas.outputs import EditOutput, ExportWanted, NewOutput, OutputDetailOut, OutputOut, OutputsOut

part = Part("Outputs")

OUTPUTS = "/ai-sessions/{session_id:str}/outputs"
OUTPUT = f"{OUTPUTS}/{{output_id:str}}"
OF_RESOLVED = ("invalid_transition",)
MARKDOWN: Final = b"text/markdown; charset=utf-8"


@part.reads(OUTPUTS, OutputsOut)
async def list_outputs(request: Call) -> Body:
    """Every output of a session as it reads now, oldest first."""
    await request.wanted(Nothing)
    found = await request.flowpilot.outputs.list(request.user, request.session_id)
    return request.shown(OutputsOut(items=[OutputOut.of(one) for one in found]))


@part.makes(OUTPUTS, OutputOut, body=NewOutput, problems=OF_RESOLVED)
async def make_output(request: Call) -> Body:
    """Make an output of a resolved session: what solved it, at which fork, and what was ruled out, without passwords and keys."""
    new = await request.read(NewOutput)
    return await request.changed(
        lambda change: request.flowpilot.outputs.make(request.user, request.session_id, new.kind, request=change),
        OutputOut.of,
        status=201,
    )


@part.reads(OUTPUT, OutputDetailOut, etag=True)
async def get_output(request: Call) -> Body:
    """One output with all its versions."""
    await request.wanted(Nothing)
    shown = await request.flowpilot.outputs.get(request.user, request.session_id, request.output_id)
    return request.shown(OutputDetailOut.whole(shown), version=shown.output.version)


@part.mends(OUTPUT, OutputOut, body=EditOutput, problems=OF_RESOLVED)
async def edit_output(request: Call) -> Body:
    """Edit an output: the next version, to be approved again. A client summary takes nothing from an internal note."""
    new = await request.read(EditOutput)
    return await request.changed(
        lambda change: request.flowpilot.outputs.edit(request.user, request.session_id, request.output_id, new.body, request=change),
        OutputOut.of,
    )


@part.moves(f"{OUTPUT}/approve", OutputOut, body=Nothing, problems=OF_RESOLVED)
async def approve_output(request: Call) -> Body:
    """Approve an output as it reads now."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.outputs.approve(request.user, request.session_id, request.output_id, request=change), OutputOut.of
    )


@part.moves(f"{OUTPUT}/post", OutputOut, body=Nothing, problems=OF_RESOLVED)
async def post_output(request: Call) -> Body:
    """Post an approved output to the session's ticket, once: internal, except a client summary where the connection says so."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.outputs.post(request.user, request.session_id, request.output_id, request=change), OutputOut.of
    )


@part.exports(f"{OUTPUT}/export", "text/markdown", "text/html", query=ExportWanted)
async def export_output(request: Call) -> Body:
    """An output as a Markdown or HTML document that loads nothing and has no links, without passwords and keys."""
    format = (await request.wanted(ExportWanted)).format or ExportFormat.MD
    export = await request.flowpilot.outputs.export(request.user, request.session_id, request.output_id, format)
    name = f"{export.kind}-{export.version}.{format}"
    return Body(
        export.text.encode(),
        media_type=HTML if format is ExportFormat.HTML else MARKDOWN,
        headers=((b"content-disposition", f'attachment; filename="{name}"'.encode()),),
    )


ROUTES = (list_outputs, make_output, get_output, edit_output, approve_output, post_output, export_output)
