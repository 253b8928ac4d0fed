"""What the pages under `/settings` share: where they are, who is offered them, and how one is made of a template and its moves."""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Final

import msgspec
from litestar.handlers import HTTPRouteHandler

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.permissions import Permission, permits, require_role
from flowpilot_http.problems import problem_of
from flowpilot_http.responses import Body

from .moves import Moves, Shown, formed, typed
from .page_request import OfAccount, Visit, shows

PLACES: Final[tuple[tuple[str, str, Permission | None], ...]] = (
    ("profile", "Profile", None),
    ("tokens", "Tokens", None),
    ("people", "People", None),
    ("teams", "Teams", None),
    ("policy", "Escalation policy", Permission.SET_POLICY),
    ("connections", "Connections", Permission.CONNECT_PSA),
    ("webhooks", "Webhooks", Permission.MANAGE_WEBHOOKS),
    ("sign-in", "Sign-in", Permission.MANAGE_PROVIDERS),
    ("account", "Account", None),
    ("branding", "Branding", Permission.SET_ACCOUNT),
    ("audit-log", "Audit log", Permission.READ_AUDIT_LOG),
)
"""Each with what it takes to open it; None: everybody."""


def shown_as(setting: object) -> str:
    """What a form says of the setting that it was shown with, to find out whether somebody was quicker; not how it reads."""
    return sha256(msgspec.json.encode(setting)).hexdigest()[:32]


Facts = Callable[[Visit, Person], Awaitable[Shown]]


def settings_page(name: str, facts: Facts, moves: Moves, *, most: int = 0) -> tuple[HTTPRouteHandler, ...]:
    """The page `/settings/{name}` of `settings_{name}.html`, with what `facts` reads for it, and its forms; one has a file of up to `most`
    bytes.
    """
    path = f"/settings/{name}"
    title, permission = next((title, permission) for place, title, permission in PLACES if place == name)

    async def shown(request: Visit, made: Shown, refusal: Exception | None) -> Body:
        person = request.person_for((await request.wanted(OfAccount)).account)
        if permission is not None:
            require_role(person, permission)
        problem = problem_of(refusal) if refusal else None
        return await request.framed(
            f"settings_{name.replace('-', '_')}.html",
            status=problem.status if problem else 409 if "stale" in made else 200,
            section=title,
            sections=[(f"/settings/{place}", words) for place, words, needs in PLACES if needs is None or permits(person, needs, ())],
            refused=problem.detail if problem else None,
            typed=defaultdict(str, await typed(request) if problem else {}),
            made=defaultdict(lambda: None, made),
            may_manage=permits(person, Permission.MANAGE_PEOPLE, ()),
            **await facts(request, person),
        )

    return formed(path, shown, moves, most=most)


@shows("/settings")
async def settings_home(request: Visit) -> Body:
    """To the first of them."""
    return request.see(f"/settings/{PLACES[0][0]}")


ROUTES = (settings_home,)
