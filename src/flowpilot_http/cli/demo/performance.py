"""The stage of the demo: a database, a server and a mail server that live as long as it does."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final, NoReturn

from attrs import frozen
from rich.console import Console
from rich.text import Text

from flowpilot_core.domain.account import Account
from flowpilot_core.domain.actor import Role
from flowpilot_http import logs
from flowpilot_http.cli.outcome import run
from flowpilot_http.main import CannotRun, database_of, flowpilot_of
from flowpilot_http.settings import PREFIX, Settings, variable

from .caller import Caller
from .mailbox import Mailbox
from .story import Cast, Story, StoryBroken

HOME: Final = "Northwind IT"
AWAY: Final = "Fabrikam Support"
START_SECONDS: Final = 60.0
END_SECONDS: Final = 30.0
BETWEEN_LOOKS: Final = 0.05
LAST_LINES: Final = 20


def perform() -> None:
    """Set everything up, tell the story, say where to look, and on a terminal serve until Ctrl-C.

    Raises `CannotRun` where something does not start, or where the story does not hold.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory(prefix="flowpilot-demo-") as folder, Mailbox() as mailbox:
        settings = Settings(data_dir=Path(folder) / "data", smtp_url=f"smtp://127.0.0.1:{mailbox.port}")
        logs.configure("warning")
        console.print("Starting a database and a server of their own …", style="dim")
        with database_of(settings), _serving(settings, Path(folder) / "server.log") as server:
            cast = _cast(settings, server.port)
            story = Story(
                console=console, cast=cast, mailbox=mailbox, replay=lambda log: server.replay(log, cast.account_id), folder=Path(folder)
            )
            try:
                story.tell()
            except StoryBroken as broken:
                raise CannotRun(f"the story does not hold: {broken}\n{server.last_words()}") from broken
            _look_around(console, cast, server.port)
            if console.is_terminal:
                _keep_serving(console, server)
            else:
                console.print(Text("   On a terminal all this goes on being served until Ctrl-C; here it ends now.", style="bold"))


@frozen
class _Server:
    """`flowpilot serve` in a process of its own, in its own process group: Ctrl-C is for us to act on."""

    process: "subprocess.Popen[bytes]"
    port: int
    environment: Mapping[str, str]
    log: Path

    def replay(self, log: Path, account_id: str) -> Mapping[str, Any]:
        """What `flowpilot replay` says of a log, with the mapping of its name beside it."""
        command = _flowpilot("replay", str(log), "--mapping", str(log.with_suffix(".toml")), "--account", account_id, "--json")
        ended = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        if ended.returncode != 0:
            raise StoryBroken(f"the replay ended with {ended.returncode}: {ended.stderr.strip()}")
        figures: Mapping[str, Any] = json.loads(ended.stdout)
        return figures

    def last_words(self) -> str:
        """How its log ends."""
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(["the server's log ends with:", *lines[-LAST_LINES:]])

    def ready(self) -> bool:
        """Whether it answers. Raises `CannotRun` once it has ended."""
        if self.process.poll() is not None:
            raise CannotRun(f"the server ended with {self.process.returncode}; {self.last_words()}")
        connection = HTTPConnection("127.0.0.1", self.port, timeout=START_SECONDS)
        try:
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()


@contextmanager
def _serving(settings: Settings, log: Path) -> Iterator[_Server]:
    """A server that answers. Raises `CannotRun` where it does not start, or where it does not end well."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    environment |= {variable("data_dir"): str(settings.data_dir), variable("smtp_url"): settings.smtp_url or ""}
    with log.open("wb") as said:
        command = _flowpilot("serve", "--host", "127.0.0.1", "--port", str(port))
        process = subprocess.Popen(command, env=environment, stdout=said, stderr=said, stdin=subprocess.DEVNULL, process_group=0)
    server = _Server(process, port, environment, log)
    try:
        until = time.monotonic() + START_SECONDS
        while not server.ready():
            if time.monotonic() > until:
                raise CannotRun(f"the server was not ready within {START_SECONDS:.0f} seconds; {server.last_words()}")
            time.sleep(BETWEEN_LOOKS)
        yield server
        process.terminate()
        if status := process.wait(END_SECONDS):
            raise CannotRun(f"the server ended with {status}; {server.last_words()}")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _cast(settings: Settings, port: int) -> Cast:
    """The accounts, their people, and a token for each of them."""

    async def made() -> Cast:
        async with flowpilot_of(settings) as flowpilot:

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


def _look_around(console: Console, cast: Cast, port: int) -> None:
    address = f"http://127.0.0.1:{port}"
    console.print()
    console.print(Text("Where to look", style="bold cyan"))
    for what, where in (
        ("The API, to read", f"{address}/docs"),
        ("The same as OpenAPI", f"{address}/openapi.json"),
        ("Sam's queue", f"curl -H 'Authorization: Bearer {cast.sam.token}' {address}/handoffs/queue"),
    ):
        console.print(Text(f"   {what}"))
        # On one line, to be copied.
        console.print(Text(f"     {where}", style="green"), soft_wrap=True)
    console.print()


def _keep_serving(console: Console, server: _Server) -> None:
    console.print(Text("   Serving until Ctrl-C; everything made here goes away then.", style="bold"))
    try:
        server.process.wait()
    except KeyboardInterrupt:
        console.print()
    else:
        raise CannotRun(f"the server ended with {server.process.returncode}; {server.last_words()}")


def _flowpilot(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from flowpilot_http.cli import main; main()", *arguments]


def _interrupt(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt
