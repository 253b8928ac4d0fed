"""The queue: what waits, the most urgent first."""

from flowpilot_core.domain.kernel.identifiers import HandoffId
from flowpilot_core.domain.kernel.secret_text import token_digest
from flowpilot_core.domain.sessions.session import Priority
from flowpilot_core.ports.handoffs import QueueFilter, QueuePosition
from flowpilot_core.ports.kernel import BeginWork, ViewOf
from flowpilot_core.ports.unit_of_work import UnitOfWork, View
from flowpilot_core.testing.builders import MINUTE, NOON, Staff, a_session, an_escalation
from flowpilot_core.testing.contracts.contract import Contract
from flowpilot_core.testing.contracts.sessions.cases import AWKWARD, a_rich_case

EVERYONES = QueueFilter()


BENS = token_digest(b"ben's secret")


NOBODYS = token_digest(b"nobody's secret")


class QueueContract(Contract):
    """`HandoffView.queue`: what a senior sees, in the order to take it in."""

    async def waiting(
        self, view: ViewOf[View], staff: Staff, where: QueueFilter = EVERYONES, *, after: QueuePosition | None = None, limit: int = 100
    ) -> list[HandoffId]:
        return [item.handoff_id for item in await view(staff.account_id).queue(where, after=after, limit=limit)]

    async def test_an_item_says_what_a_senior_decides_by(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        case = await a_rich_case(acme).escalated(AWKWARD, priority=Priority.URGENT, team_id=acme.network.id).kept(begin)

        (item,) = await view(acme.account_id).queue(QueueFilter(), after=None, limit=10)

        handoff, session = case.handoff, case.session
        assert (handoff.id, session.id, session.title) == (item.handoff_id, item.session_id, item.title)
        assert (session.client_name, session.ticket, handoff.reason) == (item.client_name, item.ticket, item.reason)
        assert (Priority.URGENT, acme.network.id, None) == (item.priority, item.team_id, item.user_id)
        assert (acme.anna.user_id, acme.anna.name) == (item.escalated_by, item.escalated_by_name)
        assert (handoff.escalated_at, handoff.brief.headline) == (item.escalated_at, item.headline)
        assert (6, 5) == (item.branch_count, item.step_count)

    async def test_the_most_urgent_comes_first_and_then_who_waits_longest(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        expected = []
        for priority in (Priority.LOW, Priority.URGENT, Priority.NORMAL, Priority.HIGH):
            for minutes in (5, 1, 3, 3):
                case = a_session(by=acme.anna, priority=priority).escalated(at=NOON + minutes * MINUTE)
                expected.append(await case.kept(begin))
        expected.sort(key=lambda case: (-case.handoff.priority.rank, case.handoff.escalated_at, case.handoff.id))

        assert [case.handoff.id for case in expected] == await self.waiting(view, acme)

    async def test_pages_of_the_queue_hold_everything_once(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        for number in range(11):
            await a_session(by=acme.anna, priority=list(Priority)[number % 4]).escalated(at=NOON + number % 3 * MINUTE).kept(begin)
        everything = await self.waiting(view, acme)

        paged: list[HandoffId] = []
        after: QueuePosition | None = None
        while page := await view(acme.account_id).queue(QueueFilter(), after=after, limit=4):
            last = page[-1]
            after = QueuePosition(rank=last.priority.rank, escalated_at=last.escalated_at, handoff_id=last.handoff_id)
            paged += [item.handoff_id for item in page]

        assert 11 == len(set(everything))
        assert everything == paged

    async def test_the_queue_is_narrowed_to_team_person_and_priority(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        team = await a_session(by=acme.anna).escalated(team_id=acme.network.id).kept(begin)
        bens = await a_session(by=acme.anna).escalated(user_id=acme.ben.user_id, priority=Priority.LOW).kept(begin)

        assert [team.handoff.id] == await self.waiting(view, acme, QueueFilter(team_id=acme.network.id))
        assert [bens.handoff.id] == await self.waiting(view, acme, QueueFilter(user_id=acme.ben.user_id))
        assert [bens.handoff.id] == await self.waiting(view, acme, QueueFilter(priority=Priority.LOW))
        assert [] == await self.waiting(view, acme, QueueFilter(team_id=acme.network.id, priority=Priority.LOW))
        assert [] == await self.waiting(view, acme, QueueFilter(team_id=acme.bench.id))

    async def test_only_open_escalations_wait(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        escalation = an_escalation(by=acme.anna)
        for case in (escalation.claimed_by(acme.ben), an_escalation(by=acme.anna).withdrawn(), a_session(by=acme.anna).parked()):
            await case.kept(begin)

        assert [] == await self.waiting(view, acme)

    async def test_it_is_known_how_many_wait_and_when_one_was_last_taken(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        before = await view(acme.account_id).waiting(), await view(acme.account_id).last_claimed_at()
        for case in (an_escalation(by=acme.anna), an_escalation(by=acme.anna), a_session(by=acme.anna).parked()):
            await case.kept(begin)
        taken = await an_escalation(by=acme.anna).claimed_by(acme.ben).kept(begin)

        assert (0, None) == before
        assert taken.handoff.claim is not None
        assert (2, taken.handoff.claim.at) == (await view(acme.account_id).waiting(), await view(acme.account_id).last_claimed_at())

    async def test_how_urgent_escalations_are_is_told_of_all_that_are_asked_for_at_once(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff, globex: Staff
    ) -> None:
        urgent = await a_session(by=acme.anna).escalated(priority=Priority.URGENT).kept(begin)
        taken = await a_session(by=acme.anna).escalated(priority=Priority.LOW).claimed_by(acme.ben).kept(begin)
        theirs = await a_session(by=globex.anna).escalated().kept(begin)
        asked = [one.handoff.id for one in (urgent, taken, theirs)]

        assert {asked[0]: Priority.URGENT, asked[1]: Priority.LOW} == await view(acme.account_id).priorities(asked)
        assert {} == await view(acme.account_id).priorities([])

    async def test_what_is_given_back_has_the_wait_it_had(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        older = await an_escalation(by=acme.anna, at=NOON + MINUTE * 2).claimed_by(acme.ben).unclaimed().kept(begin)
        newer = await an_escalation(by=acme.anna, at=NOON + MINUTE * 3).kept(begin)

        assert [older.handoff.id, newer.handoff.id] == await self.waiting(view, acme)

    async def test_a_rerouted_escalation_keeps_its_wait_and_takes_its_new_place(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        first = await an_escalation(by=acme.anna).kept(begin)
        urgent = await an_escalation(by=acme.anna).rerouted(priority=Priority.URGENT).kept(begin)

        assert [urgent.handoff.id, first.handoff.id] == await self.waiting(view, acme)
        assert [urgent.handoff.id] == await self.waiting(view, acme, QueueFilter(priority=Priority.URGENT))
