"""What the forms of a page do: each button is named after its move, and its form holds what the move needs."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from litestar.enums import RequestEncodingType

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import FlowPilotError, InvalidValue
from flowpilot_http.problems import Refused

from .page_request import Form, Visit

Shown = Mapping[str, object]
Deed = Callable[[Visit, Person, Any], Awaitable[Shown | None]]
WRONG: Final = (FlowPilotError, Refused)
"""What a page says about a form, where the form still stands."""


class Move(Form, kw_only=True, frozen=True):
    """A button that needs nothing else."""

    move: str


def form_of(name: str, *fields: tuple[str, Any] | tuple[str, Any, Any]) -> Any:
    """A form with a button whose fields are made of a list; each with its kind, and what stands for it where it is not sent."""
    return msgspec.defstruct(name, fields, bases=(Move,), kw_only=True, frozen=True, forbid_unknown_fields=True)


class Moves:
    """The moves of one page."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[type[Form], Deed]] = {}

    def __call__(self, name: str, form: type[Form]) -> Callable[[Deed], Deed]:
        """What the button of this name does with such a form. What it gives back is shown at once, and never again."""

        def keep(deed: Deed) -> Deed:
            self._known[name] = form, deed
            return deed

        return keep

    async def make(self, request: Visit, person: Person) -> Shown | None:
        """Do what the button says that was pressed. Raises what its use case raises, or `Refused`."""
        form, deed = self._known.get((await typed(request)).get("move", ""), (Move, None))
        sent = await request.sent(form)
        if deed is None:
            raise InvalidValue("move", "is not one of this page")
        return await deed(request, person, sent)


async def typed(request: Visit) -> dict[str, str]:
    """What the form holds, also where that is not right; nothing of one with a file."""
    if request.content_type[0] == RequestEncodingType.MULTI_PART:
        return {}
    return dict(parse_qsl((await request.body()).decode("ascii", "replace")))
