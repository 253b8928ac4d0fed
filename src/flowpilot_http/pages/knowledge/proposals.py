"""What resolved sessions taught: listed, and one of them with what it would add, to be accepted or rejected."""

from typing import Final, Literal
from uuid import UUID

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.identifiers import TreeProposalId
from flowpilot_core.domain.kernel.permissions import Permission, permits
from flowpilot_core.domain.knowledge.proposal import ProposalState
from flowpilot_http.pages.moves import Made, Move, Moves, Shown, formed
from flowpilot_http.pages.page_request import OfAccount, Visit, shows
from flowpilot_http.responses import Body
from flowpilot_http.schemas.knowledge.proposals import ProposalOut
from flowpilot_http.schemas.knowledge.trees import DiffOut

from .reading import read
from .shelf import MOST, PROPOSALS, TREES, shelved

PROPOSAL: Final = f"{PROPOSALS}/{{proposal_id:str}}"
ANY: Final = "any"
STATES: Final = (
    (ProposalState.OPEN, "To decide on"),
    (ProposalState.ACCEPTED, "Accepted"),
    (ProposalState.REJECTED, "Rejected"),
    (ANY, "All"),
)
move: Final = Moves()


class Chosen(OfAccount, kw_only=True, frozen=True):
    """Which ones, and from where on."""

    state: Literal["open", "accepted", "rejected", "any"] = "open"
    after: UUID | None = None


@shows(PROPOSALS)
async def proposals_page(request: Visit) -> Body:
    """Those that wait to be decided on, or others."""
    wanted = await request.wanted(Chosen)
    person = request.person_for(wanted.account)
    found = await request.flowpilot.tree_proposals.list(
        person,
        None if wanted.state == ANY else ProposalState(wanted.state),
        after=None if wanted.after is None else TreeProposalId(wanted.after),
        limit=MOST + 1,
    )
    return await shelved(
        request,
        "library_proposals.html",
        {},
        None,
        wanted=wanted,
        items=[ProposalOut.shown(one) for one in found[:MOST]],
        older=found[MOST - 1].proposal.id if len(found) > MOST else None,
        states=STATES,
    )


async def _shown(request: Visit, made: Shown, refusal: Exception | None) -> Body:
    person = request.person_for((await request.wanted(OfAccount)).account)
    found = await request.flowpilot.tree_proposals.look(person, request.proposal_id)
    return await shelved(
        request,
        "library_proposal.html",
        made,
        refusal,
        proposal=ProposalOut.shown(found.shown),
        sessions=found.shown.sessions,
        tree=found.tree,
        node=found.node,
        diff=DiffOut.of(found.diff),
        texts={one.id: one.text for one in found.after.nodes},
        reading=read(found.after),
        may_decide=found.shown.proposal.state is ProposalState.OPEN and permits(person, Permission.DECIDE_PROPOSALS, ()),
    )


@move("accept", Move)
async def accept_proposal(request: Visit, person: Person, form: Move) -> Made:
    """It is in a draft, which is read next."""
    proposals = request.flowpilot.tree_proposals
    accepted = await request.do(form, lambda change: proposals.accept(person, request.proposal_id, request=change))
    return f"{TREES}/{accepted.proposal.draft_tree_id}" if accepted else PROPOSALS


class Reject(Move, kw_only=True, frozen=True):
    """Why not."""

    reason: str = ""


@move("reject", Reject)
async def reject_proposal(request: Visit, person: Person, form: Reject) -> Made:
    """Never again."""
    proposals = request.flowpilot.tree_proposals
    await request.do(form, lambda change: proposals.reject(person, request.proposal_id, form.reason, request=change))
    return PROPOSALS


ROUTES = (proposals_page, *formed(PROPOSAL, _shown, move))
