"""Use cases of what PSAs tell: give a connection an address that its PSA calls, take it back, and hear what comes in there."""

from datetime import datetime
from typing import Protocol

from attrs import frozen

from flowpilot_core.application.kernel.units import PLAIN, Request, Units
from flowpilot_core.domain.access.audit import Deed, DeedKind
from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.errors import NotFound, Unauthenticated, Unavailable
from flowpilot_core.domain.kernel.identifiers import PLATFORM_ACCOUNT, PsaConnectionId, PsaTicketId
from flowpilot_core.domain.kernel.permissions import Permission, require_role
from flowpilot_core.domain.kernel.secret_text import ParsedToken, Prefix, derived, parse_token, token_digest, token_text
from flowpilot_core.domain.psa.vendor import Vouching
from flowpilot_core.domain.psa.webhook import PsaWebhook, WatchedTicket
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.kernel import Clock, NewId, NewSecret
from flowpilot_core.ports.psa import Knock, NotDone, PsaWork

from .access import Psas


class WebhooksNeeds(PsaWork, AccessWork, Protocol):
    """What is done here asks this of a unit of work."""


PURPOSE = "psa webhook"
"""What the secrets of webhooks are sealed for."""


@frozen(kw_only=True)
class Address:
    """Where a PSA is to call, as it is shown once."""

    token: str
    """What the address ends with."""
    secret: str | None = None
    """What is to be entered beside it, where the vendor takes that."""
    made_at: datetime


@frozen(kw_only=True)
class PsaWebhooks:
    """The addresses of the actor's account. Everything raises `NotFound` for what is not there, and `RoleForbidden`."""

    units: Units[WebhooksNeeds]
    clock: Clock
    new_id: NewId
    new_secret: NewSecret
    psas: Psas

    async def renew(self, actor: Actor, connection_id: PsaConnectionId, *, request: Request = PLAIN) -> Address:
        """An address for the PSA of a connection; one that there was is no good from now on."""

        async def unit(work: WebhooksNeeds) -> Address:
            connection = await work.psa.connection(connection_id)
            require_role(actor, Permission.CONNECT_PSA)
            in_address = self.new_secret()
            secret = derived(self.new_secret().hex(), PURPOSE)
            await forget(work, connection_id)
            secret_id = await self.psas.safe.put(work, actor.account_id, PURPOSE, secret)
            digest = token_digest(in_address)
            webhook = PsaWebhook(connection_id=connection_id, digest=digest, secret_id=secret_id, made_at=self.clock.now())
            await work.psa_webhooks.renew(webhook)
            await self._enter(work, DeedKind.PSA_WEBHOOK_RENEWED, connection_id, actor, request)
            shown = self.psas.of(connection.system).vendor.vouching is Vouching.SECRET
            token = token_text(actor.account_id, in_address, Prefix.PSA)
            return Address(token=token, secret=secret if shown else None, made_at=webhook.made_at)

        return await self.units.run(actor, unit, request)

    async def drop(self, actor: Actor, connection_id: PsaConnectionId, *, request: Request = PLAIN) -> None:
        """No address any more."""

        async def unit(work: WebhooksNeeds) -> None:
            await work.psa.connection(connection_id)
            require_role(actor, Permission.CONNECT_PSA)
            if await forget(work, connection_id):
                await self._enter(work, DeedKind.PSA_WEBHOOK_REMOVED, connection_id, actor, request)

        await self.units.run(actor, unit, request)

    async def hear(self, token: str, knock: Knock) -> None:
        """What came in at an address: the ticket that it tells of is looked at later, and nothing else is believed.

        Raises `NotFound` where there is no such address, `NotVouchedFor` where nobody vouches for what came, and `Unavailable` where
        the vendor could not be asked for what it signs with.
        """
        parsed = _parsed(token)
        async with self.units.begin(parsed.account_id) as work:
            webhook = await work.psa_webhooks.by(parsed.digest)
            if (await work.people.account()).closed_at is not None:
                raise NotFound("PSA webhook")
            connection = await work.psa.connection(webhook.connection_id)
            access = await self.psas.access(work, parsed.account_id, connection)
            secret = await self.psas.safe.open(work, parsed.account_id, PURPOSE, webhook.secret_id)
        try:
            ticket_id = await self.psas.of(connection.system).told(access, knock, secret)
        except NotDone as exc:
            raise Unavailable("PSA") from exc
        if ticket_id is None:
            return
        async with self.units.begin(parsed.account_id) as work:
            ticket = WatchedTicket(id=PsaTicketId(self.new_id()), connection_id=connection.id, ticket_id=ticket_id)
            await work.psa_webhooks.told(ticket)
            await work.commit()
        self.units.committed(parsed.account_id)

    async def _enter(self, work: WebhooksNeeds, kind: DeedKind, connection_id: PsaConnectionId, actor: Actor, request: Request) -> None:
        await work.audit.add(Deed.of(kind, by=actor, at=self.clock.now(), thing_id=connection_id, request_id=request.id))


async def forget(work: WebhooksNeeds, connection_id: PsaConnectionId) -> bool:
    """Have a connection without an address; whether it had one."""
    try:
        webhook = await work.psa_webhooks.of(connection_id)
    except NotFound:
        return False
    await work.psa_webhooks.drop(connection_id)
    await work.secrets.drop(webhook.secret_id)
    return True


def _parsed(token: str) -> ParsedToken:
    """What to look up for the end of an address; one that cannot be any is looked up as well, and not found, like any other."""
    try:
        return parse_token(token, Prefix.PSA)
    except Unauthenticated:
        return ParsedToken(account_id=PLATFORM_ACCOUNT, digest=token_digest(token.encode()))
