"""What people are called in what was written by some of the account and some of the platform."""

from collections.abc import Collection, Mapping

from flowpilot_core.domain.kernel.errors import DraftTaken, NotFound
from flowpilot_core.domain.kernel.identifiers import UserId
from flowpilot_core.ports.access import AccessWork


async def names_of(work: AccessWork, ids: Collection[UserId | None]) -> Mapping[UserId, str]:
    """As far as they are of this account: whoever writes for the platform is nobody's business."""
    names: dict[UserId, str] = {}
    for user_id in filter(None, ids):
        try:
            names[user_id] = (await work.people.user(user_id)).name
        except NotFound:
            continue
    return names


async def naming(work: AccessWork, taken: DraftTaken) -> DraftTaken:
    """The refusal, with what who has the draft is called."""
    return DraftTaken(taken.thing, taken.by, None if taken.by is None else (await names_of(work, {taken.by})).get(taken.by))
