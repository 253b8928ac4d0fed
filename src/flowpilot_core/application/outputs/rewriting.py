"""Having a model better a resolution output: what the rules wrote stands until then, and where nothing comes of it."""

from contextlib import suppress
from typing import Protocol

from attrs import frozen

from flowpilot_core.application.assistant.models import NOBODY, NOTHING, Models
from flowpilot_core.application.handoffs.current_snapshot import pictured
from flowpilot_core.application.kernel.units import Units
from flowpilot_core.domain.assistant.diagnosis import SENTENCE
from flowpilot_core.domain.kernel.actor import System
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.identifiers import HandoffId, OutputId
from flowpilot_core.domain.kernel.plain_text import plain_text
from flowpilot_core.domain.outputs.output import Output, OutputKind
from flowpilot_core.domain.outputs.write_up import bettered
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.assistant import Opinion, Question, Redactor
from flowpilot_core.ports.kernel import Clock
from flowpilot_core.ports.outputs import OutputWork
from flowpilot_core.ports.relay import Lease, RelayWork
from flowpilot_core.ports.sessions import SessionDetail, SessionWork

from .outputs import WrittenUp


class RewritingNeeds(OutputWork, SessionWork, AccessWork, RelayWork, Protocol):
    """What is done here asks this of a unit of work."""


MOST_PARAGRAPHS = 4
WHY = "a model wrote it up"
"""The cause that stands in the log with what the system does here."""


@frozen(kw_only=True)
class BetterOutput:
    """Does the work of one output that a model is to better. Nobody is ever asked inside a unit of work."""

    units: Units[RewritingNeeds]
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
            account = await work.people.account()
            case = WrittenUp(account_id=account.id, detail=detail, redact=self.redact, personal=account.redacts_personal)
        if not output.pending or detail.session.resolution is None or self.models is None:
            await self.give_up(lease, NOBODY)
            return
        clean = await case.cleaner(within=detail.session.id)
        told = await case.without_secrets(told_of(output.kind, detail), clean)
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
