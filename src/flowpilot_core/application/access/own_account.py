"""Use cases of how the actor's account works."""

from attrs import frozen

from flowpilot_core.application.kernel.units import PLAIN, Request, Units
from flowpilot_core.domain.access.account import Account
from flowpilot_core.domain.access.audit import Deed, DeedKind
from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.permissions import Permission, require_role
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.kernel import Clock


@frozen(kw_only=True)
class OwnAccount:
    """The actor's account, and what it says about itself."""

    units: Units[AccessWork]
    clock: Clock

    async def get(self, actor: Actor) -> Account:
        """What it is called and how it works."""
        async with self.units.begin(actor.account_id) as work:
            return await work.people.account()

    async def change(
        self,
        actor: Actor,
        *,
        redacts_personal: bool | None = None,
        mails_a_minute: int | None = None,
        time_zone: str | None = None,
        request: Request = PLAIN,
    ) -> Account:
        """Have it work in another way from now on; what is None stays. Raises `InvalidValue` or `RoleForbidden`."""

        async def unit(work: AccessWork) -> Account:
            changed = (await work.people.account()).changed(
                redacts_personal=redacts_personal, mails_a_minute=mails_a_minute, time_zone=time_zone
            )
            require_role(actor, Permission.SET_ACCOUNT)
            await work.people.save_account(changed)
            said: dict[str, Plain] = {
                "redacts_personal": changed.redacts_personal,
                "mails_a_minute": changed.mails_a_minute,
                "time_zone": changed.time_zone,
            }
            kind = DeedKind.ACCOUNT_CHANGED
            await work.audit.add(Deed.of(kind, by=actor, at=self.clock.now(), changed=said, request_id=request.id))
            return changed

        return await self.units.run(actor, unit, request)
