"""The page behind the link in a mail: who escalated what, and a button that takes it. The link alone is no right to anything."""

from uuid import UUID

from flowpilot_core.application.kernel.links import ClaimLink
from flowpilot_core.domain.handoffs.handoff import HandoffState
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import AlreadyClaimed
from flowpilot_core.domain.kernel.identifiers import BranchId, UserId
from flowpilot_core.ports.handoffs import HandoffDetail
from flowpilot_http.pages.page_request import Form, Visit, shows, takes
from flowpilot_http.responses import Body

CLAIM = "/claim/{signed:str}"


class Take(Form, kw_only=True, frozen=True):
    """Take it, and go on in this branch; where work stopped, where there is no choice."""

    branch_id: UUID | None = None


@shows(CLAIM)
async def claim_page(request: Visit) -> Body:
    """Whom the link is for sees who escalated what; looking changes nothing."""
    link = _link(request)
    person = request.person_of(link.account_id)
    if refusal := _no_good(request, link, person.user_id):
        return refusal
    return await _shown(request, person, await request.flowpilot.handoffs.get(person, link.handoff_id))


@takes(CLAIM)
async def claim_by_link(request: Visit) -> Body:
    """Take it."""
    link = _link(request)
    person = request.person_of(link.account_id)
    chosen = (await request.sent(Take)).branch_id
    if refusal := _no_good(request, link, person.user_id):
        return refusal
    try:
        branch_id = None if chosen is None else BranchId(chosen)
        return await _shown(request, person, await request.flowpilot.handoffs.claim(person, link.handoff_id, branch_id=branch_id))
    except AlreadyClaimed:
        return await _shown(request, person, await request.flowpilot.handoffs.get(person, link.handoff_id), status=409)


def _link(request: Visit) -> ClaimLink:
    return request.links.claimed_by(request.scope["path_params"]["signed"])


def _no_good(request: Visit, link: ClaimLink, user_id: UserId) -> Body | None:
    """Why the link is no use to this person, if it is not; nothing here tells of the handoff."""
    if link.user_id != user_id:
        detail = "This mail was sent to somebody else. What waits for you is in the queue."
        return request.page("problem.html", status=403, title="This link is not for you", detail=detail)
    if link.expires_at <= request.now():
        detail = "Links in mails are good for a week. What still waits is in the queue."
        return request.page("problem.html", status=410, title="This link has expired", detail=detail)
    return None


async def _shown(request: Visit, person: Person, detail: HandoffDetail, *, status: int = 200) -> Body:
    handoff = detail.handoff
    open_ = handoff.state is HandoffState.OPEN
    branches = (await request.flowpilot.sessions.get(person, handoff.session_id)).session.branches if open_ else None
    return await request.framed(
        "claim.html",
        status=status,
        handoff=handoff,
        escalator=detail.names.get(handoff.escalated_by, "a colleague"),
        claimer=detail.names.get(handoff.claim.by, "a colleague") if handoff.claim else None,
        own=bool(handoff.claim and request.user.user_id == handoff.claim.by),
        open=open_,
        branches=branches.workable if branches else (),
        active_id=branches.active_id if branches else None,
    )


ROUTES = (claim_page, claim_by_link)
