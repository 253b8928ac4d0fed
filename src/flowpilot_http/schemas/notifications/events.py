"""What a stream of events may be asked for."""

from typing import Annotated

from msgspec import Meta

from flowpilot_http.schemas.kernel import Closed


class EventsWanted(Closed, kw_only=True, frozen=True):
    """Where to go on."""

    last_event_id: Annotated[
        str | None, Meta(description="As the header `Last-Event-ID`, which comes first, for who cannot send that.")
    ] = None
