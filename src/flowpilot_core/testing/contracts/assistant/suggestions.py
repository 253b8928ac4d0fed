"""Suggestions come back as they were kept, and similar sessions are those of the account."""

import pytest
from attrs import evolve

from flowpilot_core.domain.assistant.similar_sessions import most_similar
from flowpilot_core.domain.assistant.suggestion import Proposal, Record, Suggestion
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import SuggestionId
from flowpilot_core.domain.kernel.words import telling_words
from flowpilot_core.domain.sessions.feedback import Rating, Thumb, Thumbs
from flowpilot_core.ports.kernel import BeginWork, ViewOf
from flowpilot_core.ports.relay import Outbox, WorkKind
from flowpilot_core.ports.unit_of_work import UnitOfWork, View
from flowpilot_core.testing.builders import MINUTE, NOON, Case, Staff, a_session, new_id
from flowpilot_core.testing.contracts.contract import Contract


def a_suggestion(case: Case, staff: Staff) -> Suggestion:
    """A pending one for the active branch."""
    return Suggestion(
        id=SuggestionId(new_id()),
        session_id=case.id,
        branch_id=case.session.branches.active_id,
        source="model",
        requested_by=staff.anna.user_id,
        requested_at=NOON,
    )


class SuggestionsContract(Contract):
    """`Suggestions`, and `AssistantView.similar`."""

    async def kept(self, begin: BeginWork[UnitOfWork], staff: Staff, *suggestions: Suggestion) -> None:
        async with begin(staff.account_id) as work:
            await work.suggestions.add(suggestions)
            await work.commit()

    async def test_they_come_back_as_they_were_kept_and_newest_first(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        case = await a_session(by=acme.anna).step().kept(begin)
        pending = a_suggestion(case, acme)
        proposal = Proposal(content="Swap it — 漢", source="tree", node_id="swap")
        proposed = a_suggestion(case, acme).proposed(proposal, [case.steps[0].id])

        await self.kept(begin, acme, pending, proposed)

        assert [proposed, pending] == list(await view(acme.account_id).suggestions(case.id))
        async with begin(acme.account_id) as work:
            assert (pending, proposed) == await work.suggestions.of(case.id)
            assert proposed == await work.suggestions.get(proposed.id)

    async def test_what_people_think_of_the_steps_that_they_became_is_on_record(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        cases = [await a_session(by=acme.anna).step().kept(begin) for _ in range(2)]
        for case in cases:
            accepted = a_suggestion(case, acme).proposed(Proposal(content="Swap it", source="rules"), [])
            await self.kept(begin, acme, accepted.accepted(case.session, case.steps[0].id, by=acme.anna))
        async with begin(acme.account_id) as work:
            for case, by, thumb in ((cases[0], acme.ben, Thumb.UP), (cases[0], acme.adam, Thumb.UP), (cases[1], acme.ben, Thumb.DOWN)):
                rating = Rating(session_id=case.id, step_id=case.steps[0].id, user_id=by.user_id, thumb=thumb, comment=None, given_at=NOON)
                await work.feedback.rate(rating)
            await work.commit()

        async with begin(acme.account_id) as work:
            assert {"Swap it": Record(accepted=2, thumbs=Thumbs(up=2, down=1))} == dict(await work.suggestions.record(["Swap it", "other"]))

    async def test_a_pending_one_is_due_and_no_other(self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff) -> None:
        case = await a_session(by=acme.anna).step().kept(begin)
        pending = a_suggestion(case, acme)

        await self.kept(begin, acme, pending, a_suggestion(case, acme).proposed(Proposal(content="x", source="rules"), []))

        leases = await outbox.take({WorkKind.SUGGESTION: 200}, others=0, lease_for=MINUTE)
        assert [pending.id] == [lease.work_id for lease in leases if lease.account_id == acme.account_id]

    async def test_what_became_of_one_is_kept_and_counted(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff, globex: Staff
    ) -> None:
        case = await a_session(by=acme.anna).step().kept(begin)
        first, second, third = (
            a_suggestion(case, acme).proposed(Proposal(content=content, source="rules"), []) for content in ("a", "a", "b")
        )
        await self.kept(begin, acme, first, second, third)
        accepted = first.accepted(case.session, case.steps[0].id, by=acme.anna)
        rejected = [one.rejected(case.session, "no", by=acme.anna) for one in (second, third)]
        async with begin(acme.account_id) as work:
            for one in (accepted, *rejected):
                await work.suggestions.save(one)
            await work.commit()

        async with begin(acme.account_id) as work:
            assert {"a": Record(accepted=1, rejected=1), "b": Record(rejected=1)} == dict(await work.suggestions.record(["a", "b", "c"]))
        assert {accepted, *rejected} == set(await view(acme.account_id).suggestions(case.id))
        async with begin(globex.account_id) as work:
            assert {} == dict(await work.suggestions.record(["a", "b"]))

    async def test_to_another_account_they_do_not_exist(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff, globex: Staff
    ) -> None:
        case = await a_session(by=acme.anna).step().kept(begin)
        suggestion = a_suggestion(case, acme)
        await self.kept(begin, acme, suggestion)

        async with begin(globex.account_id) as work:
            with pytest.raises(NotFound):
                await work.suggestions.get(suggestion.id)
            assert () == await work.suggestions.of(case.id)
            await work.suggestions.save(evolve(suggestion, content="by a stranger"))
        assert [] == list(await view(globex.account_id).suggestions(case.id))
        assert [suggestion] == list(await view(acme.account_id).suggestions(case.id))

    async def test_resolved_sessions_that_are_alike_are_found_most_alike_first(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        alike = a_session(by=acme.anna, title="Outlook asks for a password", problem="Again and again since the update").resolved(
            "New profile"
        )
        less = a_session(by=acme.anna, title="Outlook is slow", problem="Since the move").resolved("Compacted the mailbox")
        other = a_session(by=acme.anna, title="Tape drive dead", problem="It clicks").resolved("Replaced the drive")
        unsolved = a_session(by=acme.anna, title="Outlook asks for a password", problem="Once more")
        for case in (alike, less, other, unsolved):
            await case.kept(begin)
        title, about = "Outlook asks for the password", ("It asks again and again",)

        found = await view(acme.account_id).similar(telling_words(title, *about), title, without=unsolved.id, limit=10)

        assert other.id not in {one.session_id for one in found}
        assert unsolved.id not in {one.session_id for one in found}
        best = most_similar(title, about, found)
        assert (alike.id, "New profile", "a broken cable") == (best[0].session_id, best[0].summary, best[0].root_cause)
        assert best[0].likeness > max((one.likeness for one in best[1:]), default=0)

    async def test_a_slip_of_the_pen_in_a_title_hides_nothing(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        """No word is the same: the title's are alike."""
        alike = a_session(by=acme.anna, title="Outlook password prompt", problem="It asks").resolved("New profile")
        other = a_session(by=acme.anna, title="Tape drive dead", problem="It clicks").resolved("Replaced the drive")
        for case in (alike, other):
            await case.kept(begin)
        asked = a_session(by=acme.anna, title="Outlookk passwordd promptt")

        found = await view(acme.account_id).similar(telling_words(asked.session.title), asked.session.title, without=asked.id, limit=10)

        assert [alike.id] == [one.session_id for one in most_similar(asked.session.title, (), found)]

    async def test_no_session_is_similar_to_itself_or_beyond_its_account(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff, globex: Staff
    ) -> None:
        case = await a_session(by=acme.anna, title="Outlook asks for a password").resolved().kept(begin)
        words = telling_words("Outlook asks for a password")

        assert [] == list(await view(acme.account_id).similar(words, "Outlook asks for a password", without=case.id, limit=10))
        assert [] == list(await view(globex.account_id).similar(words, "Outlook asks for a password", without=case.id, limit=10))

    async def test_no_word_is_an_operator(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        case = await a_session(by=acme.anna, title="A & B | !C <-> 'D'").resolved().kept(begin)
        text = "' | ! & ( ) :* <-> \\ a'b C:\\temp %TEMP% $1 ; DROP TABLE"

        found = await view(acme.account_id).similar(telling_words(text), text, without=case.id, limit=10)

        assert [] == list(found)
