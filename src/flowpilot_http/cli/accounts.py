"""Accounts, their people and tokens."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated
from uuid import UUID

import typer

from flowpilot_core.domain.access.account import Account, ApiToken, User
from flowpilot_core.domain.kernel.actor import Role, Scope
from flowpilot_core.domain.kernel.identifiers import AccountId, TokenId, UserId
from flowpilot_http import main as composition

from .environment import prepared
from .outcome import Json, outcome, run, say

account = typer.Typer(help="The accounts: one for each MSP.", no_args_is_help=True)
user = typer.Typer(help="The people of an account.", no_args_is_help=True)
token = typer.Typer(help="API tokens, each of one person.", no_args_is_help=True)

OfAccount = Annotated[UUID, typer.Option("--account", metavar="ID", help="The account's id, as `account create` printed it.")]

OfUser = Annotated[UUID, typer.Option("--user", metavar="ID", help="The person's id, as `user create` printed it.")]
MOST_DAYS = 3650
SERVED_AT = "http://127.0.0.1:8000"
"""Where `flowpilot serve` listens if it is told nothing."""


@account.command("create")
def create_account(name: Annotated[str, typer.Argument(help="What the account is called.")], json: Json = False) -> None:
    """Make an account."""

    async def work() -> Account:
        async with composition.flowpilot_of(settings) as flowpilot:
            return await flowpilot.accounts.create(name)

    with outcome():
        settings = prepared()
        made = run(work())
        say({"id": made.id, "name": made.name}, f"Account {made.name} has the id {made.id}.", json=json)


@account.command("close")
def close_account(account_id: OfAccount, json: Json = False) -> None:
    """Shut everybody out within a second and tell nobody anything from now on. Nothing is deleted."""

    async def work() -> Account:
        async with composition.flowpilot_of(settings) as flowpilot:
            return await flowpilot.accounts.close(AccountId(account_id))

    with outcome():
        settings = prepared()
        closed = run(work())
        say({"id": closed.id, "closed_at": closed.closed_at}, f"Account {closed.name} has been closed since {closed.closed_at}.", json=json)


@account.command("reopen")
def reopen_account(account_id: OfAccount, json: Json = False) -> None:
    """Let everybody back in, with the tokens they had. What was not sent meanwhile is not sent any more."""

    async def work() -> Account:
        async with composition.flowpilot_of(settings) as flowpilot:
            return await flowpilot.accounts.reopen(AccountId(account_id))

    with outcome():
        settings = prepared()
        opened = run(work())
        say({"id": opened.id, "closed_at": None}, f"Account {opened.name} is open.", json=json)


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
        async with composition.flowpilot_of(settings) as flowpilot:
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
        async with composition.flowpilot_of(settings) as flowpilot:
            return await flowpilot.signing_in.link(AccountId(account_id), UserId(user_id))

    with outcome():
        settings = prepared()
        link = f"{settings.base_url or SERVED_AT}/sign-in-link/{run(work())}"
        say({"link": link}, link, json=json)


@token.command("create")
def create_token(
    account_id: OfAccount,
    user_id: OfUser,
    name: Annotated[str, typer.Option(help="What it is for.")] = "made by the operator",
    scope: Annotated[Scope, typer.Option(help="What it is good for; never more than its person may.")] = Scope.ALL,
    days: Annotated[int | None, typer.Option(min=1, max=MOST_DAYS, help="When it ends; left out: when it is revoked.")] = None,
    json: Json = False,
) -> None:
    """Make a token. It is shown now and never again; what is kept cannot be turned back into it."""

    async def work() -> tuple[ApiToken, str]:
        lasting = None if days is None else timedelta(days=days)
        async with composition.flowpilot_of(settings) as flowpilot:
            return await flowpilot.accounts.add_token(AccountId(account_id), UserId(user_id), name=name, scope=scope, lasting=lasting)

    with outcome():
        settings = prepared()
        made, text = run(work())
        say({"token": text, **_facts(made)}, text, json=json)


@token.command("list")
def list_tokens(account_id: OfAccount, user_id: OfUser, json: Json = False) -> None:
    """List somebody's tokens, those that have ended too."""

    async def work() -> Sequence[ApiToken]:
        async with composition.flowpilot_of(settings) as flowpilot:
            return await flowpilot.accounts.tokens(AccountId(account_id), UserId(user_id))

    with outcome():
        settings = prepared()
        tokens = run(work())
        lines = [f"{one.id}  {one.scope:<5} {_state(one)}  {one.name}" for one in tokens]
        say({"items": [_facts(one) for one in tokens]}, "\n".join(lines) or "There are none.", json=json)


@token.command("revoke")
def revoke_token(
    account_id: OfAccount,
    token_id: Annotated[UUID, typer.Argument(metavar="ID", help="The token's id, as `token list` prints it.")],
    json: Json = False,
) -> None:
    """End a token, within a second and everywhere."""

    async def work() -> None:
        async with composition.flowpilot_of(settings) as flowpilot:
            await flowpilot.accounts.revoke_token(AccountId(account_id), TokenId(token_id))

    with outcome():
        settings = prepared()
        run(work())
        say({"revoked": token_id}, f"The token {token_id} is revoked.", json=json)


def _facts(token: ApiToken) -> dict[str, object]:
    return {
        "id": token.id,
        "user_id": token.user_id,
        "name": token.name,
        "scope": token.scope,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "revoked_at": token.revoked_at,
        "last_used_at": token.last_used_at,
    }


def _state(token: ApiToken) -> str:
    if token.revoked_at is not None:
        return f"revoked {token.revoked_at:%Y-%m-%d}"
    used = f"{token.last_used_at:%Y-%m-%d}" if token.last_used_at else "never"
    until = f"until {token.expires_at:%Y-%m-%d}, " if token.expires_at else ""
    return f"{until}used {used}"
