"""What a stream of events may be asked for."""

from typing import Annotated

from msgspec import Meta

from flowpilot_http.schemas.kernel import Closed


class EventsWanted(Closed, kw_only=True, frozen=True):
    """Where to go on."""

    last_event_id: Annotated[
        str | None, Meta(description="The same as the header `Last-Event-ID`, which takes precedence, for clients that cannot send it.")
    ] = None
