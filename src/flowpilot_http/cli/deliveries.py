"""What was told to whom, for operators: of all handoffs of an account at once."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import typer

from flowpilot_core.domain.kernel.actor import System
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import DeliveryId
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.domain.kernel.text import counted
from flowpilot_core.domain.notifications.delivery import Delivery
from flowpilot_http import main as composition
from flowpilot_http.settings import Settings

from .environment import prepared
from .naming import OfAccount
from .outcome import Json, outcome, run, say

PAGE = 200

deliveries = typer.Typer(help="Who was told what, and what to do where a message failed.", no_args_is_help=True)


@deliveries.command("list")
def list_deliveries(
    account: OfAccount,
    state: Annotated[DeliveryState | None, typer.Option(help="Only those in this state.")] = None,
    most: Annotated[int, typer.Option(min=1, max=PAGE, help="How many, the newest first.")] = 50,
    json: Json = False,
) -> None:
    """Show the deliveries of an account, the newest first."""

    async def work() -> Sequence[Delivery]:
        async with composition.flowpilot_of(settings) as flowpilot:
            return await flowpilot.deliveries.ledger(_operator(settings, account), _states(state), before=None, limit=most)

    with outcome():
        settings = prepared()
        found = run(work())
        say({"items": [_facts(one) for one in found]}, "\n".join(_line(one) for one in found) or "There are none.", json=json)


@deliveries.command("retry")
def retry_deliveries(
    account: OfAccount,
    delivery_ids: Annotated[list[UUID] | None, typer.Argument(metavar="[ID]...", help="Which ones. Without any, all dead ones.")] = None,
    json: Json = False,
) -> None:
    """Try the dead deliveries of an account again."""

    async def work() -> list[UUID]:
        async with composition.flowpilot_of(settings) as flowpilot:
            operator = _operator(settings, account)
            dead: list[Delivery] = []
            while page := await flowpilot.deliveries.ledger(
                operator, _states(DeliveryState.DEAD), before=dead[-1].id if dead else None, limit=PAGE
            ):
                dead += page
            wanted = dead if delivery_ids is None else [one for one in dead if one.id in delivery_ids]
            if delivery_ids is not None and len(wanted) < len(set(delivery_ids)):
                raise NotFound("dead delivery")
            for one in wanted:
                await flowpilot.deliveries.retry(operator, one.handoff_id, DeliveryId(one.id))
            return [one.id for one in wanted]

    with outcome():
        settings = prepared()
        retried = run(work())
        say({"retried": retried}, f"{len(retried)} will be tried again.", json=json)


@deliveries.command("drain")
def drain(json: Json = False) -> None:
    """Do all of the relay's work that is due now, in this process, and exit."""
    with outcome():
        done = run(composition.drain(prepared()))
        say({"done": done}, f"{done} pieces of work done; nothing more is due.", json=json)


def _operator(settings: Settings, account: str) -> System:
    return System(account_id=composition.account_called(settings, account), cause="asked for on the command line")


def _states(state: DeliveryState | None) -> frozenset[DeliveryState]:
    return frozenset(DeliveryState) if state is None else frozenset({state})


def _facts(one: Delivery) -> dict[str, object]:
    return {
        "id": one.id,
        "handoff_id": one.handoff_id,
        "user_id": one.user_id,
        "channel": one.channel,
        "kind": one.kind,
        "state": one.state,
        "reason": one.reason,
        "attempts": one.attempts,
        "last_error": one.last_error,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
    }


def _line(one: Delivery) -> str:
    why, tries = one.last_error or one.reason, counted(one.attempts, "try", "tries")
    return f"{one.id}  {one.state:<10}  {one.channel:<7}  handoff {one.handoff_id}  {tries}{f'  {why}' if why else ''}"
