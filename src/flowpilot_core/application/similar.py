"""Looking for sessions of the account that were like this one and are resolved."""

from collections.abc import Sequence

from flowpilot_core.domain.identifiers import SessionId
from flowpilot_core.domain.similar import SimilarSession, most_similar, telling_words
from flowpilot_core.ports.persistence import View

CANDIDATES = 20


async def similar_to(view: View, title: str, about: Sequence[str], *, without: SessionId) -> tuple[SimilarSession, ...]:
    """Those most like a title and what else is said of it, `without` the session itself."""
    words = telling_words(title, *about)
    return most_similar(title, about, await view.similar(words, title, without=without, limit=CANDIDATES))
