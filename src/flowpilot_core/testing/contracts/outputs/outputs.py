"""Resolution outputs come back as they were kept, with every version, and two who change one at once do not both succeed."""

import pytest

from flowpilot_core.domain.kernel.actor import System
from flowpilot_core.domain.kernel.errors import NotFound, Stale
from flowpilot_core.domain.kernel.identifiers import OutputId, SessionId
from flowpilot_core.domain.outputs.output import Author, Output, OutputKind, OutputState
from flowpilot_core.ports.kernel import BeginWork
from flowpilot_core.ports.relay import Outbox, WorkKind
from flowpilot_core.ports.unit_of_work import UnitOfWork
from flowpilot_core.testing.builders import MINUTE, NOON, Case, Staff, a_session, new_id
from flowpilot_core.testing.contracts.contract import EVERYTHING, Contract

BODY = "## Ursache\n\n- Stecker — 漢 \U0001f5a8"


def an_output(case: Case, staff: Staff, *, kind: OutputKind = OutputKind.PSA_NOTE, pending: bool = False) -> Output:
    """A draft of a resolved session."""
    output, _ = Output.made(OutputId(new_id()), case.session, kind, BODY, pending=pending, by=staff.anna, at=NOON)
    return output


class OutputsContract(Contract):
    """The suite."""

    async def test_they_come_back_as_they_were_kept_oldest_first(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        case, other = [await a_session(by=acme.anna).resolved().kept(begin) for _ in range(2)]
        outputs = tuple(an_output(case, acme, kind=kind) for kind in OutputKind)
        await self.kept(begin, acme, *outputs, an_output(other, acme))

        async with begin(acme.account_id) as work:
            assert outputs == await work.outputs.of(case.id)
            assert outputs[1] == await work.outputs.get(outputs[1].id)
            assert () == await work.outputs.of(SessionId(new_id()))
            with pytest.raises(NotFound):
                await work.outputs.get(OutputId(new_id()))

    async def test_every_version_stays_readable(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        case = await a_session(by=acme.anna).resolved().kept(begin)
        first = an_output(case, acme, pending=True)
        await self.kept(begin, acme, first)
        by_model, _ = first.bettered("Of a model", "vendor:model", by=System(account_id=acme.account_id, cause="x"), at=NOON + MINUTE)
        by_ben, _ = by_model.edited(case.session, "By hand", by=acme.ben, at=NOON + MINUTE)
        approved, _ = by_ben.approved(case.session, by=acme.adam, at=NOON + MINUTE)

        for before, after in ((first, by_model), (by_model, by_ben), (by_ben, approved)):
            async with begin(acme.account_id) as work:
                await work.outputs.save(after, before=before)
                await work.commit()

        async with begin(acme.account_id) as work:
            found = await work.outputs.get(first.id)
        assert approved == found
        assert [(1, BODY, Author.RULES), (2, "Of a model", Author.MODEL), (3, "By hand", Author.PERSON)] == [
            (one.number, one.body, one.made_by) for one in found.versions
        ]
        assert (OutputState.APPROVED, acme.adam.user_id) == (found.state, found.approved_by)

    async def test_who_changes_what_was_changed_meanwhile_is_told(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        case = await a_session(by=acme.anna).resolved().kept(begin)
        output = an_output(case, acme)
        await self.kept(begin, acme, output)
        edited, _ = output.edited(case.session, "Late", by=acme.ben, at=NOON)
        approved, _ = output.approved(case.session, by=acme.anna, at=NOON)

        with pytest.raises(Stale):
            async with begin(acme.account_id) as late:
                assert output == await late.outputs.get(output.id)
                async with begin(acme.account_id) as work:
                    await work.outputs.save(approved, before=output)
                    await work.commit()
                await late.outputs.save(edited, before=output)
                await late.commit()

        async with begin(acme.account_id) as work:
            assert approved == await work.outputs.get(output.id)

    async def test_a_pending_one_is_due_and_no_other(self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff) -> None:
        case = await a_session(by=acme.anna).resolved().kept(begin)
        pending = an_output(case, acme, pending=True)

        await self.kept(begin, acme, pending, an_output(case, acme))

        leases = await outbox.take({WorkKind.OUTPUT: EVERYTHING}, lease_for=MINUTE)
        assert [pending.id] == [lease.work_id for lease in leases if lease.account_id == acme.account_id]

    async def test_to_another_account_they_do_not_exist(self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff) -> None:
        case = await a_session(by=acme.anna).resolved().kept(begin)
        output = an_output(case, acme)
        await self.kept(begin, acme, output)
        stolen, _ = output.approved(case.session, by=globex.anna, at=NOON)

        async with begin(globex.account_id) as work:
            with pytest.raises(NotFound):
                await work.outputs.get(output.id)
            assert () == await work.outputs.of(case.id)
        with pytest.raises(Stale):
            async with begin(globex.account_id) as work:
                await work.outputs.save(stolen, before=output)
                await work.commit()
        async with begin(acme.account_id) as work:
            assert output == await work.outputs.get(output.id)

    async def kept(self, begin: BeginWork[UnitOfWork], staff: Staff, *outputs: Output) -> None:
        """The outputs, stored."""
        async with begin(staff.account_id) as work:
            for output in outputs:
                await work.outputs.add(output)
            await work.commit()
