"""The audit log: what was done to an account, entry after entry, each holding on to the one before."""

from asyncio import gather
from collections.abc import Sequence

from attrs import evolve

from flowpilot_core.application.access.audit import Auditing
from flowpilot_core.domain.access.audit import AuditEntry, AuditHead, Deed, DeedKind
from flowpilot_core.domain.kernel.actor import Way, WayIn
from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.ports.access import Audited
from flowpilot_core.ports.kernel import BeginWork
from flowpilot_core.ports.unit_of_work import UnitOfWork
from flowpilot_core.testing.builders import NOON, Staff
from flowpilot_core.testing.contracts.contract import Contract


class AuditLogContract(Contract):
    """`AuditLog`."""

    async def entered(self, begin: BeginWork[UnitOfWork], staff: Staff, kind: DeedKind = DeedKind.ACCOUNT_CHANGED) -> AuditEntry:
        async with begin(staff.account_id) as work:
            entry = await work.audit.add(self.deed(staff, kind))
            await work.commit()
        return entry

    async def log(self, begin: BeginWork[UnitOfWork], staff: Staff, *, before: int | None = None, limit: int = 100) -> Sequence[Audited]:
        async with begin(staff.account_id) as work:
            return await work.audit.page(before=before, limit=limit)

    async def end(self, begin: BeginWork[UnitOfWork], account_id: AccountId) -> AuditHead:
        return await Auditing(begin=begin).verify(account_id)

    def deed(self, staff: Staff, kind: DeedKind = DeedKind.ACCOUNT_CHANGED) -> Deed:
        changed: dict[str, Plain] = {"mails_a_minute": 7, "name": "Zoë", "on": None, "ids": ["a", "b"]}
        by = evolve(staff.anna, way_in=WayIn(way=Way.TOKEN, id=staff.anna.user_id))
        return Deed.of(kind, by=by, at=NOON, thing_id=staff.ben.user_id, changed=changed, request_id="request-1")

    async def test_reads_back_as_it_was_entered_the_newest_first_in_pages(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        entries = [await self.entered(begin, acme, kind) for kind in (DeedKind.USER_ADDED, DeedKind.TEAM_ADDED, DeedKind.POLICY_SET)]

        assert [1, 2, 3] == [entry.number for entry in entries]
        assert entries[::-1] == [one.entry for one in await self.log(begin, acme)]
        assert {acme.anna.name} == {one.name for one in await self.log(begin, acme)}
        assert [entries[1]] == [one.entry for one in await self.log(begin, acme, before=3, limit=1)]

    async def test_each_entry_holds_on_to_the_one_before(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        first, second = await self.entered(begin, acme), await self.entered(begin, acme)

        assert ("", first.digest) == (first.previous, second.previous)
        assert second.head == await self.end(begin, acme.account_id)

    async def test_of_many_at_once_each_follows_another(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        await gather(*(self.entered(begin, acme) for _ in range(10)))

        assert [*range(10, 0, -1)] == [one.entry.number for one in await self.log(begin, acme)]
        assert 10 == (await self.end(begin, acme.account_id)).number

    async def test_two_of_one_unit_of_work_follow_one_another(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        async with begin(acme.account_id) as work:
            first, second = await work.audit.add(self.deed(acme)), await work.audit.add(self.deed(acme))
            await work.commit()

        assert (first.digest, second.head) == (second.previous, await self.end(begin, acme.account_id))

    async def test_what_is_rolled_back_was_never_entered(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        async with begin(acme.account_id) as work:
            await work.audit.add(self.deed(acme))

        assert ([], AuditHead()) == ([*await self.log(begin, acme)], await self.end(begin, acme.account_id))

    async def test_each_account_has_its_own(self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff) -> None:
        ours = await self.entered(begin, acme)

        assert [] == [*await self.log(begin, globex)]
        theirs = await self.entered(begin, globex)
        assert (1, 1) == (ours.number, theirs.number)
        assert theirs.digest != evolve(theirs, deed=ours.deed).computed(globex.account_id)
