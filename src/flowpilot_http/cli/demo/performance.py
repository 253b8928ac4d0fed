"""The stage of the demo: a database, a server and a mail server that live as long as it does."""

import signal
import tempfile
from pathlib import Path
from typing import Final, NoReturn
from uuid import UUID

from rich.console import Console
from rich.text import Text

from flowpilot_core.domain.access.account import Account
from flowpilot_core.domain.kernel.actor import Role
from flowpilot_core.domain.kernel.identifiers import AccountId, UserId
from flowpilot_http import logs
from flowpilot_http import main as composition
from flowpilot_http.cli.outcome import run
from flowpilot_http.main.failures import CannotRun
from flowpilot_http.settings import Settings

from . import mails
from .caller import Caller
from .mailbox import Mailbox
from .server import Server, serving
from .story import Cast, Story, StoryBroken

HOME: Final = "Northwind IT"
AWAY: Final = "Fabrikam Support"
BETWEEN_LOOKS: Final = 0.5
"""Seconds to wait for a mail before looking whether the server still runs."""


def perform(*, replay: bool, serve: bool) -> None:
    """Set everything up, tell the story, and on a terminal, or where asked to `serve`, say where to look and serve until Ctrl-C.

    `replay`: of a log, too.

    Raises `CannotRun` where something does not start, or where the story does not hold.
    """
    # Its window may be closed as well, and nobody else would end the server and the database.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory(prefix="flowpilot-demo-") as folder, Mailbox() as mailbox:
        settings = Settings(data_dir=Path(folder) / "data", smtp_url=f"smtp://127.0.0.1:{mailbox.port}")
        logs.configure("warning")
        console.print("Starting a database and a server for the demo …", style="dim")
        with composition.database_of(settings), serving(settings, Path(folder) / "server.log") as server:
            cast, stays = _cast(settings, server.port), console.is_terminal or serve
            story = Story(
                console=console,
                cast=cast,
                mailbox=mailbox,
                replay=lambda log: server.replay(log, cast.account_id),
                folder=Path(folder),
                stays=stays,
            )
            try:
                story.tell()
                if replay:
                    story.replayed()
            except StoryBroken as broken:
                raise CannotRun(f"the story went wrong: {broken}\n{server.last_words()}") from broken
            if stays:
                story.more_wait()
                _say_where_to_look(console, cast, server.port, _link(settings, cast))
                _keep_serving(console, server, mailbox)
            else:
                console.print(
                    Text(
                        "\nOn a terminal, or with --serve, the demo keeps serving, so that you can look around. Here it ends.", style="bold"
                    )
                )


def _cast(settings: Settings, port: int) -> Cast:
    """The accounts, their people, and a token for each of them."""

    async def made() -> Cast:
        async with composition.flowpilot_of(settings) as flowpilot:

            async def caller(account: Account, name: str, role: Role) -> Caller:
                email = f"{name.partition(' ')[0].lower()}@{account.name.partition(' ')[0].lower()}.example"
                user = await flowpilot.accounts.add_user(account.id, email=email, name=name, role=role)
                _, token = await flowpilot.accounts.add_token(account.id, user.id)
                return Caller(name=name, port=port, token=token)

            home, away = await flowpilot.accounts.create(HOME), await flowpilot.accounts.create(AWAY)
            return Cast(
                account_id=str(home.id),
                home=home.name,
                away=away.name,
                jo=await caller(home, "Jo Park", Role.ENGINEER),
                sam=await caller(home, "Sam Reyes", Role.ENGINEER),
                sue=await caller(home, "Sue Lind", Role.ADMIN),
                vic=await caller(home, "Vic Holm", Role.VIEWER),
                mia=await caller(away, "Mia Costa", Role.ENGINEER),
            )

    return run(made())


def _link(settings: Settings, cast: Cast) -> str:
    """What signs a browser in as the senior, once."""

    async def made() -> str:
        async with composition.flowpilot_of(settings) as flowpilot:
            return await flowpilot.signing_in.link(AccountId(UUID(cast.account_id)), UserId(UUID(cast.sam.get("/users/me").body["id"])))

    return run(made())


def _say_where_to_look(console: Console, cast: Cast, port: int, link: str) -> None:
    address = f"http://127.0.0.1:{port}"
    console.print()
    console.print(Text("Where to look", style="bold cyan"))
    for what, where in (
        ("The queue, signed in as Sam, the senior", f"{address}/sign-in-link/{link}?next=/queue"),
        ("The library of trees and scripts, once signed in", f"{address}/library/gallery"),
        ("The API reference", f"{address}/docs"),
        ("The same as an OpenAPI document", f"{address}/openapi.json"),
        ("Sign in as sue@northwind.example (the code is shown here)", f"{address}/sign-in/{cast.account_id}?next=/queue"),
        ("All sessions, as Sam sees them", f"curl -H 'Authorization: Bearer {cast.sam.token}' '{address}/ai-sessions'"),
    ):
        console.print(Text(f"   {what}"))
        # Alone and unbroken, to be copied.
        console.print(Text(where, style="green"), soft_wrap=True)
    console.print()


def _keep_serving(console: Console, server: Server, mailbox: Mailbox) -> None:
    # A shell starts what runs in its background deaf to Ctrl-C; here somebody is told to press it.
    signal.signal(signal.SIGINT, _interrupt)
    console.print(Text("Serving until Ctrl-C. Then everything made here is deleted.", style="bold"))
    try:
        while True:
            server.require_running()
            if (mail := mailbox.next_mail(within=BETWEEN_LOOKS)) is not None:
                console.print()
                mails.announce(console, mail)
                mails.show(console, mail, links=True)
    except KeyboardInterrupt:
        console.print()


def _interrupt(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt
