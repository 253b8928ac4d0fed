"""Figures of posts, of the assistant and of trees are what their definitions say, and never of what is private or another account's."""

import pytest
from attrs import evolve

from flowpilot_core.application.insights.analytics import Analytics
from flowpilot_core.domain.access.sealed_secret import SealedSecret
from flowpilot_core.domain.assistant.assessment import Assessment, AssessmentFeedback, FeedbackVerdict
from flowpilot_core.domain.assistant.suggestion import Suggestion, SuggestionState
from flowpilot_core.domain.insights.analytics import GROUPS, GroupBy, node_key
from flowpilot_core.domain.insights.figures import Subject
from flowpilot_core.domain.insights.gaps import Gap
from flowpilot_core.domain.insights.spread import Spread
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import RoleForbidden
from flowpilot_core.domain.kernel.identifiers import AssessmentId, PsaPostId, RatingId, SuggestionId
from flowpilot_core.domain.knowledge import rating
from flowpilot_core.domain.knowledge.content import Answer as Reply
from flowpilot_core.domain.knowledge.content import Content, Next, Node, NodeId, NodeKind
from flowpilot_core.domain.knowledge.fitting import about
from flowpilot_core.domain.knowledge.tree import Tree
from flowpilot_core.domain.psa.connection import NoteKind, PsaConnection, TicketAction
from flowpilot_core.domain.psa.post import PostState, PsaPost
from flowpilot_core.domain.sessions import feedback
from flowpilot_core.domain.sessions.feedback import Thumb
from flowpilot_core.domain.sessions.session import Ticket
from flowpilot_core.domain.sessions.walk import TreeOutcome
from flowpilot_core.ports.kernel import BeginWork
from flowpilot_core.ports.unit_of_work import UnitOfWork
from flowpilot_core.testing.builders import MINUTE, NOON, Case, Staff, a_session, an_escalation, new_id, recorded
from flowpilot_core.testing.contracts.assistant.assessments import ORIGIN, a_diagnosis
from flowpilot_core.testing.contracts.knowledge.trees import a_tree
from flowpilot_core.testing.contracts.psa.ledger import SEALED, a_connection

from .analytics import DAY, AsksForFigures, values

PRINTS = Content(
    root=NodeId("power"),
    nodes=(
        Node(
            id=NodeId("power"),
            kind=NodeKind.QUESTION,
            text="Is the printer on?",
            answers=(Reply(label="Yes", next=NodeId("queue")), Reply(label="No", next=NodeId("on"))),
        ),
        Node(
            id=NodeId("queue"), kind=NodeKind.ACTION, text="Empty the queue", next=Next(worked=NodeId("prints"), otherwise=NodeId("gone"))
        ),
        Node(id=NodeId("on"), kind=NodeKind.OUTCOME, text="Switched on", outcome=TreeOutcome.SOLVED),
        Node(id=NodeId("prints"), kind=NodeKind.OUTCOME, text="It prints", outcome=TreeOutcome.SOLVED),
        Node(id=NodeId("gone"), kind=NodeKind.OUTCOME, text="Somebody has to go there", outcome=TreeOutcome.ESCALATE),
    ),
)


async def a_published_tree(begin: BeginWork[UnitOfWork], by: Person, content: Content = PRINTS, name: str = "Printer offline") -> Tree:
    """A tree of somebody's account, in its first revision, by whose words it is found."""
    drafted = a_tree(by, content, name, words=about(name, None, content))
    published, revision = drafted.published("why", {}, by=by, at=NOON)
    async with begin(by.account_id) as work:
        await work.trees.add(drafted)
        await work.commit()
    async with begin(by.account_id) as work:
        published = await work.trees.save(published)
        await work.trees.add_revision(published.id, revision)
        await work.commit()
    return published


