"""The greatest mark that this machine's relay has seen in a database, in a file."""

import logging
from pathlib import Path

from attrs import define, field

log = logging.getLogger("flowpilot.relay")


@define
class MarkFile:
    """As `Memory` says, a file for each database. Where it cannot be kept a restore is not noticed, and the log says so."""

    folder: Path
    _said: bool = field(default=False, init=False)

    def read(self, database: str) -> int:
        """As `Memory.read` says."""
        try:
            return int(self._file(database).read_text(encoding="ascii"))
        except FileNotFoundError:
            return 0
        except (OSError, ValueError) as exc:
            self._say("the relay's mark cannot be read", exc)
            return 0

    def write(self, database: str, number: int) -> None:
        """As `Memory.write` says; whole at once."""
        if number <= self.read(database):
            return
        file = self._file(database)
        made = file.with_name(f"{file.name}.new")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            made.write_text(f"{number}\n", encoding="ascii")
            made.replace(file)
        except OSError as exc:
            self._say("the relay's mark cannot be kept", exc)

    def _file(self, database: str) -> Path:
        return self.folder / f"relay_mark.{database}"

    def _say(self, what: str, exc: Exception) -> None:
        if not self._said:
            log.warning(what, extra={"folder": str(self.folder), "problem": str(exc)})
        self._said = True
