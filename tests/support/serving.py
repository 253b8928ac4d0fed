"""`flowpilot` as its users run it: a process of its own."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import httpx
from attrs import frozen

from flowpilot_adapters.sql import Database
from flowpilot_core.domain.kernel.actor import Role
from tests.support.escalation import a_flowpilot
from tests.support.postgres import PostgresDatabase

PROGRAM = [sys.executable, "-c", "from flowpilot_http.cli import main; main()"]
SECRET_KEY = "only these tests sign with this key of theirs"
LONGEST_WAIT = 180
"""Seconds until a process that says and does nothing counts as hung; no test waits for them to pass."""


def environment(**settings: str) -> dict[str, str]:
    """This process' environment with nothing of FlowPilot in it but `settings` (`data_dir="…"`)."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("FLOWPILOT_")}
    return own | {f"FLOWPILOT_{name.upper()}": value for name, value in settings.items()}


def named(database: PostgresDatabase) -> dict[str, str]:
    """The settings that name a database."""
    return {
        "database_url": database.app,
        "relay_database_url": database.relay,
        "migration_database_url": database.owner,
        "secret_key": SECRET_KEY,
        "data_dir": f"{database.address.host}/{database.name}.data",
    }


def ran(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """A command that ends by itself."""
    return subprocess.run(
        [*PROGRAM, *arguments], env=environment(**settings), capture_output=True, text=True, timeout=LONGEST_WAIT, check=False
    )


def said(*arguments: str, **settings: str) -> Any:
    """The one line of JSON that a command that must succeed prints."""
    ended = ran(*arguments, "--json", **settings)
    assert 0 == ended.returncode, ended.stderr
    (line,) = ended.stdout.splitlines()
    return json.loads(line)


@frozen(kw_only=True)
class Somebody:
    """A person with a token."""

    id: str
    token: str


@frozen
class Serving:
    """A command that runs."""

    process: "subprocess.Popen[str]"
    lines: "Queue[dict[str, Any] | None]"
    clients: ExitStack
    """Closed before it ends."""

    def says(self, event: str) -> Mapping[str, Any]:
        """The next line of its log that tells of this event; fails once it has ended without."""
        told = []
        while (line := self.lines.get(timeout=LONGEST_WAIT)) is not None:
            if line.get("event") == event:
                return line
            told.append(line)
        raise AssertionError(f"it ended without saying {event!r}, but: {told}")

    def client(self, token: str | None = None) -> httpx.Client:
        """Somebody who calls it."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        client = httpx.Client(base_url=self.says("serving")["address"], headers=headers, timeout=LONGEST_WAIT)
        return self.clients.enter_context(client)

    def asked_to_end(self, number: int = signal.SIGTERM) -> None:
        """Send it the signal that asks for its end."""
        self.process.send_signal(number)

    def ended(self) -> int:
        """Its exit status, once it has ended."""
        return self.process.wait(LONGEST_WAIT)


def serving(*arguments: str, **settings: str) -> AbstractContextManager[Serving]:
    """`flowpilot serve` on a free port."""
    return running("serve", "--port", "0", *arguments, **settings)


@contextmanager
def running(*arguments: str, **settings: str) -> Iterator[Serving]:
    """A command that runs until it is asked to end; it is killed if it does not."""
    with subprocess.Popen([*PROGRAM, *arguments], env=environment(**settings), stderr=subprocess.PIPE, text=True) as process:
        lines: Queue[dict[str, Any] | None] = Queue()
        reader = Thread(target=_read, args=(process, lines.put), daemon=True)
        reader.start()
        try:
            with ExitStack() as clients:
                yield Serving(process, lines, clients)
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(LONGEST_WAIT)
                except subprocess.TimeoutExpired:
                    process.kill()
            reader.join()


def until(look: Callable[[], bool]) -> None:
    """Come back once `look` says yes; whoever looks does so over the network, which is the pause."""
    hung = time.monotonic() + LONGEST_WAIT
    while not look():
        assert time.monotonic() < hung, "it never came to that"


def _read(process: "subprocess.Popen[str]", put: Callable[[dict[str, Any] | None], None]) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        try:
            put(json.loads(line))
        except ValueError:
            put({"event": "not json", "line": line})
    put(None)


def data_dir_of(folder: Path) -> dict[str, str]:
    """The setting that keeps an embedded database in `folder`."""
    return {"data_dir": str(folder)}


def jo_and_ada(database: PostgresDatabase) -> tuple[Somebody, Somebody]:
    """An engineer and an admin of a new account."""

    async def made() -> tuple[Somebody, Somebody]:
        opened = Database(database.app, pool_size=1)
        accounts = a_flowpilot(opened.begin, opened.view).accounts
        account = await accounts.create("Acme")
        people = []
        for name, role in (("Jo", Role.ENGINEER), ("Ada", Role.ADMIN)):
            user = await accounts.add_user(account.id, email=f"{name}@example.test", name=name, role=role)
            people.append(Somebody(id=str(user.id), token=(await accounts.add_token(account.id, user.id))[1]))
        await opened.close()
        return people[0], people[1]

    return asyncio.run(made())
