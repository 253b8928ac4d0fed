"""Accounts, their people and tokens."""

from typing import Annotated
from uuid import UUID

import typer

from flowpilot_core.domain.account import Account, ApiToken, User
from flowpilot_core.domain.actor import Role
from flowpilot_core.domain.identifiers import AccountId, UserId
from flowpilot_http.main import flowpilot_of

from .environment import prepared
from .outcome import Json, outcome, run, say

account = typer.Typer(help="The accounts: one for each MSP.", no_args_is_help=True)
user = typer.Typer(help="The people of an account.", no_args_is_help=True)
token = typer.Typer(help="API tokens, each of one person.", no_args_is_help=True)

OfAccount = Annotated[UUID, typer.Option("--account", metavar="ID", help="The account's id, as `account create` printed it.")]

OfUser = Annotated[UUID, typer.Option("--user", metavar="ID", help="The person's id, as `user create` printed it.")]
SERVED_AT = "http://127.0.0.1:8000"
"""Where `flowpilot serve` listens if it is told nothing."""


@account.command("create")
def create_account(name: Annotated[str, typer.Argument(help="What the account is called.")], json: Json = False) -> None:
    """Make an account."""

    async def work() -> Account:
        async with flowpilot_of(settings) as flowpilot:
            return await flowpilot.accounts.create(name)

    with outcome():
        settings = prepared()
        made = run(work())
        say({"id": made.id, "name": made.name}, f"Account {made.name} has the id {made.id}.", json=json)


@user.command("create")
def create_user(
    account_id: OfAccount,
    email: Annotated[str, typer.Option(help="Where mails to this person go.")],
    name: Annotated[str, typer.Option(help="What colleagues read.")],
    role: Annotated[Role, typer.Option(help="What this person may do.")],
    json: Json = False,
) -> None:
    """Make a person of an account."""

    async def work() -> User:
        async with flowpilot_of(settings) as flowpilot:
            return await flowpilot.accounts.add_user(AccountId(account_id), email=email, name=name, role=role)

    with outcome():
        settings = prepared()
        made = run(work())
        facts = {"id": made.id, "account_id": account_id, "email": made.email, "name": made.name, "role": made.role}
        say(facts, f"{made.name} ({made.role}) has the id {made.id}.", json=json)


def sign_in_link(
    account_id: OfAccount,
    user_id: OfUser,
    json: Json = False,
) -> None:
    """Print a link that signs one person in once, within a quarter of an hour. Whoever opens it is that person: hand it to nobody else."""

    async def work() -> str:
        async with flowpilot_of(settings) as flowpilot:
            return await flowpilot.signing_in.link(AccountId(account_id), UserId(user_id))

    with outcome():
        settings = prepared()
        link = f"{settings.base_url or SERVED_AT}/sign-in-link/{run(work())}"
        say({"link": link}, link, json=json)


@token.command("create")
def create_token(
    account_id: OfAccount,
    user_id: OfUser,
    json: Json = False,
) -> None:
    """Make a token. It is shown now and never again; what is kept cannot be turned back into it."""

    async def work() -> tuple[ApiToken, str]:
        async with flowpilot_of(settings) as flowpilot:
            return await flowpilot.accounts.add_token(AccountId(account_id), UserId(user_id))

    with outcome():
        settings = prepared()
        made, text = run(work())
        say({"id": made.id, "token": text}, text, json=json)
