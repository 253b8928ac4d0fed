"""A maintenance window, as far as the sessions of the client whose machines are looked after carry it."""

from collections.abc import Iterable
from datetime import datetime

from attrs import frozen

from flowpilot_core.domain.kernel.identifiers import MaintenanceScheduleId


@frozen(kw_only=True)
class Window:
    """What lasts just now for one client or several."""

    schedule_id: MaintenanceScheduleId
    name: str
    until: datetime
    quiet: bool
    """Whether what is not urgent waits until its end."""
    clients: tuple[str, ...]
    """Whom it is about, as `client_key` has them."""


def client_key(name: str) -> str:
    """What two spellings of a client's name have in common that differ in the case of letters alone."""
    return name.strip().casefold()


def window_of(client_name: str | None, windows: Iterable[Window]) -> Window | None:
    """The window that a client's sessions carry: of several a quiet one, and of those the one that lasts longest."""
    key = client_key(client_name or "")
    return max((one for one in windows if key and key in one.clients), key=lambda one: (one.quiet, one.until), default=None)


def lasting(window: Window | None, at: datetime) -> Window | None:
    """The window, while it lasts: it may be over before anybody has put it away."""
    return window if window is not None and at < window.until else None
