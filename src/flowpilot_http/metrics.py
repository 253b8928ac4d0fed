"""What Prometheus reads: counts and times by route template, never by id or account."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The figures of one process."""

    content_type: Final = CONTENT_TYPE_LATEST.encode()

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
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
            "flowpilot_relay_lag_seconds", "How long the oldest due work has waited, when last looked at.", registry=self._registry
        )
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        if (children := self._children.get((method, route, status))) is None:
            children = (self._requests.labels(method, route, str(status)), self._seconds.labels(method, route))
            self._children[method, route, status] = children
        children[0].inc()
        children[1].observe(seconds)

    def lag(self, seconds: float) -> None:
        """Note how far the relay is behind."""
        self._lag.set(seconds)

    def text(self) -> bytes:
        """All of them, as Prometheus reads them."""
        return generate_latest(self._registry)
