"""Use cases of webhooks: whoever manages an account says what is told to whom, and looks at what was."""

import json
from collections.abc import Sequence
from typing import Protocol

from attrs import evolve, frozen

from flowpilot_core.application.access.secrets import Safe
from flowpilot_core.application.kernel.units import PLAIN, Cause, Request, Units
from flowpilot_core.domain.access.audit import Deed, DeedKind
from flowpilot_core.domain.kernel.actor import Actor, Person
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.events import EventKind, Plain
from flowpilot_core.domain.kernel.identifiers import WebhookId, WebhookMessageId
from flowpilot_core.domain.kernel.name import checked_name
from flowpilot_core.domain.kernel.permissions import Permission, person, require_role
from flowpilot_core.domain.notifications.webhook import (
    HOOKABLE,
    Webhook,
    WebhookFormat,
    WebhookMessage,
    checked_kinds,
    checked_target,
    signing_secret,
)
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.kernel import Clock, NewId, NewSecret
from flowpilot_core.ports.notifications import NotificationWork
from flowpilot_core.ports.relay import RelayWork, Work, WorkKind


class WebhooksNeeds(NotificationWork, AccessWork, RelayWork, Protocol):
    """What is done here asks this of a unit of work."""


TARGET = "webhook target"
SECRET = "webhook secret"  # noqa: S105  (what it is for)
BY_HAND = "switched off by hand"


@frozen(kw_only=True)
class Shown:
    """A webhook, and its secret where it was just made: it is never to be had again."""

    webhook: Webhook
    secret: str | None = None


async def tell_webhooks(work: NotificationWork, cause: Cause) -> None:
    """The reaction that has webhooks told of an event."""
    if cause.kind in HOOKABLE:
        await work.webhooks.caused(cause.id)


