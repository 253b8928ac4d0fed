"""What Prometheus reads: counts and times by route template, never by id or account."""

import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess, values
from prometheus_client.exposition import CONTENT_TYPE_LATEST, start_http_server

from flowpilot_core.domain.notifications.delivery import REACHED, Delivery
from flowpilot_core.ports.relay import WorkKind

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LOOP_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_LONG_BUCKETS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 7_200.0, 43_200.0)


_VALUES: Final[Any] = values
_SEVERAL: Final[Any] = multiprocess
"""Without types, both of them."""


class SharedFigures:
    """Where several processes of one machine keep their figures, so that each of them can answer with those of all.

    Counts of one that has died go on in the one that has its number next.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def make(cls, folder: Path) -> "SharedFigures":
        """None yet, in a folder of their own."""
        folder.mkdir()
        return cls(folder)

    def of(self, process: int) -> "Metrics":
        """Figures of this process, kept there."""
        # How prometheus_client is told, and before it makes a figure.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(self.folder)
        _VALUES.ValueClass = _VALUES.MultiProcessValue(lambda: process)
        return Metrics(all_of=self)

    def left(self, process: int) -> None:
        """That one has died: nothing is open there any more."""
        _SEVERAL.mark_process_dead(process, str(self.folder))

    def registry(self) -> CollectorRegistry:
        """All figures, added up."""
        registry = CollectorRegistry()
        _SEVERAL.MultiProcessCollector(registry, str(self.folder))
        return registry


class Metrics:
    """The figures of one process, or `all_of` several."""

    content_type: Final = CONTENT_TYPE_LATEST.encode()

    def __init__(self, *, all_of: SharedFigures | None = None) -> None:
        self._registry = CollectorRegistry()
        self._all_of = all_of
        labels = ("method", "route", "status")
        self._requests = Counter("flowpilot_http_requests", "Requests answered.", labels, registry=self._registry)
        self._seconds = Histogram(
            "flowpilot_http_request_seconds",
            "How long answering took.",
            ("method", "route"),
            registry=self._registry,
            buckets=_BUCKETS,
        )
        self._lag = Gauge(
            "flowpilot_relay_lag_seconds",
            "How long the oldest due work of a kind has waited, when last looked at.",
            ("kind",),
            registry=self._registry,
            multiprocess_mode="mostrecent",
        )
        # A histogram and no gauge of the longest: it can be added up over processes, and is the same for all who ask for it.
        self._loop_lag = Histogram(
            "flowpilot_loop_lag_seconds",
            "How late the event loop woke what waited for its time, looked at 50 times a second.",
            registry=self._registry,
            buckets=_LOOP_BUCKETS,
        )
        self._open = {
            name: Gauge(f"flowpilot_{name}", told, registry=self._registry, multiprocess_mode="livesum")
            for name, told in (("streams", "Streams of events that are open."), ("connections", "Connections that are open."))
        }
        self._watched: dict[str, Callable[[], int]] = {}
        self._ended = Counter(
            "flowpilot_connections_ended",
            "Connections that were ended, by why: head_too_large, head_too_slow, body_too_large, body_too_slow, unread,"
            " made_room (for another one) or no_room (for this one).",
            ("why",),
            registry=self._registry,
        )
        self._attempts = Counter(
            "flowpilot_delivery_attempts",
            "Attempts at telling somebody, by what they came to: sent, failed (tried again later) or dead.",
            ("channel", "state"),
            registry=self._registry,
        )
        self._told = Histogram(
            "flowpilot_delivery_seconds",
            "From the commit of what happened until the channel took the message.",
            ("channel",),
            registry=self._registry,
            buckets=_LONG_BUCKETS,
        )
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        if (children := self._children.get((method, route, status))) is None:
            children = (self._requests.labels(method, route, str(status)), self._seconds.labels(method, route))
            self._children[method, route, status] = children
        children[0].inc()
        children[1].observe(seconds)

    def lags(self, seconds: Mapping[str, float]) -> None:
        """Note how far the relay is behind, by kind of work."""
        if self._all_of is None:
            self._lag.clear()
        else:
            # What another process said cannot be taken back, and is said anew.
            seconds = {**dict.fromkeys(WorkKind, 0.0), **seconds}
        for kind, one in seconds.items():
            self._lag.labels(kind).set(one)

    def woken_late(self, seconds: float) -> None:
        """Note how late the event loop was once."""
        self._loop_lag.observe(seconds)

    def delivery(self, delivery: Delivery) -> None:
        """Count an attempt at a delivery."""
        self._attempts.labels(delivery.channel, delivery.state).inc()
        if delivery.state in REACHED:
            self._told.labels(delivery.channel).observe((delivery.updated_at - delivery.created_at) / timedelta(seconds=1))

    def connection_ended(self, why: str) -> None:
        """Count a connection that we ended."""
        self._ended.labels(why).inc()

    def watch_connections(self, how_many: Callable[[], int]) -> None:
        """Look at the open connections whenever somebody asks."""
        self._watched["connections"] = how_many

    def watch_streams(self, how_many: Callable[[], int]) -> None:
        """Look at the open streams whenever somebody asks."""
        self._watched["streams"] = how_many

    def look(self) -> None:
        """Note what is open now."""
        for name, how_many in self._watched.items():
            self._open[name].set(how_many())

    def text(self) -> bytes:
        """All of them, as Prometheus reads them."""
        self.look()
        return generate_latest(self._registry if self._all_of is None else self._all_of.registry())

    def answer(self, host: str, port: int) -> Callable[[], None]:
        """Answer `GET /metrics` there, in a thread; returns what ends it. Raises `OSError`."""
        server, thread = start_http_server(port, host, self._registry)

        def end() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return end
