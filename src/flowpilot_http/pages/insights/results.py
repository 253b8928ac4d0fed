"""What was searched for: as a page, and piece by piece while somebody types."""

from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta

from flowpilot_core.domain.insights.search import IN_TITLE, Found, Hit, HitKind, Place, Within
from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.query import MOST_TOKENS
from flowpilot_http.pages.page_request import OfAccount, Visit, shows
from flowpilot_http.responses import Body

RESULTS: Final = "/results"
MOST: Final = 50
KINDS: Final = {
    HitKind.SESSION: ("Session", "/sessions/{}"),
    HitKind.HANDOFF: ("Handoff", "/escalations/{}"),
    HitKind.TREE: ("Tree", "/library/trees/{}"),
    HitKind.SCRIPT_TEMPLATE: ("Script", "/library/scripts/{}"),
    HitKind.OUTPUT: ("Output", "/sessions/{}"),
}
"""What each kind is called, and where it is read."""
IN_GALLERY: Final = (None, HitKind.TREE, HitKind.SCRIPT_TEMPLATE)
"""Which kinds the gallery has, too; None: somebody looks for any."""


class Asked(OfAccount, kw_only=True, frozen=True):
    """What to look for, and after which hit."""

    q: Annotated[str, Meta(max_length=4_000)] = ""
    kind: HitKind | None = None
    score: Annotated[int, Meta(ge=0, le=MOST_TOKENS * IN_TITLE)] | None = None
    stars: float | None = None
    after: UUID | None = None


@shows(RESULTS)
async def results_page(request: Visit) -> Body:
    """What is found, the best first."""
    wanted = await request.wanted(Asked)
    person = request.person_for(wanted.account)
    after = None
    if wanted.score is not None and wanted.stars is not None and wanted.after is not None:
        after = Place(wanted.score, wanted.stars, wanted.after)
    found = Found()
    wrong = ""
    if wanted.q.strip():
        try:
            found = await request.flowpilot.search.find(person, wanted.q, within=Within(kind=wanted.kind), after=after, limit=MOST + 1)
        except InvalidValue as refused:
            wrong = f"What you look for {refused.problem}."
    return await request.framed(
        "results.html",
        q=wanted.q,
        kind=wanted.kind,
        kinds=[(kind, name) for kind, (name, _) in KINDS.items()],
        hits=[(hit, KINDS[hit.kind][0], _address(hit)) for hit in found.hits[:MOST]],
        last=found.hits[MOST - 1] if len(found.hits) > MOST else None,
        looked_at=found.looked_at,
        in_gallery=wanted.kind in IN_GALLERY,
        wrong=wrong,
    )


def _address(hit: Hit) -> str:
    return KINDS[hit.kind][1].format(hit.session_id if hit.kind is HitKind.OUTPUT else hit.id)


ROUTES = (results_page,)
