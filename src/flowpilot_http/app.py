"""The application: every route of the contract before one `FlowPilot`."""

from collections.abc import Sequence
from typing import Any

from litestar import Litestar, Router
from litestar.connection import Request
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.response import Response

from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_core.application.kernel.links import Links
from flowpilot_core.application.notifications.push import Push
from flowpilot_core.ports.kernel import Clock, NewId, NewSecret
from flowpilot_http.pages import assets, brand, kit, settings
from flowpilot_http.pages.access import account as account_page
from flowpilot_http.pages.access import appearance, audit, invitation, providers, sign_in, teams
from flowpilot_http.pages.access import branding as branding_page
from flowpilot_http.pages.access import people as people_page
from flowpilot_http.pages.access import tokens as api_tokens
from flowpilot_http.pages.handoffs import claim, queue
from flowpilot_http.pages.handoffs import escalation as escalation_page
from flowpilot_http.pages.insights import figures, no_weekly_digest, results
from flowpilot_http.pages.knowledge import categories, editor, script, script_editor, scripts, shelf
from flowpilot_http.pages.knowledge import gallery as gallery_page
from flowpilot_http.pages.knowledge import proposals as proposals_page
from flowpilot_http.pages.knowledge import tree as tree_page
from flowpilot_http.pages.knowledge import trees as trees_page
from flowpilot_http.pages.maintenance import calendar as calendar_page
from flowpilot_http.pages.maintenance import planning
from flowpilot_http.pages.maintenance import schedule as schedule_page
from flowpilot_http.pages.notifications import no_mails, policy, profile
from flowpilot_http.pages.notifications import webhooks as webhooks_page
from flowpilot_http.pages.psa import connections
from flowpilot_http.pages.sessions import lists, starting
from flowpilot_http.pages.sessions import session as session_page
from flowpilot_http.routes.access import audit as audit_log
from flowpilot_http.routes.access import branding, identity_providers, own_account, people, tokens
from flowpilot_http.routes.assistant import assessments, suggestions
from flowpilot_http.routes.knowledge import gallery, ratings, script_templates, tree_categories, tree_proposals, trees, walks
from flowpilot_http.routes.notifications import escalation_policy as escalation
from flowpilot_http.routes.notifications import events, webhooks

from . import openapi, problems
from .account_heads import AccountHeads
from .api_request import Call, Face
from .auth import Attempts, Cookies, Door
from .cursors import Cursors
from .metrics import Metrics
from .middleware import Edge
from .negotiation import is_of_browser, page_instead
from .open_reads import OpenReads
from .pages import Visit
from .pages import page_request as visit
from .readiness import Probe
from .responses import Body
from .routes import documentation as reading
from .routes import handoffs, health, insights, maintenance, outputs, psa, sessions

LARGEST_BODY = 1024 * 1024
"""Bytes; a request with more is refused, however it is sent."""


