"""Whatever happened, the figures of all subjects are what a recount finds, in all and in every group."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from random import Random

import pytest

from flowpilot_core.application.insights.analytics import Analytics
from flowpilot_core.domain.assistant.assessment import Assessment, AssessmentFeedback, FeedbackVerdict
from flowpilot_core.domain.assistant.suggestion import SuggestionState
from flowpilot_core.domain.handoffs.handoff import Handoff, Intent
from flowpilot_core.domain.insights.figures import Subject
from flowpilot_core.domain.kernel.actor import System
from flowpilot_core.domain.kernel.errors import FlowPilotError
from flowpilot_core.domain.kernel.identifiers import AssessmentId, DeliveryId, PsaPostId
from flowpilot_core.domain.knowledge.tree import Tree
from flowpilot_core.domain.notifications.delivery import Channel, Delivery, DeliveryKind
from flowpilot_core.domain.psa.connection import NoteKind, PsaConnection, TicketAction
from flowpilot_core.domain.psa.post import PsaPost
from flowpilot_core.domain.sessions.feedback import Seen, Thumb
from flowpilot_core.domain.sessions.session import Priority, Status
from flowpilot_core.domain.sessions.step import StepResult
from flowpilot_core.ports.kernel import BeginWork
from flowpilot_core.ports.unit_of_work import UnitOfWork
from flowpilot_core.testing.builders import MINUTE, NOON, Case, Staff, a_session, new_id
from flowpilot_core.testing.contracts.assistant.assessments import ORIGIN, a_diagnosis
from flowpilot_core.testing.contracts.knowledge.trees import a_tree

from .analytics import DAY, AsksForFigures
from .figures import PRINTS, a_kept_connection, a_published_tree, judged, posted, rated, suggested

MOVES = 15
"""That are tried in a walk; one that is not legal is none."""
CASES = 6
LONG_AGO = NOON - 400 * DAY


class RandomFiguresContract(AsksForFigures):
    """The suite."""

    @pytest.mark.parametrize("seed", range(4))
    async def test_after_any_walk_a_recount_finds_the_same_in_every_group(
        self, analytics: Analytics, begin: BeginWork[UnitOfWork], acme: Staff, seed: int
    ) -> None:
        """Late and long ago too, with what was sent and asked meanwhile, a draft that is deleted, and an account that is closed."""
        chance = Random(seed)
        tree, connection = await a_published_tree(begin, acme.adam), await a_kept_connection(begin, acme)
        for _ in range(CASES):
            case = await walked(chance, acme, tree).kept(begin)
            await posted(begin, acme, *posts(chance, connection, case))
            for handoff in case.handoffs:
                if handoff.intent is Intent.ESCALATE:
                    await told(chance, begin, acme, handoff)
                    await assessed(chance, begin, acme, case, handoff)
            if case.steps:
                by = next(one for one in (acme.ben, acme.anna) if one.user_id != case.steps[0].created_by)
                await judged(begin, by, case, chance.choice(list(Thumb)))
                await suggested(begin, acme, case, *chance.sample(list(SuggestionState), 2), source=chance.choice(("rules", "tree")))
        await rated(begin, acme, tree, *(chance.randint(1, 5) for _ in range(3)))
        draft = a_tree(acme.adam)
        async with begin(acme.account_id) as work:
            await work.trees.add(draft)
            await work.trees.drop(draft.id)
            await work.commit()

        assert () == await analytics.verify(acme.account_id)
        assert [] == [one for one in Subject if (await analytics.ask(acme.olga, one, start=LONG_AGO.date())).total.is_empty]

        async with begin(acme.account_id) as work:
            await work.people.set_closed(NOON)
            await work.commit()
        assert () == await analytics.verify(acme.account_id)


def walked(chance: Random, staff: Staff, tree: Tree) -> Case:
    """A session, and whatever of many moves was legal as it came."""
    case = a_session(
        by=chance.choice((staff.anna, staff.ben, staff.adam)),
        client_name=chance.choice((None, "Contoso", "Fabrikam")),
        team_id=chance.choice((None, staff.network.id, staff.bench.id)),
        at=chance.choice((NOON, NOON - DAY, LONG_AGO)),
    )
    if chance.random() < 0.5:
        case = case.walking(tree, PRINTS)
    for _ in range(MOVES):
        with suppress(FlowPilotError, IndexError, StopIteration):
            case = chance.choice(moves(chance, staff, tree, case))()
    return case.escalated() if case.session.status is Status.ACTIVE else case


def moves(chance: Random, staff: Staff, tree: Tree, case: Case) -> Sequence[Callable[[], Case]]:
    """All that may be tried next."""
    someone, team_id = chance.choice(staff.people), chance.choice((None, staff.network.id, staff.bench.id))
    priority, later = chance.choice(list(Priority)), case.at + chance.choice((-20 * MINUTE, MINUTE, 40 * DAY))
    return (
        case.step,
        lambda: case.result(chance.choice(list(StepResult))),
        case.fork,
        lambda: case.in_branch(chance.choice(("cable", "switch"))),
        lambda: case.closed(chance.choice(("cable", "switch"))),
        lambda: case.walking(tree, PRINTS),
        lambda: case.at_node(PRINTS, chance.choice(("Yes", "No"))),
        lambda: case.at_node(PRINTS, result=StepResult.WORKED),
        case.walk_left,
        lambda: case.escalated(priority=priority, team_id=team_id, at=later),
        lambda: case.parked(at=later),
        case.resumed,
        lambda: case.claimed_by(someone, at=later),
        lambda: case.claimed_by(staff.ben),
        case.unclaimed,
        lambda: case.lapsed(System(account_id=staff.account_id, cause="the claim went quiet")),
        lambda: case.rerouted(team_id=team_id, priority=priority),
        case.withdrawn,
        lambda: case.joined_by(someone),
        case.resolved,
        case.abandoned,
        lambda: case.reopened_by(someone),
    )


def posts(chance: Random, connection: PsaConnection, case: Case) -> Iterator[PsaPost]:
    """One of each of some actions, as far as it came."""
    for action in chance.sample((TicketAction.NOTE, TicketAction.TIME_ENTRY, TicketAction.OWNER, TicketAction.STATUS), 2):
        post = PsaPost(
            id=PsaPostId(new_id()),
            connection_id=connection.id,
            session_id=case.id,
            ticket_id="4711",
            kind=chance.choice((NoteKind.ESCALATED, NoteKind.CLAIMED, NoteKind.RESOLVED)),
            action=action,
            created_at=case.session.created_at,
            updated_at=case.session.created_at,
        )
        taken = post.taken(sent="it", minutes=20 if action is TicketAction.TIME_ENTRY else None, at=post.created_at)
        failed = taken.failed("the vendor is down", permanent=chance.random() < 0.5, maybe_posted=False, at=post.created_at)
        yield chance.choice((post, taken, failed, taken.posted("1", "ok", at=post.created_at + MINUTE)))


async def told(chance: Random, begin: BeginWork[UnitOfWork], staff: Staff, handoff: Handoff) -> None:
    """Messages of an escalation, one for each of some people."""
    at, people = handoff.escalated_at, chance.sample(staff.people, 3)
    made = [
        Delivery.of(
            handoff,
            DeliveryId(new_id()),
            person.user_id,
            kind=DeliveryKind.ESCALATED,
            channel=chance.choice((Channel.EMAIL, Channel.PUSH)),
            at=at,
        )
        for person in people
    ]
    taken, dead = made[1].taken(at=at), made[2].taken(at=at).failed("550 no such user", permanent=True, at=at)
    sent = taken.sent("1@x", at=at + MINUTE) if taken.channel is Channel.EMAIL else taken.delivered(at=at + MINUTE)
    async with begin(staff.account_id) as work:
        await work.deliveries.add(made)
        await work.commit()
    async with begin(staff.account_id) as work:
        for changed in (chance.choice((taken, sent)), dead):
            await work.deliveries.save(changed)
        await work.feedback.see(Seen(handoff_id=handoff.id, user_id=people[0].user_id, seen_at=at + MINUTE))
        await work.commit()


async def assessed(chance: Random, begin: BeginWork[UnitOfWork], staff: Staff, case: Case, handoff: Handoff) -> None:
    """An assessment that waits, or is ready and thought something of."""
    pending = Assessment.of(AssessmentId(new_id()), handoff)
    async with begin(staff.account_id) as work:
        await work.assessments.add(pending)
        await work.commit()
    if case.steps and chance.random() < 0.7:
        ready = pending.ready(a_diagnosis(case), ORIGIN, at=handoff.escalated_at + MINUTE)
        async with begin(staff.account_id) as work:
            await work.assessments.save(ready)
            given = AssessmentFeedback.given(ready, chance.choice(list(FeedbackVerdict)), None, by=staff.ben, at=NOON)
            await work.assessments.judge(given)
            await work.commit()
