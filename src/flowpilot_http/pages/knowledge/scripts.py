"""The list of the account's script templates, and how a new one begins."""

import asyncio
from typing import Final
from uuid import UUID

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.identifiers import ScriptTemplateId
from flowpilot_core.domain.knowledge.template import TemplateState
from flowpilot_core.ports.knowledge import ScriptFilter
from flowpilot_http.pages.moves import Made, Move, Moves, Shown, formed
from flowpilot_http.pages.page_request import Visit
from flowpilot_http.responses import Body
from flowpilot_http.schemas.knowledge.script_templates import ScriptTemplateOut

from .shelf import MOST, SCRIPTS, Asked, categories, category_id, shelved, to_choose
from .trees import STATES

move: Final = Moves()


class Chosen(Asked, kw_only=True, frozen=True):
    """Which script templates, from where on, and for which session."""

    mine: bool = False
    state: TemplateState | None = None
    category: UUID | None = None
    q: str | None = None
    after: UUID | None = None
    session: UUID | None = None


async def _shown(request: Visit, made: Shown, refusal: Exception | None) -> Body:
    wanted = await request.wanted(Chosen)
    person = request.person_for(wanted.account)
    where = ScriptFilter(
        state=wanted.state,
        category_id=category_id(wanted.category),
        created_by=person.user_id if wanted.mine else None,
        words=tuple((wanted.q or "").split()),
    )
    after = None if wanted.after is None else ScriptTemplateId(wanted.after)
    found, named = await asyncio.gather(
        request.flowpilot.script_templates.list(person, where, after=after, limit=MOST + 1), categories(request, person)
    )
    return await shelved(
        request,
        "library_scripts.html",
        made,
        refusal,
        wanted=wanted,
        items=[ScriptTemplateOut.listed(one) for one in found[:MOST]],
        older=found[MOST - 1].template.id if len(found) > MOST else None,
        states=STATES,
        named=named,
        to_choose=to_choose,
    )


class New(Move, kw_only=True, frozen=True):
    """What it is called, and what for."""

    name: str = ""
    description: str | None = None
    category: UUID | None = None


@move("new", New)
async def begin_script(request: Visit, person: Person, form: New) -> Made:
    """A draft, to be written next."""
    templates = request.flowpilot.script_templates
    begun = await request.do(
        form,
        lambda change: templates.make(
            person, name=form.name, description=form.description, category_id=category_id(form.category), request=change
        ),
    )
    return f"{SCRIPTS}/{begun.template.id}/edit" if begun else SCRIPTS


ROUTES = formed(SCRIPTS, _shown, move)
