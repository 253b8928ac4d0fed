"""What the forms of a page do: each button is named after its move, and its form holds what the move needs."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from litestar.handlers import HTTPRouteHandler

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import FlowPilotError, InvalidValue, VersionConflict
from flowpilot_http.problems import Refused, problem_of
from flowpilot_http.responses import Body

from .page_request import Form, Visit, shows, takes, takes_file

Shown = Mapping[str, object]
Made = Shown | str | None
"""What a form came to: the address to go on to, what its page shows at once, or None for the page as it is then."""
Deed = Callable[[Visit, Person, Any], Awaitable[Made]]
WRONG: Final = (FlowPilotError, Refused)
"""What a page says about a form, where the form still stands."""


class Move(Form, kw_only=True, frozen=True):
    """A button that needs nothing else."""

    move: str


def form_of(name: str, *fields: tuple[str, Any] | tuple[str, Any, Any], base: type[Form] = Move) -> Any:
    """A form with a button whose fields are made of a list; each with its kind, and what stands for it where it is not sent."""
    return msgspec.defstruct(name, fields, bases=(base,), kw_only=True, frozen=True, forbid_unknown_fields=True)


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

    async def make(self, request: Visit, person: Person) -> Made:
        """Do what the button says that was pressed. Raises what its use case raises, or `Refused`."""
        form, deed = self._known.get((await typed(request)).get("move", ""), (Move, None))
        sent = await request.sent(form)
        if deed is None:
            raise InvalidValue("move", "is not one of this page")
        return await deed(request, person, sent)


async def typed(request: Visit) -> dict[str, str]:
    """What the form holds, also where that is not right; of one with files what is none."""
    if request.has_files:
        return dict(await request.texts())
    return dict(parse_qsl((await request.body()).decode("ascii", "replace")))


def require_sayable(refusal: Exception) -> None:
    """Raises it again where it is no page's to say beside its form: who is not signed in, and what went wrong on our side."""
    status = problem_of(refusal).status
    if status == 401 or status >= 500:
        raise refusal


async def framed(request: Visit, template: str, made: Shown, refusal: Exception | None, **facts: object) -> Body:
    """A page with forms: with what one made, or with why it cannot be, where what was typed still stands."""
    problem = problem_of(refusal) if refusal else None
    return await request.framed(
        template,
        status=problem.status if problem else 409 if "stale" in made else 200,
        refused=problem.detail if problem else None,
        meanwhile=isinstance(refusal, VersionConflict),
        typed=defaultdict(str, await typed(request) if problem or "stale" in made else {}),
        made=defaultdict(lambda: None, made),
        **facts,
    )


def formed(
    path: str, shown: Callable[[Visit, Shown, Exception | None], Awaitable[Body]], moves: Moves, *, most: int = 0
) -> tuple[HTTPRouteHandler, HTTPRouteHandler]:
    """A page and its forms: `shown` draws it, with what a form made, or with why that cannot be, where what was typed still stands.

    `most`: bytes of the file that one of its forms has.
    """

    @shows(path)
    async def page(request: Visit) -> Body:
        """The page as it is, for who may read it."""
        return await shown(request, {}, None)

    @(takes_file(path, most=most) if most else takes(path))
    async def send(request: Visit) -> Body:
        """Do what a button says."""
        try:
            made = await moves.make(request, request.user)
        except WRONG as refusal:
            require_sayable(refusal)
            return await shown(request, {}, refusal)
        if made is None or isinstance(made, str):
            return request.see(made or request.scope["path"])
        return await shown(request, made, None)

    return page, send