@frozen(kw_only=True)
class Webhooks:
    """Webhooks of the actor's account. Everything raises `RoleForbidden`, and `NotFound` for what is not there."""

    units: Units[WebhooksNeeds]
    clock: Clock
    new_id: NewId
    new_secret: NewSecret
    safe: Safe

    async def add(
        self,
        actor: Actor,
        *,
        url: str,
        kinds: frozenset[EventKind],
        name: str,
        format: WebhookFormat = WebhookFormat.STANDARD,
        routing_key: str | None = None,
        request: Request = PLAIN,
    ) -> Shown:
        """A new one, with its secret. Raises `InvalidValue`."""
        host = checked_target(url, routing_key, format)
        kinds, name = checked_kinds(kinds, format), checked_name(name)
        by = self._manager(actor)

        async def unit(work: WebhooksNeeds) -> Shown:
            secret = signing_secret(self.new_secret())
            webhook = Webhook(
                id=WebhookId(self.new_id()),
                name=name,
                format=format,
                kinds=kinds,
                host=host,
                target=await self.safe.put(work, by.account_id, TARGET, target(url, routing_key)),
                secret=await self.safe.put(work, by.account_id, SECRET, secret),
                created_by=by.user_id,
                created_at=self.clock.now(),
            )
            await work.webhooks.add(webhook)
            await self._enter(work, DeedKind.WEBHOOK_ADDED, webhook, actor, request)
            return Shown(webhook=webhook, secret=secret)

        return await self.units.run(actor, unit, request)

    async def list(self, actor: Actor) -> Sequence[Webhook]:
        """All of the account, oldest first."""
        require_role(actor, Permission.MANAGE_WEBHOOKS)
        async with self.units.begin(actor.account_id) as work:
            return await work.webhooks.all()

    async def require(self, actor: Actor, webhook_id: WebhookId) -> None:
        """Raises `NotFound` for one that is not of the actor's account."""
        async with self.units.begin(actor.account_id) as work:
            await work.webhooks.get(webhook_id)

    async def change(
        self,
        actor: Actor,
        webhook_id: WebhookId,
        *,
        url: str | None = None,
        routing_key: str | None = None,
        kinds: frozenset[EventKind] | None = None,
        name: str | None = None,
        on: bool | None = None,
        request: Request = PLAIN,
    ) -> Shown:
        """Another address, other kinds, another name; on or off. What is left out stays. Raises `InvalidValue`."""

        async def unit(work: WebhooksNeeds) -> Shown:
            webhook = await work.webhooks.get(webhook_id)
            self._manager(actor)
            if url is not None:
                host = checked_target(url, routing_key, webhook.format)
                await self.safe.put(work, actor.account_id, TARGET, target(url, routing_key), in_place_of=webhook.target)
                webhook = evolve(webhook, host=host)
            if kinds is not None:
                webhook = evolve(webhook, kinds=checked_kinds(kinds, webhook.format))
            if name is not None:
                webhook = evolve(webhook, name=checked_name(name))
            if on is not None:
                webhook = webhook.switched_on() if on else webhook.switched_off(BY_HAND, at=self.clock.now())
            await work.webhooks.save(webhook)
            await self._enter(work, DeedKind.WEBHOOK_CHANGED, webhook, actor, request)
            return Shown(webhook=webhook)

        return await self.units.run(actor, unit, request)

    async def renew_secret(self, actor: Actor, webhook_id: WebhookId, *, request: Request = PLAIN) -> Shown:
        """Another secret; messages are signed with the one before as well for a day."""

        async def unit(work: WebhooksNeeds) -> Shown:
            before = await work.webhooks.get(webhook_id)
            self._manager(actor)
            secret = signing_secret(self.new_secret())
            webhook = before.renewed(await self.safe.put(work, actor.account_id, SECRET, secret), at=self.clock.now())
            await work.webhooks.save(webhook)
            if before.previous_secret is not None:
                await work.secrets.drop(before.previous_secret)
            await self._enter(work, DeedKind.WEBHOOK_SECRET_RENEWED, webhook, actor, request)
            return Shown(webhook=webhook, secret=secret)

        return await self.units.run(actor, unit, request)

    async def drop(self, actor: Actor, webhook_id: WebhookId, *, request: Request = PLAIN) -> Webhook:
        """Told of nothing any more, and forgotten with everything it was sent."""

        async def unit(work: WebhooksNeeds) -> Webhook:
            webhook = await work.webhooks.get(webhook_id)
            self._manager(actor)
            await work.webhooks.drop(webhook_id)
            for secret in (webhook.target, webhook.secret, webhook.previous_secret):
                if secret is not None:
                    await work.secrets.drop(secret)
            await self._enter(work, DeedKind.WEBHOOK_REMOVED, webhook, actor, request)
            return webhook

        return await self.units.run(actor, unit, request)

    async def test(self, actor: Actor, webhook_id: WebhookId, *, request: Request = PLAIN) -> WebhookMessage:
        """Send it a message that says it is a test; how it went is in its log."""

        async def unit(work: WebhooksNeeds) -> WebhookMessage:
            await work.webhooks.get(webhook_id)
            self._manager(actor)
            now = self.clock.now()
            message = WebhookMessage(
                id=WebhookMessageId(self.new_id()), webhook_id=webhook_id, event_id=None, kind=None, created_at=now, updated_at=now
            )
            await work.webhooks.add_messages([message])
            return message

        return await self.units.run(actor, unit, request)

    async def messages(
        self, actor: Actor, webhook_id: WebhookId, *, before: WebhookMessageId | None, limit: int
    ) -> Sequence[WebhookMessage]:
        """What it was sent and what it answered, newest first."""
        async with self.units.begin(actor.account_id) as work:
            await work.webhooks.get(webhook_id)
            require_role(actor, Permission.MANAGE_WEBHOOKS)
            return await work.webhooks.messages(webhook_id, before=before, limit=limit)

    async def replay(
        self, actor: Actor, webhook_id: WebhookId, message_id: WebhookMessageId, *, request: Request = PLAIN
    ) -> WebhookMessage:
        """Send a message once more, under the same id. Raises `InvalidTransition` while it is still on its way."""

        async def unit(work: WebhooksNeeds) -> WebhookMessage:
            await work.webhooks.get(webhook_id)
            message = await work.webhooks.message(message_id)
            if message.webhook_id != webhook_id:
                raise NotFound("webhook message")
            self._manager(actor)
            message = message.replayed(at=self.clock.now())
            await work.webhooks.save_message(message)
            await work.due.add(Work(id=message.id, kind=WorkKind.WEBHOOK, due_at=self.clock.now(), target=webhook_id))
            return message

        return await self.units.run(actor, unit, request)

    async def _enter(self, work: WebhooksNeeds, kind: DeedKind, webhook: Webhook, actor: Actor, request: Request) -> None:
        said: dict[str, Plain] = {"name": webhook.name, "host": webhook.host, "on": webhook.off_at is None}
        deed = Deed.of(kind, by=actor, at=self.clock.now(), thing_id=webhook.id, changed=said, request_id=request.id)
        await work.audit.add(deed)

    def _manager(self, actor: Actor) -> Person:
        require_role(actor, Permission.MANAGE_WEBHOOKS)
        return person(actor, Permission.MANAGE_WEBHOOKS)


def target(url: str, routing_key: str | None) -> str:
    """An address with its routing key, as it is sealed."""
    return json.dumps({"url": url, "routing_key": routing_key})
