"""The greatest mark that this machine's relays have seen in a database, in a file."""

import logging
from hashlib import sha256
from pathlib import Path
from typing import Final

from attrs import define, field

from flowpilot_core.ports.relay import Whereabouts

log = logging.getLogger("flowpilot.relay")

_UNFINISHED: Final = ".new"


@define
class MarkFile:
    """As `Memory` says, a file for each place. Where it cannot be kept a restore is not noticed, and the log says so."""

    folder: Path
    _said: bool = field(default=False, init=False)

    def read(self, at: Whereabouts) -> int:
        """As `Memory.read` says."""
        store = f"relay_mark.{at.database}.{_named(at.store)}"
        for known in (f"{store}.{_named(at.address)}", f"{store}.*", f"relay_mark.{at.database}*"):
            files = [file for file in self.folder.glob(known) if not file.name.endswith(_UNFINISHED)]
            numbers = [number for file in files if (number := self._number(file)) is not None]
            if numbers:
                return max(numbers)
        return 0

    def write(self, at: Whereabouts, number: int) -> None:
        """As `Memory.write` says; whole at once."""
        file = self.folder / f"relay_mark.{at.database}.{_named(at.store)}.{_named(at.address)}"
        made = file.with_name(file.name + _UNFINISHED)
        try:
            if file.exists() and number <= (self._number(file) or 0):
                return
            self.folder.mkdir(parents=True, exist_ok=True)
            made.write_text(f"{number}\n", encoding="ascii")
            made.replace(file)
        except OSError as exc:
            self._say("the relay's mark cannot be kept", exc)

    def _number(self, file: Path) -> int | None:
        try:
            return int(file.read_text(encoding="ascii"))
        except (OSError, ValueError) as exc:
            self._say("the relay's mark cannot be read", exc)
            return None

    def _say(self, what: str, exc: Exception) -> None:
        if not self._said:
            log.warning(what, extra={"folder": str(self.folder), "problem": str(exc)})
        self._said = True


def _named(part: str) -> str:
    """A name for it that any folder takes, and that tells nobody how the database is reached."""
    return sha256(part.encode()).hexdigest()[:16]
