"""A backup in one file: a dump, what is known of it, and the digests of both.

The file is a tar archive, so that it can be opened without this program::

    database.dump   what `pg_dump --format=custom` wrote
    manifest.json   when, of what, and how many rows of each account each table has
    SHA256SUMS      as `sha256sum --check` reads it
"""

import fcntl
import json
import os
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Final

from attrs import asdict, define, field, frozen

FORMAT: Final = 1
DUMP: Final = "database.dump"
MANIFEST: Final = "manifest.json"
SUMS: Final = "SHA256SUMS"
UNFINISHED: Final = ".partial"
_CHUNK: Final = 1 << 20

Rows = Mapping[str, Mapping[str, int]]
"""How many rows each table has of each account; of none, under the empty name."""


class BackupUnfit(Exception):
    """The file cannot be written, or is no backup, or not as it was written; the message says which."""


@frozen(kw_only=True)
class Manifest:
    """What is known of a backup."""

    made_at: datetime
    database: str
    revision: str
    """The schema's."""
    program: str
    """The version of FlowPilot that made it."""
    dumped_by: int
    """The major version of the `pg_dump` that made it: an older `pg_restore` cannot read it."""
    rows: Rows


@define
class Backup:
    """A backup that is as it was written: every byte has been read and held against its digest."""

    file: Path
    manifest: Manifest
    _at: int
    _size: int

    @classmethod
    def read(cls, file: Path) -> "Backup":
        """Raises `BackupUnfit`."""
        try:
            with tarfile.open(file, "r:") as archive:
                members = {one.name: one for one in archive.getmembers()}
                if members.keys() != {DUMP, MANIFEST, SUMS}:
                    raise BackupUnfit(f"{file} is not a backup that FlowPilot made")
                manifest, sums = (_small(archive, members[name]) for name in (MANIFEST, SUMS))
            dump = members[DUMP]
            digest = sha256()
            for chunk in _read(file, dump.offset_data, dump.size):
                digest.update(chunk)
        except OSError as exc:
            raise BackupUnfit(f"{file} cannot be read: {exc.strerror or exc}") from exc
        except (tarfile.TarError, EOFError) as exc:
            raise BackupUnfit(f"{file} cannot be read as a backup: it is another file, or cut short ({exc})") from exc
        if sums != _sums(digest.hexdigest(), manifest):
            raise BackupUnfit(f"{file} is not as it was written: its digests are others now; take another backup")
        return cls(file, _understood(file, manifest), dump.offset_data, dump.size)

    def dump(self) -> Iterator[bytes]:
        """What `pg_restore` reads, in chunks."""
        return _read(self.file, self._at, self._size)


@define
class Draft:
    """A backup that is being written beside the file that it will be."""

    path: Path
    _into: BinaryIO
    _digest: str = field(default="", init=False)

    def write_dump(self, chunks: Iterable[bytes]) -> None:
        """The dump, as it comes: how long it is stands in front of it once it is known. Raises `OSError`, and whatever `chunks` does."""
        digest, size = sha256(), 0
        self._into.write(_header(DUMP, 0).tobuf(tarfile.GNU_FORMAT))
        for chunk in chunks:
            digest.update(chunk)
            size += self._into.write(chunk)
        self._into.write(_padding(size))
        self._into.seek(0)
        self._into.write(_header(DUMP, size).tobuf(tarfile.GNU_FORMAT))
        self._into.seek(0, os.SEEK_END)
        self._digest = digest.hexdigest()

    def write_manifest(self, manifest: Manifest) -> Backup:
        """What is known of it; reads all of it again, from the disk. Raises `OSError` and `BackupUnfit`."""
        said = {"format": FORMAT, **asdict(manifest), "made_at": manifest.made_at.isoformat()}
        text = json.dumps(said, indent=1, sort_keys=True).encode() + b"\n"
        for name, content in ((MANIFEST, text), (SUMS, _sums(self._digest, text))):
            self._into.write(_header(name, len(content)).tobuf(tarfile.GNU_FORMAT) + content + _padding(len(content)))
        self._into.write(bytes(2 * tarfile.BLOCKSIZE))
        self._into.flush()
        os.fsync(self._into.fileno())
        return Backup.read(self.path)


@contextmanager
def drafting(file: Path) -> Iterator[Draft]:
    """A draft that becomes `file` when the block ends well; however it ends otherwise, `file` stays as it was.

    Raises `BackupUnfit` where it cannot be written there, or another is being written there now.
    """
    path = file.with_name(file.name + UNFINISHED)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as exc:
        raise BackupUnfit(f"{path} cannot be written: {exc.strerror}") from exc
    with open(descriptor, "r+b") as into:
        try:
            fcntl.flock(into, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupUnfit(f"another backup is being written to {file}") from None
        try:
            # What one left that was killed.
            into.truncate()
            yield Draft(path, into)
            path.replace(file)
            _settle(file.parent)
        except OSError as exc:
            path.unlink(missing_ok=True)
            raise BackupUnfit(f"{file} cannot be written: {exc.strerror or exc}") from exc
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def _settle(folder: Path) -> None:
    """Have a new name outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(file: Path, at: int, size: int) -> Iterator[bytes]:
    with file.open("rb") as opened:
        opened.seek(at)
        while size:
            chunk = opened.read(min(size, _CHUNK))
            if not chunk:
                raise EOFError("it ends too soon")
            size -= len(chunk)
            yield chunk


def _small(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    content = archive.extractfile(member)
    return b"" if content is None else content.read()


def _understood(file: Path, text: bytes) -> Manifest:
    said: dict[str, Any] = json.loads(text)
    if said.pop("format") != FORMAT:
        raise BackupUnfit(f"{file} was made by a newer FlowPilot, version {said.get('program')}; restore it with that one")
    return Manifest(**{**said, "made_at": datetime.fromisoformat(said["made_at"])})


def _sums(dump: str, manifest: bytes) -> bytes:
    return f"{dump}  {DUMP}\n{sha256(manifest).hexdigest()}  {MANIFEST}\n".encode()


def _header(name: str, size: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.size, header.mode = size, 0o600
    return header


def _padding(size: int) -> bytes:
    return bytes(-size % tarfile.BLOCKSIZE)