async def a_kept_connection(begin: BeginWork[UnitOfWork], staff: Staff) -> PsaConnection:
    """A connection of an account, with its secret."""
    connection = a_connection()
    if connection.secret_id is None:
        raise ValueError("it has one until it is removed")
    async with begin(staff.account_id) as work:
        await work.secrets.put(SealedSecret(id=connection.secret_id, purpose="psa", sealed=SEALED, key_id="k", created_at=NOON))
        await work.psa.add(connection)
        await work.commit()
    return connection


async def posted(begin: BeginWork[UnitOfWork], staff: Staff, *posts: PsaPost) -> None:
    """Posts as they are now, kept: each was asked for first."""
    async with begin(staff.account_id) as work:
        for post in posts:
            asked = evolve(post, state=PostState.PENDING, attempts=0, minutes=None, posted_at=None, sent=None, last_error=None)
            await work.psa.add_post(asked)
        await work.commit()
    async with begin(staff.account_id) as work:
        for post in posts:
            await work.psa.save_post(post)
        await work.commit()


class FiguresContract(AsksForFigures):
    """The suite."""

    async def test_posts_are_counted_as_their_definitions_say(
        self, analytics: Analytics, begin: BeginWork[UnitOfWork], acme: Staff
    ) -> None:
        connection = await a_kept_connection(begin, acme)
        case = (
            await a_session(by=acme.anna, team_id=acme.network.id, ticket=Ticket(system="halopsa", id="4711"))
            .step()
            .escalated()
            .kept(begin)
        )

        def a_post(action: TicketAction, kind: NoteKind = NoteKind.ESCALATED) -> PsaPost:
            return PsaPost(
                id=PsaPostId(new_id()),
                connection_id=connection.id,
                session_id=case.id,
                ticket_id="4711",
                kind=kind,
                action=action,
                created_at=NOON,
                updated_at=NOON,
            )

        note = a_post(TicketAction.NOTE).taken(sent="hello", at=NOON + MINUTE)
        note = note.failed("the vendor is down", permanent=False, maybe_posted=False, at=NOON + MINUTE)
        note = note.taken(sent="hello", at=NOON + 2 * MINUTE).posted("1", "ok", at=NOON + 3 * MINUTE)
        hours = a_post(TicketAction.TIME_ENTRY, NoteKind.RESOLVED).taken(sent="45 minutes", minutes=45, at=NOON).posted("2", "ok", at=NOON)
        dead = (
            a_post(TicketAction.STATUS).taken(sent="status", at=NOON).failed("no such status", permanent=True, maybe_posted=False, at=NOON)
        )
        tried = a_post(TicketAction.TIME_ENTRY, NoteKind.CLAIMED).taken(sent="20 minutes", minutes=20, at=NOON)
        await posted(begin, acme, note, hours, dead, tried, a_post(TicketAction.OWNER))

        answer = await analytics.ask(acme.adam, Subject.PSA, group_by=GroupBy.CONNECTION, team_id=acme.network.id)

        assert {
            "posts": {
                "claimed_time_entry_sending": 1,
                "escalated_note_posted": 1,
                "escalated_owner_pending": 1,
                "escalated_status_dead": 1,
                "resolved_time_entry_posted": 1,
            },
            "attempts": 5,
            "time_to_post": Spread.of([3 * MINUTE, 0 * MINUTE]),
            "hours_booked": 0.75,
            "dead": {"no such status": 1},
        } == values(answer)
        assert [(str(connection.id), "Our desk", answer.total)] == [(one.key, one.label, one.tally) for one in answer.groups]
        kinds = await analytics.ask(acme.adam, Subject.PSA, group_by=GroupBy.KIND)
        assert [("claimed", 1), ("escalated", 3), ("resolved", 1)] == [(one.key, one.tally.counts["attempts"]) for one in kinds.groups]
        assert (await analytics.ask(acme.adam, Subject.PSA, team_id=acme.bench.id)).total.is_empty
        assert () == await analytics.verify(acme.account_id)

    async def test_figures_of_posts_are_for_who_may_read_posts(self, analytics: Analytics, acme: Staff) -> None:
        """A63."""
        for reader in (acme.anna, acme.vera):
            with pytest.raises(RoleForbidden):
                await analytics.ask(reader, Subject.PSA)
        assert (await analytics.ask(acme.olga, Subject.PSA)).total.is_empty

    async def test_the_assistant_is_counted_as_its_definitions_say(
        self, analytics: Analytics, begin: BeginWork[UnitOfWork], acme: Staff
    ) -> None:
        case = await an_escalation(by=acme.anna).kept(begin)
        ready = Assessment.of(AssessmentId(new_id()), case.handoff).ready(a_diagnosis(case), ORIGIN, at=NOON)
        pending = Assessment.of(AssessmentId(new_id()), case.handoff)
        async with begin(acme.account_id) as work:
            await work.assessments.add(evolve(ready, state=pending.state, diagnosis=None, origin=None, made_at=None))
            await work.assessments.add(pending)
            await work.commit()
        async with begin(acme.account_id) as work:
            await work.assessments.save(ready)
            for by, verdict in ((acme.ben, FeedbackVerdict.USEFUL), (acme.adam, FeedbackVerdict.WRONG)):
                await work.assessments.judge(AssessmentFeedback.given(ready, verdict, None, by=by, at=NOON))
            await work.commit()
        await suggested(begin, acme, case, SuggestionState.PROPOSED, SuggestionState.REJECTED, SuggestionState.PENDING)
        await suggested(begin, acme, case, SuggestionState.ACCEPTED, source="tree")

        answer = await analytics.ask(acme.vera, Subject.ASSISTANT, group_by=GroupBy.PROVIDER)

        assert {
            "assessments": {"pending_nobody": 1, "ready_anthropic": 1},
            "useful": 1,
            "wrong": 1,
            "missing": 0,
            "cited": 6,
            "dropped": 2,
            "tokens": 1500,
            "suggestions": 3,
            "accepted": 1,
            "rejected": 1,
            "acceptance_rate": 1 / 3,
        } == values(answer)
        assert [("anthropic", 1500, 0), ("rules", 0, 2), ("tree", 0, 1), (None, 0, 0)] == [
            (one.key, one.tally.counts.get("tokens", 0), one.tally.counts.get("suggestions", 0)) for one in answer.groups
        ]
        prompts = await analytics.ask(acme.vera, Subject.ASSISTANT, group_by=GroupBy.PROMPT_VERSION)
        assert [("prompt-1", 1), (None, 0)] == [(one.key, one.tally.counts.get("useful", 0)) for one in prompts.groups]
        assert () == await analytics.verify(acme.account_id)

    async def test_walks_are_counted_by_tree_and_by_node_as_their_definitions_say(
        self, analytics: Analytics, begin: BeginWork[UnitOfWork], acme: Staff
    ) -> None:
        tree = await a_published_tree(begin, acme.adam)

        def walk() -> Case:
            return a_session(by=acme.anna).walking(tree, PRINTS)

        solved = await walk().at_node(PRINTS, "No").resolved().kept(begin)
        await judged(begin, acme.ben, solved, Thumb.DOWN)
        await walk().at_node(PRINTS, "Yes").walk_left().escalated().kept(begin)
        await walk().step().kept(begin)
        await a_session(by=acme.anna).resolved().kept(begin)
        await rated(begin, acme, tree, 5, 3)

        answer = await analytics.ask(acme.vera, Subject.KNOWLEDGE, group_by=GroupBy.TREE)
        by_node = await analytics.ask(acme.vera, Subject.KNOWLEDGE, group_by=GroupBy.NODE)
        escalations = await analytics.ask(acme.vera, Subject.ESCALATIONS, group_by=GroupBy.TREE)

        expected = {
            "walks": 3,
            "solved": 1,
            "escalated": 1,
            "left": 2,
            "reached": 5,
            "thumbs": {"up": 0, "down": 1},
            "time_to_resolve": Spread.of([solved.session.updated_at - NOON]),
            "ratings": 0,
            "rating": None,
        }
        assert expected == values(answer)
        (group,) = answer.groups
        assert (str(tree.id), "Printer offline") == (group.key, group.label)
        assert {**expected, "ratings": 2, "rating": (5 * 3.5 + 8) / 7} == {one.name: group.tally.value(one) for one in answer.figures}
        names = ("walks", "solved", "escalated", "left", "reached", "thumbs.down")
        assert {
            (node_key(tree.id, "power"), "Is the printer on?"): (3, 1, 1, 1, 3, 1),
            (node_key(tree.id, "queue"), "Empty the queue"): (1, 0, 1, 1, 1, 0),
            (node_key(tree.id, "on"), "Switched on"): (1, 1, 0, 0, 1, 0),
        } == {(one.key, one.label): tuple(one.tally.counts[name] for name in names) for one in by_node.groups}
        assert [(str(tree.id), "Printer offline", 3, 1), (None, "none", 1, 0)] == [
            (one.key, one.label, one.tally.counts["sessions"], one.tally.counts.get("escalations", 0)) for one in escalations.groups
        ]
        assert () == await analytics.verify(acme.account_id)

    async def test_what_no_tree_leads_through_is_a_gap(self, analytics: Analytics, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        await a_published_tree(begin, acme.adam)
        await a_session(by=acme.anna).resolved().kept(begin)
        # Words that no tree of the platform has, which may have any in a store that is in use.
        titles = ("Flumox bandril kesp", "Bandril of the flumox is kesp", "Quarv zindle", "Flumox bandril not wertin")
        cases = [
            await a_session(by=acme.anna, title=title, problem="?", at=NOON + number * MINUTE).resolved().kept(begin)
            for number, title in enumerate(titles)
        ]
        await a_session(by=acme.anna, title="Quarv zindle ombly", problem="?", at=NOON - DAY).escalated().kept(begin)
        await a_session(by=acme.anna, title="Flumox bandril sark", problem="?").kept(begin)

        answer = await analytics.ask(acme.vera, Subject.KNOWLEDGE)

        assert (
            Gap(words=("flumox", "bandril"), sessions=3, escalated=0, example_id=cases[3].id),
            Gap(words=("quarv", "zindle"), sessions=2, escalated=1, example_id=cases[2].id),
        ) == answer.gaps
        assert None is (await analytics.ask(acme.vera, Subject.KNOWLEDGE, group_by=GroupBy.TREE)).gaps

    async def test_a_gap_is_what_no_tree_is_offered_for_and_no_clients_name(
        self, analytics: Analytics, begin: BeginWork[UnitOfWork], acme: Staff
    ) -> None:
        """A tree that has nothing but the client's name of it does not fit, and two sessions of one client are not about the same."""
        await a_published_tree(begin, acme.adam, name="Vorplax hibbert")
        for title in ("Vorplax hibbert: flumox bandril", "Flumox bandril at Vorplax", "Quarv zindle, Vorplax hibbert"):
            case = await a_session(by=acme.anna, title=title, problem="?", client_name="Vorplax Hibbert").escalated().kept(begin)
        of_another = a_session(by=acme.anna, title="Vorplax hibbert flumox bandril", problem="?", client_name="Contoso")
        await of_another.escalated().kept(begin)

        (gap,) = (await analytics.ask(acme.vera, Subject.KNOWLEDGE)).gaps or ()

        assert ({"flumox", "bandril"}, 2, 2) == (set(gap.words), gap.sessions, gap.escalated)
        assert case.id != gap.example_id

    async def test_a_park_shows_in_no_walk_suggestion_or_gap_to_whom_it_is_private(
        self, analytics: Analytics, begin: BeginWork[UnitOfWork], acme: Staff
    ) -> None:
        """A63."""
        tree = await a_published_tree(begin, acme.adam)
        case = await a_session(by=acme.olga).escalated().claimed_by(acme.anna).walking(tree, PRINTS).step().parked().kept(begin)
        await suggested(begin, acme, case, SuggestionState.PROPOSED)
        for _ in range(2):
            await a_session(by=acme.olga, title="Flumox merjin", problem="?").escalated().claimed_by(acme.anna).parked().kept(begin)

        for reader, seen in ((acme.anna, 1), (acme.ben, 0), (acme.vera, 0), (acme.adam, 1)):
            knowledge = await analytics.ask(reader, Subject.KNOWLEDGE)
            assert (seen, seen) == (knowledge.total.counts["walks"], len(knowledge.gaps or ()))
            assert seen == (await analytics.ask(reader, Subject.ASSISTANT)).total.counts["suggestions"]
            trees = await analytics.ask(reader, Subject.ESCALATIONS, group_by=GroupBy.TREE)
            assert seen == sum(one.key == str(tree.id) for one in trees.groups)
            for group_by in GROUPS[Subject.KNOWLEDGE]:
                assert bool(seen) is bool((await analytics.ask(reader, Subject.KNOWLEDGE, group_by=group_by)).groups)

    async def test_another_accounts_trees_posts_and_suggestions_show_in_no_figure(
        self, analytics: Analytics, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff
    ) -> None:
        """A63: a draft shows in no label either."""
        tree = await a_published_tree(begin, globex.adam)
        case = await a_session(by=globex.anna).walking(tree, PRINTS).at_node(PRINTS, "No").resolved().kept(begin)
        await judged(begin, globex.ben, case, Thumb.UP)
        await rated(begin, globex, tree, 5)
        await suggested(begin, globex, case, SuggestionState.PROPOSED)
        connection = await a_kept_connection(begin, globex)
        await posted(
            begin,
            globex,
            PsaPost(
                id=PsaPostId(new_id()),
                connection_id=connection.id,
                session_id=case.id,
                ticket_id="1",
                kind=NoteKind.RESOLVED,
                created_at=NOON,
                updated_at=NOON,
            ),
        )

        for subject in (Subject.PSA, Subject.ASSISTANT, Subject.KNOWLEDGE):
            for group_by in (None, *GROUPS[subject]):
                answer = await analytics.ask(acme.olga, subject, group_by=group_by)
                assert (True, ()) == (answer.total.is_empty, answer.groups)
        assert () == (await analytics.ask(acme.olga, Subject.KNOWLEDGE)).gaps
        assert not (await analytics.ask(globex.olga, Subject.KNOWLEDGE)).total.is_empty


async def suggested(begin: BeginWork[UnitOfWork], staff: Staff, case: Case, *states: SuggestionState, source: str = "rules") -> None:
    """Suggestions in these states; one that is accepted is the session's first step."""
    made = [
        Suggestion(
            id=SuggestionId(new_id()),
            session_id=case.id,
            branch_id=case.session.branches.active_id,
            source=source,
            content=f"Try {state}",
            state=state,
            step_id=case.steps[0].id if state is SuggestionState.ACCEPTED else None,
            requested_by=staff.anna.user_id,
            requested_at=NOON,
        )
        for state in states
    ]
    async with begin(staff.account_id) as work:
        await work.suggestions.add(made)
        await work.commit()


async def judged(begin: BeginWork[UnitOfWork], by: Person, case: Case, thumb: Thumb) -> None:
    """What somebody thinks of a case's first step."""
    rating, event = feedback.rated(case.steps[0], thumb, None, by=by, at=NOON)
    async with begin(by.account_id) as work:
        await work.feedback.rate(rating)
        await work.record(recorded(event))
        await work.commit()


async def rated(begin: BeginWork[UnitOfWork], staff: Staff, tree: Tree, *stars: int) -> None:
    """Ratings of a tree, of one person each."""
    async with begin(staff.account_id) as work:
        for by, given in zip(staff.people, stars, strict=False):
            await work.ratings.save(rating.rated(RatingId(new_id()), rating.Subject.TREE, tree, stars=given, comment=None, by=by, at=NOON))
        await work.commit()
