"""Live push: what happens in the account, as it happens."""

from flowpilot_http.api_request import Call
from flowpilot_http.operations import Part
from flowpilot_http.schemas.notifications.events import EventsWanted
from flowpilot_http.sse import HappenedOut, Streamed

part = Part("Events")


@part.streams("/events", HappenedOut, query=EventsWanted)
async def events(request: Call) -> Streamed:
    """What happens in your account from now on, as server-sent events; while the stream is open, you count as online.

    The kinds are those of the event log that others wait for: `handoff.escalated`, `handoff.claimed` and so on. Each has an `id`: sent
    back in `Last-Event-ID`, the stream goes on after that event, without gap or repeat. `resync` says that too much was missed: read
    the queue again. `session.changed` is about steps, results, branches, helpers, pictures and outputs, at most once a second for each
    session. A comment line comes at least every 15 seconds. Whoever may not read a parked session hears nothing of it.
    """
    wanted = await request.wanted(EventsWanted)
    return await request.listening(wanted.last_event_id)


ROUTES = (events,)
