"""Whom a command is about: by id, or as people call them."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from flowpilot_core.domain.kernel.identifiers import AccountId, UserId

if TYPE_CHECKING:
    from flowpilot_core.application.flowpilot import FlowPilot

OfAccount = Annotated[str, typer.Option("--account", metavar="ACCOUNT", help="The account: its id, or its name.")]
OfUser = Annotated[str, typer.Option("--user", metavar="USER", help="The person: their id, or their e-mail address.")]


async def person_of(flowpilot: "FlowPilot", account_id: AccountId, said: str) -> UserId:
    """The person of this id, or of this address. Raises `NotFound`."""
    try:
        return UserId(UUID(said))
    except ValueError:
        return (await flowpilot.accounts.person_at(account_id, said)).id
