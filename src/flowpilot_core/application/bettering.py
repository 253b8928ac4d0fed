"""Having a model better a resolution output: what the rules wrote stands until then, and where nothing comes of it."""

import asyncio
from contextlib import suppress

from attrs import frozen

from flowpilot_core.domain.actor import System
from flowpilot_core.domain.diagnosis import SENTENCE
from flowpilot_core.domain.errors import NotFound
from flowpilot_core.domain.events import Plain
from flowpilot_core.domain.identifiers import HandoffId, OutputId
from flowpilot_core.domain.output import Output, OutputKind
from flowpilot_core.domain.plain_text import plain_text
from flowpilot_core.domain.write_up import bettered
from flowpilot_core.ports.assistant import Opinion, Question
from flowpilot_core.ports.clock import Clock
from flowpilot_core.ports.outbox import Lease
from flowpilot_core.ports.persistence import SessionDetail
from flowpilot_core.ports.redactor import Redactor

from .models import NOBODY, NOTHING, Models
from .outputs import WrittenUp
from .picturing import pictured
from .redacting import redactor_of, without_secrets
from .units import Units

MOST_PARAGRAPHS = 4
WHY = "a model wrote it up"
"""The cause that stands in the log with what the system does here."""


@frozen(kw_only=True)
class BetterOutput:
    """Does the work of one output that a model is to better. Nobody is ever asked inside a unit of work."""

    units: Units
    redact: Redactor
    clock: Clock
    models: Models | None = None

    async def do(self, lease: Lease) -> None:
        """Ask for it, and keep under the lease what comes of it, unless somebody took the output up as it was meanwhile."""
        async with self.units.begin(lease.account_id) as work:
            if not await work.due.holds(lease):
                return
            output = await work.outputs.get(OutputId(lease.work_id))
            detail = await work.sessions.detail(output.session_id)
            case = WrittenUp(detail=detail, redact=redactor_of(await work.people.account(), self.redact))
        if not output.pending or detail.session.resolution is None or self.models is None:
            await self.give_up(lease, NOBODY)
            return
        clean = await case.cleaner(within=detail.session.id)
        told = await asyncio.to_thread(without_secrets, told_of(output.kind, detail), clean)
        question = Question(account_id=lease.account_id, handoff_id=HandoffId(detail.session.id), snapshot=told, output=output.kind)
        opinion, problem = await self.models.asked(question)
        paragraphs = _paragraphs(opinion) if opinion else []
        if opinion is None or not paragraphs:
            await self.give_up(lease, problem or NOTHING)
            return
        body = await case.fit(output.kind, bettered(output.kind, output.body, paragraphs))
        await self._keep(lease, output, body, f"{opinion.origin.provider}:{opinion.origin.model}")

    async def give_up(self, lease: Lease, problem: str) -> None:
        """It stays as the rules wrote it, and says why."""
        async with self.units.begin(lease.account_id) as work:
            if not await work.due.finish(lease):
                return
            with suppress(NotFound):
                output = await work.outputs.get(OutputId(lease.work_id))
                if output.pending:
                    await work.outputs.save(output.left(problem), before=output)
            await work.commit()

    async def _keep(self, lease: Lease, asked: Output, body: str, model: str) -> None:
        async with self.units.begin(lease.account_id) as work:
            if not await work.due.finish(lease):
                return
            output = await work.outputs.get(asked.id)
            if output.pending:
                by = System(account_id=lease.account_id, cause=WHY)
                better, event = output.bettered(body, model, by=by, at=self.clock.now())
                await work.outputs.save(better, before=output)
                await self.units.record(work, event)
            await work.commit()
        self.units.committed(lease.account_id)


def told_of(kind: OutputKind, detail: SessionDetail) -> dict[str, Plain]:
    """What a model is told of a resolved session: for a client no more than the rules tell one, so that it can give nothing away."""
    session, resolution = detail.session, detail.session.resolution
    solved: dict[str, Plain] = {
        "summary": resolution.summary if resolution else None,
        "root_cause": resolution.root_cause if resolution else None,
    }
    if kind is OutputKind.CLIENT_SUMMARY:
        return {"title": session.title, "resolution": solved, "steps": []}
    return {**pictured(detail, "it is resolved"), "resolution": solved}


def _paragraphs(opinion: Opinion) -> list[str]:
    told = (plain_text(said.text, most=SENTENCE) for said in opinion.draft.summary[:MOST_PARAGRAPHS])
    return [paragraph for paragraph in told if paragraph]
