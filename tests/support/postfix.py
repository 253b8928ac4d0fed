"""A Postfix of its own, where one is installed: its own queue and configuration, on a free port of this machine."""

import asyncio
import grp
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from attrs import define, field

from flowpilot_core.ports.notifications import Message

from .mail_server import LOCALHOST, Envelope

LONGEST_WAIT = 30
"""Seconds until what never comes counts as that; no test waits for them to pass."""
NEVER = "there is no Postfix here, or nobody who may start it (root)"
QUEUES = ("incoming", "active", "deferred", "corrupt", "bounce", "defer", "trace", "hold", "flush", "saved")
MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file_prefixes = {folder}
maillog_file = {folder}/log
myhostname = postfix.example.com
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
local_recipient_maps =
enable_long_queue_ids = yes
virtual_mailbox_domains = example.com
virtual_mailbox_base = {folder}
virtual_mailbox_maps = static:mail/
virtual_uid_maps = static:{nobody}
virtual_gid_maps = static:{nobody}
smtpd_tls_security_level = may
smtpd_tls_chain_files = {certificate}
smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:{policy}, reject_unauth_destination
smtpd_peername_lookup = no
"""
MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
virtual unix - n n - - virtual
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""


def can_run() -> bool:
    """Whether there is one, and somebody who may start it."""
    return shutil.which("postfix") is not None and os.geteuid() == 0


@define
class PostfixServer:
    """It delivers to one mailbox whatever it takes, and asks here who is to be refused."""

    folder: Path
    port: int
    refusals: dict[str, str] = field(factory=dict, init=False)
    """What the next message to an address is answered with."""
    _deciding: set[asyncio.Task[None]] = field(factory=set, init=False)

    @property
    def url(self) -> str:
        """Where it listens, by name, as its certificate has it."""
        return f"smtp://localhost:{self.port}"

    @property
    def accepted(self) -> Sequence[Message]:
        """What it took and has delivered by now, in the order it was taken; waits for what is under way."""
        late = time.monotonic() + LONGEST_WAIT
        while any(path.is_file() for name in ("incoming", "active", "deferred") for path in (self.folder / "queue" / name).rglob("*")):
            assert time.monotonic() < late, (self.folder / "log").read_text()
            time.sleep(0.01)
        envelopes = [_envelope(path.read_bytes()) for path in (self.folder / "mail" / "new").glob("*")]
        return [envelope.message for envelope in sorted(envelopes, key=_taken_at)]

    def refuse(self, to: str, *, permanent: bool) -> None:
        """The next message to this address."""
        self.refusals[to] = "550 5.1.1 no such user" if permanent else "451 4.7.1 come back later"

    def lose_answer(self, to: str) -> None:
        """It never does."""
        raise NotImplementedError

    def stall(self, to: str) -> None:
        """It never does."""
        raise NotImplementedError

    async def decide(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer what Postfix asks by its policy protocol: whom it is to refuse."""
        task = asyncio.current_task()
        assert task is not None
        self._deciding.add(task)
        asked: dict[str, str] = {}
        # Cancelled once the server is stopped.
        with suppress(asyncio.CancelledError):
            while line := (await reader.readline()).decode():
                name, _, value = line.rstrip("\n").partition("=")
                if name:
                    asked[name] = value
                    continue
                writer.write(f"action={self.refusals.pop(asked['recipient'], 'DUNNO')}\n\n".encode())
                await writer.drain()
        writer.close()

    async def stopped(self) -> None:
        """Nobody asks any more."""
        for task in self._deciding:
            task.cancel()
        await asyncio.gather(*self._deciding)


@asynccontextmanager
async def postfix() -> AsyncIterator[PostfixServer]:
    """One that runs until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="flowpilot-postfix-") as name, socket.create_server(("127.0.0.1", 0)) as free:
        server = PostfixServer(Path(name), free.getsockname()[1])
        free.close()
        async with await asyncio.start_server(server.decide, "127.0.0.1", 0) as policy:
            with await asyncio.to_thread(_started, server, policy.sockets[0].getsockname()[1]) as master:
                try:
                    await _listening(server)
                    yield server
                finally:
                    master.terminate()
                    await server.stopped()


def _started(server: PostfixServer, policy: int) -> "subprocess.Popen[bytes]":
    """Its first process. `postfix start` would do the same after looking through the installation for seconds."""
    folder, conf = server.folder, server.folder / "conf"
    nobody, owner, group = pwd.getpwnam("nobody").pw_uid, pwd.getpwnam("postfix").pw_uid, grp.getgrnam("postdrop").gr_gid
    folder.chmod(0o755)
    (folder / "queue").mkdir()
    for part in ("data", "queue/private", *(f"queue/{name}" for name in QUEUES)):
        (folder / part).mkdir(mode=0o700)
        os.chown(folder / part, owner, -1)
    (folder / "queue" / "pid").mkdir()
    (folder / "queue" / "public").mkdir()
    os.chown(folder / "queue" / "public", owner, group)
    (folder / "mail").mkdir()
    os.chown(folder / "mail", nobody, -1)
    conf.mkdir()
    (conf / "main.cf").write_text(MAIN.format(folder=folder, nobody=nobody, certificate=LOCALHOST, policy=policy))
    (conf / "master.cf").write_text(MASTER.format(port=server.port))
    programs = subprocess.run(["postconf", "-d", "-h", "daemon_directory"], capture_output=True, text=True, check=True).stdout.strip()
    return subprocess.Popen([f"{programs}/master", "-c", str(conf), "-d"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


async def _listening(server: PostfixServer) -> None:
    async with asyncio.timeout(LONGEST_WAIT):
        while True:
            with suppress(ConnectionError):
                _, writer = await asyncio.open_connection("127.0.0.1", server.port)
                writer.close()
                return
            await asyncio.sleep(0.01)


def _envelope(delivered: bytes) -> Envelope:
    """As it came over the wire, with what Postfix wrote before it."""
    lines = delivered.removesuffix(b"\n").split(b"\n")
    stuffed = b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines)
    to = next(line.partition(b": ")[2].decode() for line in lines if line.startswith(b"X-Original-To: "))
    return Envelope(sender="", recipients=(to,), raw=stuffed + b"\r\n.\r\n")


def _taken_at(envelope: Envelope) -> str:
    """Postfix' long queue ids are times, and are in the order of their characters."""
    return str(envelope.mail["Received"]).partition(" id ")[2].split()[0].rstrip(";")
