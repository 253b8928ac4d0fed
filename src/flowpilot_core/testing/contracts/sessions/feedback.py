"""What is promised of who has seen what, and of what they think."""

import pytest
from attrs import evolve

from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import DeliveryId
from flowpilot_core.domain.notifications.delivery import Delivery
from flowpilot_core.domain.sessions.feedback import Judgement, Rating, Seen, Thumb, Thumbs, Verdict
from flowpilot_core.ports.kernel import BeginWork, ViewOf
from flowpilot_core.ports.unit_of_work import UnitOfWork, View
from flowpilot_core.testing.builders import MINUTE, NOON, Staff, a_session, an_escalation, new_id
from flowpilot_core.testing.contracts.contract import Contract


class FeedbackContract(Contract):
    """`Feedback`."""

    async def test_who_was_told_and_has_looked_is_counted_once(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        case = await an_escalation(by=acme.anna).kept(begin)
        told = [
            Delivery(id=DeliveryId(new_id()), handoff_id=case.handoff.id, user_id=person.user_id, created_at=NOON, updated_at=NOON)
            for person in (acme.ben, acme.adam, acme.olga)
        ]
        async with begin(acme.account_id) as work:
            await work.deliveries.add(told)
            await work.commit()

        for person in (acme.ben, acme.vera, acme.ben, acme.anna, acme.adam):
            async with begin(acme.account_id) as work:
                await work.feedback.see(Seen(handoff_id=case.handoff.id, user_id=person.user_id, seen_at=NOON))
                await work.commit()

        async with begin(acme.account_id) as work:
            looked = await work.feedback.seen_by(case.handoff.id)
        assert {person.user_id for person in (acme.ben, acme.vera, acme.anna, acme.adam)} == looked
        assert looked == await view(acme.account_id).seen_by(case.handoff.id)
        told_of = (await view(acme.account_id).handoff(case.handoff.id)).told
        assert (3, 2) == (told_of.people, told_of.seen)

    async def test_a_later_verdict_replaces_an_earlier_one_of_the_same_person(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        case = await an_escalation(by=acme.anna).claimed_by(acme.ben).kept(begin)
        first = Judgement(handoff_id=case.handoff.id, user_id=acme.ben.user_id, verdict=Verdict.LATE, comment="an hour", given_at=NOON)
        later = evolve(first, verdict=Verdict.RIGHT, comment=None, given_at=NOON + MINUTE)
        another = evolve(first, user_id=acme.adam.user_id, given_at=NOON + 2 * MINUTE)

        for judgement in (first, later, another):
            async with begin(acme.account_id) as work:
                await work.feedback.judge(judgement)
                await work.commit()

        async with begin(acme.account_id) as work:
            assert (later, another) == await work.feedback.judgements(case.handoff.id)

    async def test_a_later_rating_replaces_an_earlier_one_of_the_same_person(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        case = await an_escalation(by=acme.anna).kept(begin)
        step = case.steps[0]
        first = Rating(
            session_id=case.id, step_id=step.id, user_id=acme.ben.user_id, thumb=Thumb.DOWN, comment="why this first?", given_at=NOON
        )
        later = evolve(first, thumb=Thumb.UP, comment=None, given_at=NOON + MINUTE)
        another = evolve(first, user_id=acme.adam.user_id, given_at=NOON + 2 * MINUTE)

        for rating in (first, later, another):
            async with begin(acme.account_id) as work:
                await work.feedback.rate(rating)
                await work.commit()

        async with begin(acme.account_id) as work:
            assert (later, another) == await work.feedback.ratings(case.id, step.id)

    async def test_a_session_is_read_with_what_many_think_of_its_steps(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        case = await a_session(by=acme.anna).step("pinged it").step("rebooted it").step("went home").kept(begin)
        other = await a_session(by=acme.anna).step("asked").kept(begin)
        given = [(case, 0, acme.ben, Thumb.UP), (case, 0, acme.adam, Thumb.UP), (case, 0, acme.anna, Thumb.DOWN)]
        given += [(case, 1, acme.ben, Thumb.DOWN), (other, 0, acme.ben, Thumb.UP)]
        async with begin(acme.account_id) as work:
            for of, place, by, thumb in given:
                await work.feedback.rate(
                    Rating(session_id=of.id, step_id=of.steps[place].id, user_id=by.user_id, thumb=thumb, comment=None, given_at=NOON)
                )
            await work.commit()

        rebooted, pinged = Thumbs(down=1), Thumbs(up=2, down=1)
        expected = {case.steps[0].id: pinged, case.steps[1].id: rebooted}
        assert expected == (await view(acme.account_id).session(case.id)).thumbs
        async with begin(acme.account_id) as work:
            assert expected == (await work.sessions.detail(case.id)).thumbs

    async def test_what_is_anothers_is_nothing_here(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff, globex: Staff
    ) -> None:
        """A27, A28: not read, and nothing points to it."""
        case = await an_escalation(by=acme.anna).kept(begin)
        seen = Seen(handoff_id=case.handoff.id, user_id=acme.ben.user_id, seen_at=NOON)
        async with begin(acme.account_id) as work:
            await work.feedback.see(seen)
            await work.commit()

        async with begin(globex.account_id) as work:
            assert frozenset() == await work.feedback.seen_by(case.handoff.id)
        assert frozenset() == await view(globex.account_id).seen_by(case.handoff.id)
        for foreign in (seen, evolve(seen, user_id=globex.ben.user_id)):
            with pytest.raises(NotFound):
                async with begin(globex.account_id) as work:
                    await work.feedback.see(foreign)
                    await work.commit()
