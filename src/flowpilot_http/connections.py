"""The connections of a process: how many there may be, and which one makes room where there are too many."""

import resource
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Protocol

from attrs import Factory, define, evolve, field, frozen

from flowpilot_core.application.kernel.counting import PlacesHere
from flowpilot_core.ports.kernel import Places

_OF_FILES: Final = 0.75
"""The share of the files a process may open that may be connections; the rest is for the database, mail servers, PSAs and models."""


@frozen(kw_only=True)
class Limits:
    """How many connections there may be at once."""

    of_process: int = 12_000
    of_address: int = 2_000
    """Of one address, or of one network of IPv6 addresses. Proxies that we believe are not counted: they speak for everybody."""

    def within_files(self) -> "Limits":
        """These, or fewer where the process may not open as many files; what it may allow itself, it does."""
        wanted = int(self.of_process / _OF_FILES) + 1
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        return self if soft == resource.RLIM_INFINITY else evolve(self, of_process=min(self.of_process, int(soft * _OF_FILES)))


class Connection(Protocol):
    """A connection as far as it can be asked to make room."""

    def make_room(self) -> None:
        """End: nobody has asked for anything over it."""


@define(eq=False)
class _Group:
    """Connections that are counted together: all, or those of one address."""

    address: str | None = None
    open: int = 0
    # In the order in which they began to wait. The first is found at once, however many left before it.
    waiting: "OrderedDict[Connection, None]" = Factory(OrderedDict)


@define(eq=False, kw_only=True)
class Connections:
    """Those that are open. Where there are as many as may be, the one over which nobody has asked for anything for longest makes room.

    So whoever asks as soon as they are connected is answered, however many others only hold connections open.
    """

    limits: Limits
    believed: Callable[[str], bool]
    """Whether a host is a proxy that speaks for others."""
    addresses: Places = field(factory=PlacesHere)
    """Of `Limits.of_address`."""
    _all: _Group = field(factory=_Group, init=False)
    _of_address: dict[str, _Group] = field(factory=dict, init=False)
    _groups: "dict[Connection, tuple[_Group, ...]]" = field(factory=dict, init=False)

    def __len__(self) -> int:
        """How many are open."""
        return self._all.open

    def admit(self, one: Connection, host: str, address: str) -> bool:
        """Whether one from `host` may stay. It counts at `address` and as waiting, and another one may have ended for it."""
        group = None if self.believed(host) else self._of_address.get(address) or _Group(address)
        if group and not self._takes_a_place(group, address):
            return False
        # The one that made room at its address has made room among all.
        if self._all.open >= self.limits.of_process and not self._makes_room(self._all):
            if group:
                self.addresses.leave(address)
            return False
        groups = (group, self._all) if group else (self._all,)
        if group:
            # Whoever made room may have been the last of the group.
            self._of_address[address] = group
        for each in groups:
            each.open += 1
            each.waiting[one] = None
        self._groups[one] = groups
        return True

    def waits(self, one: Connection) -> None:
        """Nobody asks for anything over it now."""
        for group in self._groups.get(one, ()):
            group.waiting[one] = None

    def works(self, one: Connection) -> None:
        """Somebody has asked for something over it."""
        for group in self._groups.get(one, ()):
            group.waiting.pop(one, None)

    def gone(self, one: Connection) -> None:
        """It has ended, or is about to."""
        for group in self._groups.pop(one, ()):
            group.open -= 1
            group.waiting.pop(one, None)
            if group.address is not None:
                self.addresses.leave(group.address)
                if not group.open:
                    del self._of_address[group.address]

    def _takes_a_place(self, group: _Group, address: str) -> bool:
        if self.addresses.take(address, self.limits.of_address):
            return True
        return self._makes_room(group) and self.addresses.take(address, self.limits.of_address)

    def _makes_room(self, group: _Group) -> bool:
        """Whether one of these could; nobody asked for anything over it for longest."""
        oldest = next(iter(group.waiting), None)
        if oldest is None:
            return False
        self.gone(oldest)
        oldest.make_room()
        return True
