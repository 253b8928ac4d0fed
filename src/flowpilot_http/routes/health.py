"""How the process is: for orchestrators and for Prometheus. Nobody signs in here, and nothing here is any account's."""

from litestar import get
from litestar.handlers import HTTPRouteHandler

from flowpilot_http.api_request import Call
from flowpilot_http.metrics import Metrics
from flowpilot_http.operations import Operation
from flowpilot_http.readiness import LiveOut, Probe, ReadyOut
from flowpilot_http.responses import Body, encode

_NOT_KEPT = ((b"cache-control", b"no-store"),)


def routes(probe: Probe, metrics: Metrics) -> tuple[HTTPRouteHandler, ...]:
    """Liveness, readiness and metrics of this process."""

    @get("/health/live", opt={"operation": Operation(tag="Health", answer=LiveOut)})
    async def live(request: Call) -> Body:
        """Whether the process runs."""
        return Body(encode(LiveOut()), headers=_NOT_KEPT)

    @get("/health/ready", opt={"operation": Operation(tag="Health", answer=ReadyOut, also={503: ReadyOut})})
    async def ready(request: Call) -> Body:
        """Whether it can do its work: database, migrations at head, relay lag. 503 where it cannot."""
        readiness = await probe()
        if readiness.relay_lags is not None:
            metrics.lags(readiness.relay_lags)
        return Body(encode(ReadyOut.of(readiness)), status=200 if readiness.ready else 503, headers=_NOT_KEPT)

    @get("/metrics", opt={"operation": Operation(tag="Health", answer=str)})
    async def figures(request: Call) -> Body:
        """Counts and times, as Prometheus reads them."""
        return Body(metrics.text(), media_type=metrics.content_type, headers=_NOT_KEPT)

    return live, ready, figures
