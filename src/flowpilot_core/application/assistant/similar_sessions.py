"""Looking for sessions of the account that were like this one and are resolved."""

from collections.abc import Sequence

from attrs import evolve

from flowpilot_core.domain.assistant.similar_sessions import MOST_SIMILAR, SimilarSession, most_similar
from flowpilot_core.domain.kernel.identifiers import SessionId
from flowpilot_core.domain.kernel.words import telling_words
from flowpilot_core.ports.assistant import AssistantView, Clean
from flowpilot_core.ports.sessions import SessionDetail, SessionView

CANDIDATES = 20
"""Sessions that are looked at."""


async def similar_to(
    view: AssistantView, title: str, about: Sequence[str], *, without: SessionId, most: int = MOST_SIMILAR
) -> tuple[SimilarSession, ...]:
    """Those most like a title and what else is said of it, `without` the session itself."""
    words = telling_words(title, *about)
    return most_similar(title, about, await view.similar(words, title, without=without, limit=CANDIDATES), most=most)


async def cases_of(view: SessionView, similar: Sequence[SimilarSession]) -> Sequence[SessionDetail]:
    """All that is on record of them."""
    return await view.details([one.session_id for one in similar]) if similar else ()


def cleaned(similar: Sequence[SimilarSession], clean: Clean) -> tuple[SimilarSession, ...]:
    """Similar sessions as they may leave."""
    return tuple(
        evolve(one, title=clean(one.title), summary=clean(one.summary), root_cause=one.root_cause and clean(one.root_cause))
        for one in similar
    )
