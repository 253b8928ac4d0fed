"""Settings: which addresses are told of events."""

from typing import Final
from uuid import UUID

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.events import EventKind
from flowpilot_core.domain.kernel.identifiers import WebhookId
from flowpilot_core.domain.notifications.pushed import PUSHED
from flowpilot_core.domain.notifications.webhook import WebhookFormat
from flowpilot_http.pages.moves import Move, Moves, Shown
from flowpilot_http.pages.page_request import Visit
from flowpilot_http.pages.settings import settings_page, shown_as
from flowpilot_http.schemas.notifications.webhooks import WebhookOut

move: Final = Moves()


class Add(Move, kw_only=True, frozen=True):
    """An address, and what it is told of."""

    name: str = ""
    url: str = ""
    kinds: list[EventKind] = []
    format: WebhookFormat = WebhookFormat.STANDARD
    routing_key: str | None = None


@move("add", Add)
async def add_webhook(request: Visit, person: Person, form: Add) -> Shown | None:
    """Its secret is shown once."""
    webhooks = request.flowpilot.webhooks
    added = await request.do(
        form,
        lambda change: webhooks.add(
            person,
            url=form.url,
            kinds=frozenset(form.kinds),
            name=form.name,
            format=form.format,
            routing_key=form.routing_key,
            request=change,
        ),
    )
    return None if added is None else {"secret": WebhookOut.shown(added).secret}


class Which(Move, kw_only=True, frozen=True):
    """Which one."""

    webhook: UUID
    shown: str = ""


@move("test", Which)
async def test_webhook(request: Visit, person: Person, form: Which) -> None:
    """Its log says how that went."""
    await request.do(form, lambda change: request.flowpilot.webhooks.test(person, WebhookId(form.webhook), request=change))


@move("on", Which)
@move("off", Which)
async def switch_webhook(request: Visit, person: Person, form: Which) -> Shown | None:
    """Tell it of things, or of nothing; unless somebody else has changed it meanwhile."""
    webhooks, on, now = request.flowpilot.webhooks, form.move == "on", await _now(request, person, form)
    if now and form.shown not in ("", shown_as(now)) and on != now.on:
        return {"stale": form}
    await request.do(form, lambda change: webhooks.change(person, WebhookId(form.webhook), on=on, request=change))
    return None


@move("remove", Which)
async def drop_webhook(request: Visit, person: Person, form: Which) -> Shown | None:
    """With the log of what it was told; unless somebody else has changed it meanwhile."""
    now = await _now(request, person, form)
    if now and form.shown not in ("", shown_as(now)):
        return {"stale": form}
    await request.do(form, lambda change: request.flowpilot.webhooks.drop(person, WebhookId(form.webhook), request=change))
    return None


async def _now(request: Visit, person: Person, form: Which) -> WebhookOut | None:
    return next((WebhookOut.of(one) for one in await request.flowpilot.webhooks.list(person) if one.id == form.webhook), None)


async def _facts(request: Visit, person: Person) -> Shown:
    return {
        "webhooks": [WebhookOut.of(one) for one in await request.flowpilot.webhooks.list(person)],
        "shown_as": shown_as,
        "kinds": sorted(PUSHED),
        "formats": [(one, one.capitalize()) for one in WebhookFormat],
    }


ROUTES = settings_page("webhooks", _facts, move)
