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

from .moves import WRONG, Moves, Shown, typed
from .page_request import OfAccount, Visit, shows, takes

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
    ("audit-log", "Audit log", Permission.READ_AUDIT_LOG),
)
"""Each with what it takes to open it; None: everybody."""


def shown_as(setting: object) -> str:
    """What a form says of the setting that it was shown with, to find out whether somebody was quicker; not how it reads."""
    return sha256(msgspec.json.encode(setting)).hexdigest()[:32]


Facts = Callable[[Visit, Person], Awaitable[Shown]]


def settings_page(name: str, facts: Facts, moves: Moves) -> tuple[HTTPRouteHandler, ...]:
    """The page `/settings/{name}` of `settings_{name}.html`, with what `facts` reads for it, and its forms."""
    path = f"/settings/{name}"
    title, permission = next((title, permission) for place, title, permission in PLACES if place == name)

    async def shown(request: Visit, person: Person, made: Shown | None = None, refusal: Exception | None = None) -> Body:
        if permission is not None:
            require_role(person, permission)
        problem = problem_of(refusal) if refusal else None
        return await request.framed(
            f"settings_{name.replace('-', '_')}.html",
            status=problem.status if problem else 409 if made and "stale" in made else 200,
            section=title,
            sections=[(f"/settings/{place}", words) for place, words, needs in PLACES if needs is None or permits(person, needs, ())],
            refused=problem.detail if problem else None,
            typed=defaultdict(str, await typed(request) if problem else {}),
            made=defaultdict(lambda: None, made or {}),
            may_manage=permits(person, Permission.MANAGE_PEOPLE, ()),
            **await facts(request, person),
        )

    @shows(path)
    async def settings(request: Visit) -> Body:
        """What is set, for who may know."""
        wanted = await request.wanted(OfAccount)
        return await shown(request, request.person_for(wanted.account))

    @takes(path)
    async def change_settings(request: Visit) -> Body:
        """Set it. What is not right is said on the page, where what was typed still stands."""
        person = request.user
        try:
            made = await moves.make(request, person)
        except WRONG as refusal:
            if problem_of(refusal).status == 401 or problem_of(refusal).status >= 500:
                raise
            return await shown(request, person, refusal=refusal)
        return request.see(path) if made is None else await shown(request, person, made)

    return settings, change_settings


@shows("/settings")
async def settings_home(request: Visit) -> Body:
    """To the first of them."""
    return request.see(f"/settings/{PLACES[0][0]}")


ROUTES = (settings_home,)