def create_app(
    flowpilot: FlowPilot,
    *,
    clock: Clock,
    new_id: NewId,
    new_secret: NewSecret,
    secret_keys: Sequence[bytes],
    base_url: str,
    probe: Probe,
    push: Push | None = None,
    metrics: Metrics | None = None,
    attempts: Attempts | None = None,
    security_contact: str | None = None,
    open_reads: OpenReads | None = None,
) -> Edge:
    """FlowPilot as an ASGI application.

    `secret_keys` are what cursors are signed with, the one of now first, and the same in every process. `new_id` names
    requests that come without a name, `new_secret` what browsers keep, and `base_url` is where they find us; `probe` says whether the
    process can do its work. `push` holds the open streams, where somebody runs it; its wire is an `Sse` over the same keys.
    `metrics` and `attempts` are given where others count there too; `security_contact` is whom `security.txt` names. `open_reads` lets in
    who looks at the gallery without signing in; without it nobody may.
    """
    metrics = metrics or Metrics()
    if push is not None:
        metrics.watch_streams(lambda: len(push.streams))

    # Functions, since Litestar copies what it is given, deeply, all but functions.
    async def answered(request: Request[Any, Any, Any]) -> Body | None:
        # What comes before a handler may answer in its place: called from here, it costs nothing of what Litestar does for handlers
        # that take more than their request, nor of what it does for what they raise.
        try:
            # Whoever reads the page signs in there, and comes back to it.
            if page := page_instead(request):
                return page
            await _door(request).sign_in(request)
            if request.scope["method"] == "OPTIONS":
                return None  # Litestar's own handler, which takes no request.
            answer: Body = await request.scope["route_handler"].fn(request)
        except Exception as exc:
            if is_of_browser(request):
                raise
            return problems.problem_of(exc).body()
        return answer

    async def receive(request: Request[Any, Any, Any]) -> None:
        await _door(request).receive(request)

    of_account = (
        *sessions.ROUTES,
        *handoffs.ROUTES,
        *escalation.ROUTES,
        *assessments.ROUTES,
        *suggestions.ROUTES,
        *own_account.ROUTES,
        *branding.ROUTES,
        *audit_log.ROUTES,
        *tokens.ROUTES,
        *outputs.ROUTES,
        *people.ROUTES,
        *identity_providers.ROUTES,
        *events.ROUTES,
        *webhooks.ROUTES,
        *psa.ROUTES,
        *script_templates.ROUTES,
        *insights.ROUTES,
        *ratings.ROUTES,
        *gallery.ROUTES,
        *trees.ROUTES,
        *walks.ROUTES,
        *tree_proposals.ROUTES,
        *tree_categories.ROUTES,
        *maintenance.ROUTES,
    )
    account = Router("/", route_handlers=of_account, before_request=answered)
    pages = Router(
        "/",
        route_handlers=[
            *sign_in.ROUTES,
            *appearance.ROUTES,
            *kit.ROUTES,
            *results.ROUTES,
            *figures.ROUTES,
            *settings.ROUTES,
            *profile.ROUTES,
            *api_tokens.ROUTES,
            *people_page.ROUTES,
            *teams.ROUTES,
            *policy.ROUTES,
            *connections.ROUTES,
            *webhooks_page.ROUTES,
            *providers.ROUTES,
            *account_page.ROUTES,
            *branding_page.ROUTES,
            *audit.ROUTES,
            *claim.ROUTES,
            *invitation.ROUTES,
            *escalation_page.ROUTES,
            *queue.ROUTES,
            *session_page.ROUTES,
            *lists.ROUTES,
            *starting.ROUTES,
            *shelf.ROUTES,
            *trees_page.ROUTES,
            *tree_page.ROUTES,
            *editor.ROUTES,
            *categories.ROUTES,
            *proposals_page.ROUTES,
            *calendar_page.ROUTES,
            *planning.ROUTES,
            *schedule_page.ROUTES,
            *gallery_page.ROUTES,
            *scripts.ROUTES,
            *script.ROUTES,
            *script_editor.ROUTES,
        ],
        before_request=receive,
        request_class=Visit,
        exception_handlers={Exception: visit.refused, HTTPException: visit.refused},
    )
    # Nobody signs in here, and a mail program knows no token of a form.
    ways_out = Router(
        "/",
        route_handlers=[*no_mails.ROUTES, *no_weekly_digest.ROUTES],
        request_class=Visit,
        exception_handlers={Exception: visit.refused, HTTPException: visit.refused},
    )
    face = Face(
        flowpilot=flowpilot,
        cursors=Cursors(secret_keys),
        clock=clock,
        push=push,
        door=Door(flowpilot, Cookies(base_url), new_secret, attempts),
        base_url=base_url,
        links=Links.of(base_url, *secret_keys),
        account_heads=AccountHeads(),
        open_reads=open_reads or OpenReads(allowed=False),
    )
    app = Litestar(
        route_handlers=[
            account,
            pages,
            ways_out,
            *psa.OPEN,
            *gallery.OPEN,
            *maintenance.OPEN,
            *assets.ROUTES,
            *brand.ROUTES,
            *health.routes(probe, metrics),
        ],
        request_class=Call,
        request_max_body_size=LARGEST_BODY,
        exception_handlers={Exception: _refused, HTTPException: _refused},
        state=State({"face": face}, deep_copy=False),
        openapi_config=None,
        logging_config=None,
        debug=False,
        pdb_on_exception=False,
    )
    if security_contact:
        app.register(reading.security(security_contact, clock))
    for route in reading.routes(lambda: openapi.document(app.routes)):
        app.register(route)
    return Edge(app, metrics=metrics, new_id=new_id, base_url=base_url)


def _refused(request: Request[Any, Any, Any], exc: Exception) -> Response[None]:
    """A refusal as a page for whoever opens the address in a browser, and as a problem for everybody else."""
    return (visit.refused if is_of_browser(request) else problems.answer)(request, exc)


def _door(request: Request[Any, Any, Any]) -> Door:
    face: Face = request.app.state["face"]
    return face.door
