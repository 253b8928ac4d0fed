"""`flowpilot` itself, as the demo runs it: the server and the replay, each in a process of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from attrs import frozen

from flowpilot_http.main.failures import CannotRun
from flowpilot_http.settings import PREFIX, Settings, variable

from .story import StoryBroken

START_SECONDS: Final = 60.0
END_SECONDS: Final = 30.0
BETWEEN_LOOKS: Final = 0.05
LAST_LINES: Final = 20


@frozen
class Server:
    """`flowpilot serve`, in its own process group: Ctrl-C is for us to act on."""

    process: "subprocess.Popen[bytes]"
    port: int
    environment: Mapping[str, str]
    log: Path

    def replay(self, log: Path, account_id: str) -> Mapping[str, Any]:
        """What `flowpilot replay` says of a log, with the mapping of its name beside it. Raises `StoryBroken`."""
        command = _flowpilot("replay", str(log), "--mapping", str(log.with_suffix(".toml")), "--account", account_id, "--json")
        ended = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        if ended.returncode != 0:
            raise StoryBroken(f"the replay ended with {ended.returncode}: {ended.stderr.strip()}")
        figures: Mapping[str, Any] = json.loads(ended.stdout)
        return figures

    def require_running(self) -> None:
        """Raises `CannotRun` once it has ended."""
        if (status := self.process.poll()) is not None:
            raise CannotRun(f"the server ended with {status}; {self.last_words()}")

    def last_words(self) -> str:
        """How its log ends."""
        return _last_words(self.log)


@contextmanager
def serving(settings: Settings, log: Path) -> Iterator[Server]:
    """A server on a free port that answers. Raises `CannotRun` where it does not start, or where it does not end well."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    environment |= {variable("data_dir"): str(settings.data_dir), variable("smtp_url"): settings.smtp_url or ""}
    command = _flowpilot("serve", "--host", "127.0.0.1", "--port", "0")
    with log.open("wb") as said:
        process = subprocess.Popen(command, env=environment, stdout=said, stderr=said, stdin=subprocess.DEVNULL, process_group=0)
    try:
        yield Server(process, _port(process, log), environment, log)
        process.terminate()
        if status := process.wait(END_SECONDS):
            raise CannotRun(f"the server ended with {status}; {_last_words(log)}")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _port(process: "subprocess.Popen[bytes]", log: Path) -> int:
    """Where it listens, as soon as its log says so."""
    until = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        for line in log.read_text(errors="replace").splitlines(keepends=True):
            if line.startswith("{") and line.endswith("}\n") and (address := json.loads(line).get("address")):
                return urlsplit(address).port or 0
        time.sleep(BETWEEN_LOOKS)
    raise CannotRun(f"the server did not start; {_last_words(log)}")


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return "\n".join(["the server's log ends with:", *lines[-LAST_LINES:]])


def _flowpilot(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from flowpilot_http.cli import main; main()", *arguments]
