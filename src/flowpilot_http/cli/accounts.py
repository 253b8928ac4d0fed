"""Accounts, their people and tokens."""

import socket
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

import typer

from flowpilot_core.domain.access.account import Account, ApiToken, Team, User
from flowpilot_core.domain.kernel.actor import Role, Scope
from flowpilot_core.domain.kernel.identifiers import AccountId, TokenId
from flowpilot_http import main as composition
from flowpilot_http.settings import variable

from .environment import prepared
from .naming import OfAccount, OfUser, person_of
from .outcome import Json, complain, outcome, run, say

account = typer.Typer(help="Accounts, one for each MSP.", no_args_is_help=True)
user = typer.Typer(help="The people of an account.", no_args_is_help=True)
team = typer.Typer(help="The teams of an account.", no_args_is_help=True)
token = typer.Typer(help="API tokens, each for one person.", no_args_is_help=True)

MOST_DAYS = 3650
PATIENCE = 2.0
"""Seconds for a server to take a connection."""
USUAL_PORTS = {"http": 80, "https": 443}
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


@account.command("list")
def list_accounts(json: Json = False) -> None:
    """List all accounts, oldest first, closed ones included."""
    with outcome():
        found = composition.accounts(prepared())
        facts = [{"id": one.id, "name": one.name, "created_at": one.created_at, "closed_at": one.closed_at} for one in found]
        lines = [f"{one.id}  {one.name}{f'  (closed {one.closed_at:%Y-%m-%d})' if one.closed_at else ''}" for one in found]
        say({"items": facts}, "\n".join(lines) or "There are none.", json=json)


@account.command("close")
def close_account(account: OfAccount, json: Json = False) -> None:
    """Shut everybody out within a second, and send nothing more. Nothing is deleted."""

    async def work() -> Account:
        async with composition.flowpilot_of(settings) as flowpilot:
            return await flowpilot.accounts.close(composition.account_called(settings, account))

    with outcome():
        settings = prepared()
        closed = run(work())
        say(
            {"id": closed.id, "closed_at": closed.closed_at},
            f"Account {closed.name} has been closed since {closed.closed_at:%Y-%m-%d %H:%M} UTC.",
            json=json,
        )


@account.command("reopen")
def reopen_account(account: OfAccount, json: Json = False) -> None:
    """Let everybody back in, with the tokens they had. What was not sent in the meantime stays unsent."""

    async def work() -> Account:
        async with composition.flowpilot_of(settings) as flowpilot:
            return await flowpilot.accounts.reopen(composition.account_called(settings, account))

    with outcome():
        settings = prepared()
        opened = run(work())
        say({"id": opened.id, "closed_at": None}, f"Account {opened.name} is open.", json=json)


@user.command("create")
def create_user(
    account: OfAccount,
    email: Annotated[str, typer.Option(help="Where mails to this person go.")],
    name: Annotated[str, typer.Option(help="The name that colleagues see.")],
    role: Annotated[Role, typer.Option(help="What this person may do.")],
    json: Json = False,
) -> None:
    """Add a person to an account."""

    async def work() -> tuple[AccountId, User]:
        async with composition.flowpilot_of(settings) as flowpilot:
            account_id = composition.account_called(settings, account)
            return account_id, await flowpilot.accounts.add_user(account_id, email=email, name=name, role=role)

    with outcome():
        settings = prepared()
        account_id, made = run(work())
        facts = {"id": made.id, "account_id": account_id, "email": made.email, "name": made.name, "role": made.role}
        say(facts, f"{made.name} ({made.role}) has the id {made.id}.", json=json)


@user.command("list")
def list_users(account: OfAccount, json: Json = False) -> None:
    """List the people of an account, oldest first, deactivated ones included."""

    async def work() -> Sequence[User]:
        async with composition.flowpilot_of(settings) as flowpilot:
            return await flowpilot.accounts.everybody(composition.account_called(settings, account))

    with outcome():
        settings = prepared()
        found = run(work())
        facts = [
            {"id": one.id, "email": one.email, "name": one.name, "role": one.role, "state": one.state, "team_ids": sorted(one.team_ids)}
            for one in found
        ]
        lines = [f"{one.id}  {one.role:<8}  {one.state:<11}  {one.name} <{one.email}>" for one in found]
        say({"items": facts}, "\n".join(lines) or "There are none.", json=json)


