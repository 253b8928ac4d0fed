"""Use cases of how the actor's account looks and signs."""

from collections.abc import Callable

from attrs import frozen

from flowpilot_core.application.kernel.units import PLAIN, Request, Units
from flowpilot_core.domain.access.audit import Deed, DeedKind
from flowpilot_core.domain.access.branding import LARGEST_LOGO, LONGEST_LOGO_SIDE, WORN_WIDTH, Branding, BrandingWords, LogoFiles
from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.errors import InvalidPicture, NotFound
from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.domain.kernel.image import Image
from flowpilot_core.domain.kernel.permissions import Permission, require_role
from flowpilot_core.ports.access import AccessView, AccessWork
from flowpilot_core.ports.kernel import Clock, PictureReader, ViewOf


@frozen(kw_only=True)
class OwnBranding:
    """What the actor's account shows of itself."""

    units: Units[AccessWork]
    view: ViewOf[AccessView]
    clock: Clock
    reader: PictureReader

    async def get(self, actor: Actor) -> Branding:
        """As it is now."""
        return await self.view(actor.account_id).branding()

    async def set(self, actor: Actor, words: BrandingWords, *, request: Request = PLAIN) -> Branding:
        """Say this from now on, with the logo that there is.

        Raises `InvalidValue`, `LowContrast`, `RoleForbidden` or `VersionConflict`.
        """
        return await self._move(actor, lambda before: before.changed(words), request)

    async def previewed(self, actor: Actor, words: BrandingWords) -> Branding:
        """What `set` would come to, and nothing is kept. Raises as it does."""
        after = (await self.get(actor)).changed(words)
        require_role(actor, Permission.SET_ACCOUNT)
        return after

    async def logo(self, actor: Actor) -> Image:
        """Its file. Raises `NotFound`."""
        return await self.view(actor.account_id).logo()

    async def set_logo(self, actor: Actor, content: bytes, *, request: Request = PLAIN) -> Branding:
        """Another logo from now on, read anew and without all that is not the picture. Raises `InvalidPicture` too."""
        # Reading it costs more than anything else, and is not for everybody.
        require_role(actor, Permission.SET_ACCOUNT)
        if len(content) > LARGEST_LOGO:
            raise InvalidPicture(f"its file has more than {LARGEST_LOGO} bytes")
        whole = await self.reader.read(actor.account_id, content, longest_side=LONGEST_LOGO_SIDE)
        files = LogoFiles(whole=whole, worn=await self.reader.narrowed(actor.account_id, whole, WORN_WIDTH))
        logo = files.logo
        return await self._move(actor, lambda before: before.with_logo(logo), request, files=files)

    async def drop_logo(self, actor: Actor, *, request: Request = PLAIN) -> Branding:
        """None from now on. Raises `NotFound` where there is none."""

        def dropped(before: Branding) -> Branding:
            if before.logo is None:
                raise NotFound("logo")
            return before.with_logo(None)

        return await self._move(actor, dropped, request)

    async def worn(self, account_id: AccountId) -> Branding:
        """What anybody is shown who is about to come in; the same of an account that is not there and of one that says nothing."""
        return await self.view(account_id).branding()

    async def worn_logo(self, account_id: AccountId, sha256: str) -> Image:
        """The small file of a logo to whoever was shown its digest. Raises `NotFound`, also once there is another."""
        worn = await self.view(account_id).worn()
        if worn.logo is None or worn.logo.sha256 != sha256:
            raise NotFound("logo")
        return worn.logo

    async def _move(
        self, actor: Actor, move: Callable[[Branding], Branding], request: Request, *, files: LogoFiles | None = None
    ) -> Branding:
        async def unit(work: AccessWork) -> Branding:
            before = await work.branding.get()
            after = move(before)
            require_role(actor, Permission.SET_ACCOUNT)
            before.require_version(request.if_match)
            await work.branding.save(after, files=files)
            kind = DeedKind.BRANDING_CHANGED
            await work.audit.add(Deed.of(kind, by=actor, at=self.clock.now(), changed=_told(after), request_id=request.id))
            return after

        return await self.units.run(actor, unit, request)


def _told(branding: Branding) -> dict[str, Plain]:
    return {
        "display_name": branding.display_name,
        "colour": branding.colour.value if branding.colour else None,
        "website": branding.website,
        "footer": branding.footer,
        "mail_sender_name": branding.mail_sender_name,
        "logo": branding.logo.whole.sha256 if branding.logo else None,
    }
