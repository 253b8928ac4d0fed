"""Figures are what their definitions say, in all and in every group, and never of another account or of what is private."""

from datetime import date, timedelta

import pytest
from attrs import evolve

from flowpilot_core.application.insights.analytics import Analytics, Answer
from flowpilot_core.domain.handoffs.handoff import Handoff
from flowpilot_core.domain.insights.analytics import GROUPS, GroupBy, Question
from flowpilot_core.domain.insights.figures import Subject
from flowpilot_core.domain.insights.period import Period
from flowpilot_core.domain.insights.spread import CLASSES, LONGER, Spread
from flowpilot_core.domain.kernel.actor import Person, System
from flowpilot_core.domain.kernel.errors import RoleForbidden, TooManyGroups
from flowpilot_core.domain.kernel.identifiers import DeliveryId, EventId, TeamId
from flowpilot_core.domain.notifications.delivery import Channel, Delivery, DeliveryKind
from flowpilot_core.domain.sessions.feedback import Seen, Verdict
from flowpilot_core.domain.sessions.session import Priority
from flowpilot_core.ports.kernel import BeginWork, ViewOf
from flowpilot_core.ports.unit_of_work import UnitOfWork, View
from flowpilot_core.testing.builders import MINUTE, NOON, SetClock, Staff, a_session, new_id
from flowpilot_core.testing.contracts.contract import Contract

DAY = timedelta(days=1)
NO_CLASS = dict.fromkeys((*CLASSES, LONGER), 0)
"""No wait of any length."""


class AsksForFigures(Contract):
    """What suites of figures share: who answers, and when that is."""

    @pytest.fixture
    def clock(self) -> SetClock:
        """Two days after most of it happens."""
        clock = SetClock()
        clock.jump(NOON + 2 * DAY - clock.now())
        return clock

    @pytest.fixture
    def analytics(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], clock: SetClock) -> Analytics:
        return Analytics(begin=begin, view=view, clock=clock)


