"""A NATS server with JetStream, that a test starts, kills and wipes."""

import asyncio
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import define, field

PROGRAM = Path(sys.executable).parent / "nats-server"
LONGEST_WAIT = 60


@define
class NatsServer:
    """On one port for as long as it lives, however often it is started."""

    folder: Path
    port: int = field(init=False)
    _process: asyncio.subprocess.Process | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Come back once it takes connections."""
        arguments = ["--addr", "127.0.0.1", "--port", str(self.port), "--jetstream", "--store_dir", str(self.folder)]
        self._process = await asyncio.create_subprocess_exec(str(PROGRAM), *arguments, stderr=asyncio.subprocess.PIPE)
        assert self._process.stderr is not None
        async with asyncio.timeout(LONGEST_WAIT):
            while b"Server is ready" not in (line := await self._process.stderr.readline()):
                assert line, "the NATS server ended"

    async def kill(self) -> None:
        """Without a word to anybody."""
        assert self._process is not None
        self._process.kill()
        # To the end of what it says: what waits for a process that nobody listens to waits for ever.
        await self._process.communicate()
        self._process = None

    async def wipe(self) -> None:
        """Kill it and throw away all it kept."""
        await self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


@asynccontextmanager
async def nats_server() -> AsyncIterator[NatsServer]:
    """One that runs, for the length of the block."""
    with TemporaryDirectory(prefix="flowpilot-tests-nats-") as folder:
        server = NatsServer(Path(folder))
        await server.start()
        try:
            yield server
        finally:
            if server._process is not None:
                await server.kill()
