"""Webhooks: addresses of the account that are told of events, and the log of what they were told."""

from uuid import UUID

from flowpilot_core.domain.kernel.identifiers import WebhookMessageId
from flowpilot_core.domain.notifications.webhook import Webhook, WebhookMessage
from flowpilot_http.api_request import Call
from flowpilot_http.operations import FORBIDDEN, Part
from flowpilot_http.responses import Body
from flowpilot_http.schemas.kernel import Listed, Nothing, Page
from flowpilot_http.schemas.notifications.webhooks import ChangeWebhook, NewWebhook, WebhookMessageOut, WebhookOut

part = Part("Webhooks")

WEBHOOK = "/webhooks/{webhook_id:str}"
OF_MANAGERS = FORBIDDEN


@part.makes("/webhooks", WebhookOut, body=NewWebhook, problems=("unavailable",))
async def add_webhook(request: Call) -> Body:
    """Have an address told of events. Only this answer has the secret that messages are signed with."""
    new = await request.read(NewWebhook)
    return await request.changed(
        lambda change: request.flowpilot.webhooks.add(
            request.user,
            url=new.url,
            kinds=frozenset(new.kinds),
            name=new.name,
            format=new.format,
            routing_key=new.routing_key,
            request=change,
        ),
        WebhookOut.shown,
        status=201,
        again=WebhookOut.again,
    )


@part.reads("/webhooks", Listed[WebhookOut], query=Page, problems=("invalid_cursor", *OF_MANAGERS))
async def list_webhooks(request: Call) -> Body:
    """The webhooks of your account, oldest first."""
    page = await request.wanted(Page)

    async def more(after: UUID | None, limit: int) -> list[Webhook]:
        return [webhook for webhook in await request.flowpilot.webhooks.list(request.user) if after is None or webhook.id > after][:limit]

    return await request.listed(page, "webhooks", UUID, more, shown=WebhookOut.of, at=lambda webhook: webhook.id)


@part.mends(WEBHOOK, WebhookOut, body=ChangeWebhook)
async def change_webhook(request: Call) -> Body:
    """Give a webhook another address, other kinds or another name; switch it off or on."""
    new = await request.read(ChangeWebhook)
    return await request.changed(
        lambda change: request.flowpilot.webhooks.change(
            request.user,
            request.webhook_id,
            url=new.url,
            routing_key=new.routing_key,
            kinds=None if new.kinds is None else frozenset(new.kinds),
            name=new.name,
            on=new.on,
            request=change,
        ),
        WebhookOut.shown,
    )


@part.drops(WEBHOOK)
async def drop_webhook(request: Call) -> Body:
    """Delete a webhook, with the log of what it was told."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.webhooks.drop(request.user, request.webhook_id, request=change), lambda _: None, status=204
    )


@part.moves(f"{WEBHOOK}/secret", WebhookOut, body=Nothing)
async def renew_secret(request: Call) -> Body:
    """Make another secret, shown once; for a day messages are signed with the old one as well."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.webhooks.renew_secret(request.user, request.webhook_id, request=change),
        WebhookOut.shown,
        again=WebhookOut.again,
    )


@part.moves(f"{WEBHOOK}/test", WebhookMessageOut, body=Nothing)
async def test_webhook(request: Call) -> Body:
    """Send a webhook a test; its log says how that went."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.webhooks.test(request.user, request.webhook_id, request=change), WebhookMessageOut.of
    )


@part.reads(f"{WEBHOOK}/deliveries", Listed[WebhookMessageOut], query=Page, problems=("invalid_cursor", *OF_MANAGERS))
async def webhook_deliveries(request: Call) -> Body:
    """What a webhook was told and what it answered, newest first."""
    webhook_id = request.webhook_id
    page = await request.wanted(Page)

    async def more(before: UUID | None, limit: int) -> list[WebhookMessage]:
        last = None if before is None else WebhookMessageId(before)
        return list(await request.flowpilot.webhooks.messages(request.user, webhook_id, before=last, limit=limit))

    return await request.listed(
        page, f"webhook deliveries {webhook_id}", UUID, more, shown=WebhookMessageOut.of, at=lambda message: message.id
    )


@part.moves(f"{WEBHOOK}/deliveries/{{message_id:str}}/replay", WebhookMessageOut, body=Nothing, problems=("invalid_transition",))
async def replay_delivery(request: Call) -> Body:
    """Send a message once more, under the same id."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.webhooks.replay(request.user, request.webhook_id, request.message_id, request=change),
        WebhookMessageOut.of,
    )


ROUTES = (
    add_webhook,
    list_webhooks,
    change_webhook,
    drop_webhook,
    renew_secret,
    test_webhook,
    webhook_deliveries,
    replay_delivery,
)
