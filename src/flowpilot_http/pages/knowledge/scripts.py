"""The list of the account's script templates, and how a new one begins."""

import asyncio
from typing import Final
from uuid import UUID

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.identifiers import ScriptTemplateId
from flowpilot_core.ports.knowledge import ScriptFilter
from flowpilot_http.pages.moves import Made, Moves, Shown, formed
from flowpilot_http.pages.page_request import Visit
from flowpilot_http.responses import Body
from flowpilot_http.schemas.knowledge.script_templates import ScriptTemplateOut

from .shelf import MOST, SCRIPTS, STATES, Sought, categories, category_id, shelved, to_choose
from .templates import About

move: Final = Moves()


class Chosen(Sought, kw_only=True, frozen=True):
    """Which script templates, from where on, and for which session."""

    session: UUID | None = None


async def _shown(request: Visit, made: Shown, refusal: Exception | None) -> Body:
    wanted = await request.wanted(Chosen)
    person = request.person_for(wanted.account)
    where = ScriptFilter(**wanted.by(person))
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


@move("new", About)
async def begin_script(request: Visit, person: Person, form: About) -> Made:
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
