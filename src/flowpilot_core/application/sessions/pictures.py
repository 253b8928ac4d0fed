"""Use cases of pictures: add one to a step, and look at it."""

from typing import Generic, TypeVar

from attrs import frozen

from flowpilot_core.application.kernel.units import PLAIN, Joined, Request, Units
from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.errors import InvalidPicture, NotFound, Unavailable
from flowpilot_core.domain.kernel.identifiers import AccountId, PictureId, SessionId, StepId
from flowpilot_core.domain.kernel.image import LONGEST_SIDE, Image
from flowpilot_core.domain.kernel.permissions import Permission, person
from flowpilot_core.domain.sessions.bounds import BOUNDS, Bounds
from flowpilot_core.domain.sessions.picture import LARGEST_FILE, Picture, width_to_show
from flowpilot_core.ports.kernel import Clock, NewId, PictureReader, ViewOf
from flowpilot_core.ports.sessions import SessionView, SessionWork, StoredPicture

W = TypeVar("W", bound=SessionWork)


class NoPictures:
    """What stands for `PictureReader` where nobody reads any."""

    async def read(self, account_id: AccountId, content: bytes, *, longest_side: int = LONGEST_SIDE) -> Image:
        """Raises `Unavailable`, as the other."""
        raise Unavailable("pictures")

    async def narrowed(self, account_id: AccountId, image: Image, width: int) -> Image:
        """As `read`."""
        raise Unavailable("pictures")


@frozen(kw_only=True)
class Pictures(Generic[W]):
    """Pictures of the actor's account. Everything raises `NotFound` for what is not there, or not for this actor to know of."""

    units: Units[W] | Joined[W]
    view: ViewOf[SessionView]
    clock: Clock
    new_id: NewId
    reader: PictureReader
    bounds: Bounds = BOUNDS

    async def add(
        self,
        actor: Actor,
        session_id: SessionId,
        step_id: StepId,
        *,
        content: bytes,
        alt: str | None = None,
        request: Request = PLAIN,
    ) -> Picture:
        """A picture as evidence of a step, as it is kept: read anew, and without all that is not the picture."""
        by = person(actor, Permission.ADD_PICTURE)
        if len(content) > LARGEST_FILE:
            raise InvalidPicture(f"its file has more than {LARGEST_FILE} bytes")
        detail = await self.view(actor.account_id).session(session_id)
        detail.session.require_readable(actor)
        if step_id not in {step.id for step in detail.steps}:
            raise NotFound("step")
        image = await self.reader.read(actor.account_id, content)
        picture = Picture.of(PictureId(self.new_id()), image, alt)

        async def unit(work: W) -> Picture:
            before = await work.sessions.get(session_id)
            before.require_readable(actor)
            step = await work.sessions.step(session_id, step_id)
            session, step, event = before.with_picture(step, picture, by=by, at=self.clock.now(), bounds=self.bounds)
            before.require_version(request.if_match)
            await work.sessions.save(session)
            await work.sessions.save_step(step)
            await work.sessions.add_picture(step, picture.id, image.content)
            await self.units.record(work, event, request)
            return picture

        return await self.units.run(actor, unit, request)

    async def get(self, actor: Actor, session_id: SessionId, step_id: StepId, picture_id: PictureId, *, width: int | None = None) -> Image:
        """The file of a picture, `width` pixels wide where somebody says so and it is wider."""
        stored = await self.view(actor.account_id).picture(session_id, step_id, picture_id)
        stored.session.require_readable(actor)
        return await self.shown(actor, stored, width=width)

    async def shown(self, actor: Actor, stored: StoredPicture, *, width: int | None) -> Image:
        """The file of a picture that the actor may see."""
        picture = stored.picture
        image = Image(type=picture.type, width=picture.width, height=picture.height, content=stored.content)
        return image if width is None else await self.reader.narrowed(actor.account_id, image, width_to_show(width))
