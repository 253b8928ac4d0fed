"""Looking at pictures as a handoff froze them: for good, wherever its session went since."""

from typing import Any, Protocol
from uuid import UUID

from attrs import frozen

from flowpilot_core.application.sessions.pictures import Pictures
from flowpilot_core.domain.handoffs.case_file import snapshot_of
from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.errors import NotFound, SnapshotDamaged
from flowpilot_core.domain.kernel.identifiers import HandoffId, PictureId, StepId
from flowpilot_core.domain.kernel.image import Image
from flowpilot_core.ports.handoffs import HandoffView
from flowpilot_core.ports.kernel import ViewOf
from flowpilot_core.ports.sessions import SessionView


class FrozenPicturesView(HandoffView, SessionView, Protocol):
    """What is looked at here asks this of a view."""


@frozen(kw_only=True)
class FrozenPictures:
    """Pictures of the actor's account that its snapshots name."""

    view: ViewOf[FrozenPicturesView]
    pictures: Pictures[Any]

    async def get(self, actor: Actor, handoff_id: HandoffId, picture_id: PictureId, *, width: int | None = None) -> Image:
        """The file of a picture that a handoff's snapshot names, as `Pictures.get` gives it.

        Raises `NotFound` for whoever may not read the handoff, and for a picture that was added later; `SnapshotDamaged` where it is not
        the one that was frozen.
        """
        see = self.view(actor.account_id)
        frozen_then = await see.snapshot(handoff_id)
        frozen_then.handoff.require_readable(actor)
        step_id, digest = _named(snapshot_of(frozen_then.body), picture_id)
        stored = await see.picture(frozen_then.handoff.session_id, step_id, picture_id)
        if stored.picture.sha256 != digest:
            raise SnapshotDamaged(handoff_id)
        return await self.pictures.shown(actor, stored, width=width)


def _named(snapshot: Any, picture_id: PictureId) -> tuple[StepId, str]:
    """The step of a picture, and its digest. Raises `NotFound`."""
    for step in snapshot["steps"]:
        for picture in step.get("pictures", ()):
            if picture["id"] == str(picture_id):
                return StepId(UUID(step["id"])), picture["sha256"]
    raise NotFound("picture")