class AnalyticsContract(AsksForFigures):
    """The suite."""

    async def test_where_nothing_happened_every_figure_is_nought_and_rates_are_none(self, analytics: Analytics, acme: Staff) -> None:
        for subject in Subject:
            answer = await analytics.ask(acme.olga, subject)

            assert () == answer.groups
            assert answer.total.is_empty
        assert None is values(await analytics.ask(acme.olga, Subject.ESCALATIONS))["escalation_rate"]

    async def test_escalations_are_counted_as_their_definitions_say(
        self, analytics: Analytics, begin: BeginWork[UnitOfWork], acme: Staff
    ) -> None:
        quiet = System(account_id=acme.account_id, cause="the claim went quiet")
        first = a_session(by=acme.anna).step().escalated().rerouted().claimed_by(acme.ben).step().resolved().reopened_by(acme.anna)
        again = first.escalated(priority=Priority.URGENT).claimed_by(acme.adam).lapsed(quiet).claimed_by(acme.olga).unclaimed()
        claimed = await again.claimed_by(acme.adam, at=again.at + 10 * MINUTE).resolved().kept(begin)
        await a_session(by=acme.anna).escalated().withdrawn().kept(begin)
        await a_session(by=acme.anna).kept(begin)
        await self.judged(begin, acme.ben, claimed.handoffs[0], Verdict.LATE)

        found = values(await analytics.ask(acme.vera, Subject.ESCALATIONS))

        assert {
            "sessions": 3,
            "escalated_sessions": 2,
            "escalation_rate": 2 / 3,
            "escalations": 3,
            "reroutes": 1,
            "claimed": 2,
            "withdrawn": 1,
            "lapsed": 1,
            "unclaimed": 1,
            "reopened": 1,
            "waiting": 0,
            "overdue": 0,
            "time_to_claim": Spread.of([MINUTE, 15 * MINUTE]),
            "time_to_first_step": Spread.of([MINUTE]),
            "time_to_claim_classes": {**NO_CLASS, "under_5_min": 1, "under_1_h": 1},
            "time_to_first_step_classes": {**NO_CLASS, "under_5_min": 1},
            "claimed_without_step": 1,
            "time_to_resolve": Spread.of([claimed.session.updated_at - NOON]),
            "verdicts": {"right": 0, "late": 1, "avoidable": 0, "none": 1},
        } == found

    async def test_each_wait_is_in_one_class_in_all_and_in_each_group(
        self, analytics: Analytics, begin: BeginWork[UnitOfWork], acme: Staff
    ) -> None:
        for number, bound in enumerate(CLASSES.values()):
            for wait in (bound - timedelta(microseconds=1), bound):
                case = a_session(by=acme.anna, client_name=f"Client {number}").escalated(at=NOON)
                await case.claimed_by(acme.ben, at=NOON + wait).step(at=NOON + 2 * wait).kept(begin)

        answer = await analytics.ask(acme.vera, Subject.ESCALATIONS, group_by=GroupBy.CLIENT)

        names = (*CLASSES, LONGER)
        for figure in ("time_to_claim_classes", "time_to_first_step_classes"):
            assert {name: 1 if name in (names[0], LONGER) else 2 for name in names} == values(answer)[figure]
            for number, group in enumerate(answer.groups):
                expected = {**NO_CLASS, names[number]: 1, names[number + 1]: 1}
                assert expected == {name: group.tally.counts[f"{figure}.{name}"] for name in names}
        assert () == await analytics.verify(acme.account_id)

    async def test_what_waits_too_long_is_overdue(self, analytics: Analytics, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        for due in (NOON + DAY, NOON + 3 * DAY, None):
            case = a_session(by=acme.anna).escalated()
            last = case.moves[-1]
            assert last.handoff is not None
            await evolve(case, moves=(*case.moves[:-1], evolve(last, handoff=evolve(last.handoff, due_at=due)))).kept(begin)

        found = values(await analytics.ask(acme.vera, Subject.ESCALATIONS))

        assert (3, 1) == (found["waiting"], found["overdue"])

    async def test_work_is_counted_as_its_definitions_say(self, analytics: Analytics, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        await a_session(by=acme.anna).step().fork().closed("cable").joined_by(acme.ben).step(by=acme.ben).resolved().kept(begin)
        await a_session(by=acme.anna).step().escalated().claimed_by(acme.ben).resolved().kept(begin)
        await a_session(by=acme.ben).abandoned().kept(begin)

        found = values(await analytics.ask(acme.anna, Subject.WORK))

        assert {
            "sessions": {"active": 0, "parked": 0, "escalated": 0, "resolved": 2, "abandoned": 1},
            "steps": 3,
            "forks": 1,
            "dead_ends": 1,
            "helped": 1,
            "resolved_without_escalation": 1,
            "time_to_resolve": Spread.of([6 * MINUTE, 4 * MINUTE]),
        } == found

    async def test_an_escalation_counts_when_it_was_made_and_a_session_when_it_started(
        self, analytics: Analytics, begin: BeginWork[UnitOfWork], acme: Staff
    ) -> None:
        await a_session(by=acme.anna, at=NOON - DAY).escalated(at=NOON).kept(begin)

        days = await analytics.ask(acme.anna, Subject.ESCALATIONS, group_by=GroupBy.DAY)
        only_noon = values(await analytics.ask(acme.anna, Subject.ESCALATIONS, start=NOON.date(), end=NOON.date() + DAY))

        assert [("2026-03-01", 1, 0), ("2026-03-02", 0, 1)] == [
            (one.key, one.tally.counts.get("sessions", 0), one.tally.counts.get("escalations", 0)) for one in days.groups
        ]
        assert (0, 0, None, 1) == tuple(only_noon[name] for name in ("sessions", "escalated_sessions", "escalation_rate", "escalations"))

    async def test_days_begin_by_the_clock_of_the_zone(self, analytics: Analytics, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        for at in (NOON, NOON + 13 * DAY / 24, NOON + 27 * DAY):
            await a_session(by=acme.anna, at=at).kept(begin)

        async def keys(group_by: GroupBy, time_zone: str) -> list[str | None]:
            answer = await analytics.ask(
                acme.anna, Subject.ESCALATIONS, start=date(2026, 3, 1), end=date(2026, 5, 1), time_zone=time_zone, group_by=group_by
            )
            return [one.key for one in answer.groups]

        assert ["2026-03-02", "2026-03-03", "2026-03-29"] == await keys(GroupBy.DAY, "UTC")
        assert ["2026-03-02", "2026-03-29"] == await keys(GroupBy.DAY, "America/New_York")
        assert ["2026-03-03", "2026-03-30"] == await keys(GroupBy.DAY, "Pacific/Auckland")
        assert ["12", "25", "156"] == await keys(GroupBy.HOUR_OF_WEEK, "UTC")
        assert ["13", "26", "158"] == await keys(GroupBy.HOUR_OF_WEEK, "Europe/Vienna")
        assert ["2026-W10", "2026-W13"] == await keys(GroupBy.WEEK, "UTC")
        assert ["2026-03"] == await keys(GroupBy.MONTH, "UTC")

    async def test_without_a_word_days_are_those_of_the_account(
        self, analytics: Analytics, begin: BeginWork[UnitOfWork], acme: Staff
    ) -> None:
        async with begin(acme.account_id) as work:
            await work.people.save_account(acme.account.changed(time_zone="Pacific/Auckland"))
            await work.commit()

        answer = await analytics.ask(acme.anna, Subject.WORK)

        assert Period(start=date(2026, 2, 4), end=date(2026, 3, 6), time_zone="Pacific/Auckland") == answer.question.period

    async def test_groups_are_labelled_and_what_has_none_comes_last(
        self, analytics: Analytics, begin: BeginWork[UnitOfWork], acme: Staff
    ) -> None:
        await a_session(by=acme.anna, client_name=None).escalated(team_id=acme.network.id, priority=Priority.HIGH).kept(begin)
        await a_session(by=acme.ben, client_name="Contoso").escalated().claimed_by(acme.anna).kept(begin)

        async def groups(group_by: GroupBy) -> list[tuple[str | None, str, int]]:
            answer = await analytics.ask(acme.adam, Subject.ESCALATIONS, group_by=group_by)
            return [(one.key, one.label, one.tally.counts.get("escalations", 0)) for one in answer.groups]

        assert [(str(acme.network.id), "Network", 1), (None, "none", 1)] == await groups(GroupBy.TEAM)
        assert [("high", "high", 1), ("normal", "normal", 1)] == await groups(GroupBy.PRIORITY)
        assert [("Contoso", "Contoso", 1), (None, "none", 1)] == await groups(GroupBy.CLIENT)
        assert [(str(acme.anna.user_id), acme.anna.name, 1), (None, "none", 1)] == await groups(GroupBy.CLAIMER)
        assert {(acme.anna.name, 1), (acme.ben.name, 1)} == {one[1:] for one in await groups(GroupBy.ESCALATOR)}

    async def test_sessions_of_a_claimer_are_those_of_the_groups_escalations(
        self, analytics: Analytics, begin: BeginWork[UnitOfWork], acme: Staff
    ) -> None:
        """One session, escalated twice and claimed twice by one person, is one session of that group."""
        await (
            a_session(by=acme.anna, at=NOON - 90 * DAY)
            .escalated(at=NOON)
            .claimed_by(acme.ben)
            .escalated()
            .claimed_by(acme.anna)
            .escalated()
            .claimed_by(acme.ben)
            .kept(begin)
        )

        answer = await analytics.ask(acme.adam, Subject.ESCALATIONS, group_by=GroupBy.CLAIMER)

        counted = {
            one.label: tuple(one.tally.counts[name] for name in ("sessions", "escalated_sessions", "escalations")) for one in answer.groups
        }
        assert {acme.ben.name: (1, 1, 2), acme.anna.name: (1, 1, 1)} == counted
        assert 0 == answer.total.counts["sessions"]

    async def test_of_one_team_is_what_is_that_teams(self, analytics: Analytics, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        await a_session(by=acme.anna, team_id=acme.network.id).escalated(team_id=acme.bench.id).kept(begin)

        async def counted(team_id: TeamId) -> tuple[object, object]:
            found = values(await analytics.ask(acme.anna, Subject.ESCALATIONS, team_id=team_id))
            return found["sessions"], found["escalations"]

        assert ((1, 0), (0, 1)) == (await counted(acme.network.id), await counted(acme.bench.id))

    @pytest.mark.parametrize(("subject", "group_by"), [(subject, one) for subject in Subject for one in GROUPS[subject]])
    async def test_figures_of_each_person_are_for_account_owners_and_admins(
        self, analytics: Analytics, acme: Staff, subject: Subject, group_by: GroupBy
    ) -> None:
        personal = group_by in {GroupBy.ESCALATOR, GroupBy.CLAIMER, GroupBy.ASSIGNEE} or subject is Subject.PSA
        for reader in acme.people:
            if personal and reader not in (acme.olga, acme.adam):
                with pytest.raises(RoleForbidden):
                    await analytics.ask(reader, subject, group_by=group_by)
            else:
                assert () == (await analytics.ask(reader, subject, group_by=group_by)).groups

    async def test_a_park_shows_in_no_figure_to_whom_it_is_private(
        self, analytics: Analytics, begin: BeginWork[UnitOfWork], acme: Staff
    ) -> None:
        """A63: neither a count nor the name of a client tells of what somebody else has parked."""
        await a_session(by=acme.anna, client_name="Secret Client").step().parked().kept(begin)

        for reader, seen in ((acme.anna, 1), (acme.ben, 0), (acme.vera, 0), (acme.adam, 1)):
            for subject in (Subject.ESCALATIONS, Subject.WORK):
                answer = await analytics.ask(reader, subject, group_by=GroupBy.CLIENT)

                assert ["Secret Client"] * seen == [one.key for one in answer.groups]
                assert bool(seen) is not answer.total.is_empty

    async def test_another_account_shows_in_no_figure(
        self, analytics: Analytics, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff
    ) -> None:
        """A63: nor in the name of a group."""
        case = await a_session(by=globex.anna, client_name="Theirs").escalated(team_id=globex.network.id).claimed_by(globex.ben).kept(begin)
        await self.judged(begin, globex.ben, case.handoff, Verdict.RIGHT)

        for subject, ways in GROUPS.items():
            for group_by in ways:
                answer = await analytics.ask(acme.olga, subject, group_by=group_by)
                assert (True, ()) == (answer.total.is_empty, answer.groups)
        theirs = await analytics.ask(acme.olga, Subject.ESCALATIONS, team_id=globex.network.id)
        assert theirs.total.is_empty

    async def test_messages_are_counted_as_their_definitions_say(
        self, analytics: Analytics, begin: BeginWork[UnitOfWork], acme: Staff
    ) -> None:
        case = await a_session(by=acme.anna).escalated(team_id=acme.network.id).kept(begin)

        def to(person: Person, kind: DeliveryKind = DeliveryKind.ESCALATED, channel: Channel = Channel.EMAIL) -> Delivery:
            return Delivery.of(case.handoff, DeliveryId(new_id()), person.user_id, kind=kind, channel=channel, at=NOON)

        made = [to(acme.ben), to(acme.olga), to(acme.adam, channel=Channel.PUSH)]
        sent = made[0].taken(at=NOON + MINUTE).sent("1@x", at=NOON + 2 * MINUTE)
        dead = made[1].taken(at=NOON).failed("550 no such user", permanent=True, at=NOON)
        pushed = made[2].taken(at=NOON).delivered(at=NOON)
        async with begin(acme.account_id) as work:
            await work.deliveries.add([*made, to(acme.vera), to(acme.anna, DeliveryKind.DEBRIEF)])
            await work.commit()
        async with begin(acme.account_id) as work:
            for changed in (sent, dead, pushed):
                await work.deliveries.save(changed)
            await work.feedback.see(Seen(handoff_id=case.handoff.id, user_id=acme.ben.user_id, seen_at=NOON + 5 * MINUTE))
            await work.commit()

        answer = await analytics.ask(acme.vera, Subject.DELIVERIES, group_by=GroupBy.CHANNEL, team_id=acme.network.id)

        assert {
            "told": {"email_dead": 1, "email_pending": 1, "email_sent": 1, "push_delivered": 1},
            "seen": 1,
            "time_to_tell": Spread.of([2 * MINUTE, 0 * MINUTE]),
            "time_to_seen": Spread.of([5 * MINUTE]),
            "dead": {"550 no such user": 1},
        } == values(answer)
        assert [("email", 1), ("push", 0)] == [(one.key, one.tally.counts.get("seen", 0)) for one in answer.groups]
        by_day = await analytics.ask(acme.vera, Subject.DELIVERIES, group_by=GroupBy.DAY)
        assert [("2026-03-02", answer.total)] == [(one.key, one.tally) for one in by_day.groups]
        assert (await analytics.ask(acme.vera, Subject.DELIVERIES, team_id=acme.bench.id)).total.is_empty

    async def test_more_groups_than_one_answer_may_have_are_refused(
        self, view: ViewOf[View], begin: BeginWork[UnitOfWork], acme: Staff
    ) -> None:
        for client in ("a", "b", "c"):
            await a_session(by=acme.anna, client_name=client).escalated().kept(begin)
        period = Period(start=NOON.date(), end=NOON.date() + DAY)
        question = Question(subject=Subject.ESCALATIONS, period=period, group_by=GroupBy.CLIENT)

        assert 3 == len((await view(acme.account_id).tallies(question, acme.olga, at=NOON, most=3)).groups)
        with pytest.raises(TooManyGroups):
            await view(acme.account_id).tallies(question, acme.olga, at=NOON, most=2)

    async def test_a_recount_of_the_event_log_finds_the_same(
        self, analytics: Analytics, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff
    ) -> None:
        quiet = System(account_id=acme.account_id, cause="the claim went quiet")
        await a_session(by=globex.anna).escalated().kept(begin)
        assert () == await analytics.verify(acme.account_id)

        case = a_session(by=acme.anna, team_id=acme.bench.id).step().fork().closed("cable").escalated(team_id=acme.network.id).rerouted()
        case = case.claimed_by(acme.ben).lapsed(quiet).claimed_by(acme.ben).in_branch("switch").resolved().reopened_by(acme.ben).step()
        case = await case.escalated(priority=Priority.LOW, at=case.at + 40 * DAY).claimed_by(acme.adam).joined_by(acme.olga).kept(begin)
        await self.judged(begin, acme.ben, case.handoffs[0], Verdict.AVOIDABLE)
        await a_session(by=acme.ben, client_name=None, at=NOON - 400 * DAY).parked().kept(begin)

        assert () == await analytics.verify(acme.account_id)
        assert () == await analytics.verify(globex.account_id)

    async def judged(self, begin: BeginWork[UnitOfWork], by: Person, handoff: Handoff, verdict: Verdict) -> None:
        """Keep a claimer's verdict."""
        claimer = evolve(by, user_id=handoff.claim.by) if handoff.claim else by
        judgement, event = handoff.judged(verdict, None, by=claimer, at=handoff.escalated_at + DAY)
        async with begin(by.account_id) as work:
            await work.feedback.judge(judgement)
            await work.record(evolve(event, id=EventId(new_id())))
            await work.commit()


def values(answer: Answer) -> dict[str, object]:
    """All figures in all, by their names."""
    return {figure.name: answer.total.value(figure) for figure in answer.figures}