@team.command("list")
def list_teams(account: OfAccount, json: Json = False) -> None:
    """List the teams of an account, oldest first, archived ones included."""

    async def work() -> Sequence[Team]:
        async with composition.flowpilot_of(settings) as flowpilot:
            return await flowpilot.accounts.teams(composition.account_called(settings, account))

    with outcome():
        settings = prepared()
        found = run(work())
        facts = [{"id": one.id, "name": one.name, "archived_at": one.archived_at} for one in found]
        lines = [f"{one.id}  {one.name}{f'  (archived {one.archived_at:%Y-%m-%d})' if one.archived_at else ''}" for one in found]
        say({"items": facts}, "\n".join(lines) or "There are none.", json=json)


def sign_in_link(
    account: OfAccount,
    user: OfUser,
    json: Json = False,
) -> None:
    """Print a link that signs one person in, once, within 15 minutes. Whoever opens it is signed in as them: give it to nobody else."""

    async def work() -> str:
        async with composition.flowpilot_of(settings) as flowpilot:
            account_id = composition.account_called(settings, account)
            return await flowpilot.signing_in.link(account_id, await person_of(flowpilot, account_id, user))

    with outcome():
        settings = prepared()
        here = settings.base_url or SERVED_AT
        link = f"{here}/sign-in-link/{run(work())}"
        say({"link": link}, link, json=json)
        if not _answers(here):
            remedy = "" if settings.base_url else f"; if it runs elsewhere, set {variable('base_url')}"
            complain(f"flowpilot: nothing answers at {here}: the link works once `flowpilot serve` runs there{remedy}")


def _answers(address: str) -> bool:
    """Whether anybody listens there, as far as this machine can tell."""
    parts = urlsplit(address)
    try:
        with socket.create_connection((parts.hostname, parts.port or USUAL_PORTS[parts.scheme]), timeout=PATIENCE):
            return True
    except OSError:
        return False


@token.command("create")
def create_token(
    account: OfAccount,
    user: OfUser,
    name: Annotated[str, typer.Option(help="What it is for.")] = "made by the operator",
    scope: Annotated[Scope, typer.Option(help="What it may do; never more than its person may.")] = Scope.ALL,
    days: Annotated[int | None, typer.Option(min=1, max=MOST_DAYS, help="How many days it lasts. Without it, until it is revoked.")] = None,
    json: Json = False,
) -> None:
    """Make a token. It is shown now and never again: what is stored cannot be turned back into it."""

    async def work() -> tuple[ApiToken, str]:
        lasting = None if days is None else timedelta(days=days)
        async with composition.flowpilot_of(settings) as flowpilot:
            account_id = composition.account_called(settings, account)
            user_id = await person_of(flowpilot, account_id, user)
            return await flowpilot.accounts.add_token(account_id, user_id, name=name, scope=scope, lasting=lasting)

    with outcome():
        settings = prepared()
        made, text = run(work())
        say({"token": text, **_facts(made)}, text, json=json)


@token.command("list")
def list_tokens(account: OfAccount, user: OfUser, json: Json = False) -> None:
    """List somebody's tokens, expired and revoked ones included."""

    async def work() -> Sequence[ApiToken]:
        async with composition.flowpilot_of(settings) as flowpilot:
            account_id = composition.account_called(settings, account)
            return await flowpilot.accounts.tokens(account_id, await person_of(flowpilot, account_id, user))

    with outcome():
        settings = prepared()
        tokens = run(work())
        lines = [f"{one.id}  {one.scope:<5} {_state(one)}  {one.name}" for one in tokens]
        say({"items": [_facts(one) for one in tokens]}, "\n".join(lines) or "There are none.", json=json)


@token.command("revoke")
def revoke_token(
    account: OfAccount,
    token_id: Annotated[UUID, typer.Argument(metavar="ID", help="The token's id, as `token list` prints it.")],
    json: Json = False,
) -> None:
    """Revoke a token, everywhere and within a second."""

    async def work() -> None:
        async with composition.flowpilot_of(settings) as flowpilot:
            await flowpilot.accounts.revoke_token(composition.account_called(settings, account), TokenId(token_id))

    with outcome():
        settings = prepared()
        run(work())
        say({"revoked": token_id}, f"Token {token_id} is revoked.", json=json)


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
