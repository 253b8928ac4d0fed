"""Search finds what was written as it stands, the best first, and shows nobody what its own route would not."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from attrs import evolve

from flowpilot_core.application.insights.search import Search
from flowpilot_core.domain.insights.search import LONGEST_EVIDENCE, MOST_HITS, Found, Hit, HitKind, Part, Within
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.identifiers import OutputId, RatingId
from flowpilot_core.domain.knowledge.rating import Subject, rated
from flowpilot_core.domain.knowledge.script_template import ScriptTemplate
from flowpilot_core.domain.knowledge.tree import Tree
from flowpilot_core.domain.outputs.output import Output, OutputKind
from flowpilot_core.domain.sessions.session import Status, Ticket
from flowpilot_core.ports.kernel import BeginWork, ViewOf
from flowpilot_core.ports.unit_of_work import UnitOfWork, View
from flowpilot_core.testing.builders import MINUTE, NOON, Case, Staff, a_session, new_id
from flowpilot_core.testing.contracts.contract import Contract
from flowpilot_core.testing.contracts.insights.figures import PRINTS, a_published_tree
from flowpilot_core.testing.contracts.knowledge.script_templates import a_template
from flowpilot_core.testing.contracts.knowledge.trees import a_tree

PASTED = (
    "0x80070005",
    "-2147467259",
    "SRV-DC01.contoso.local",
    r"\\share\x",
    r"C:\Windows\System32\drivers",
    r"System32\drivers",
    "#12345",
    "KB5034441",
    "10.0.0.17",
)
"""What an engineer copies from a screen."""


class SearchContract(Contract):
    """The suite."""

    @pytest.fixture
    def search(self, view: ViewOf[View]) -> Search:
        return Search(view=view)

    async def test_a_session_is_found_by_every_text_of_it(self, search: Search, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        case = await self.indexed(
            begin,
            acme,
            a_session(
                by=acme.anna,
                title="Printer offline",
                problem="Nothing comes out since Monday",
                client_name="Fabrikam",
                ticket=Ticket(system="halopsa", id="48151623"),
            )
            .step("Restarted the spooler", evidence="Event 808 in the log")
            .fork(hypotheses={"driver": "An outdated package", "network": "A switch"})
            .closed("driver", reason="Reinstalled to no avail")
            .resolved("Replaced the fuser", "Worn bearings"),
        )

        for said in (
            "printer", "monday", "fabrikam", "48151623", "spooler", "808", "outdated", "avail", "fuser", "bearings", "PRINTER Spooler",
        ):  # fmt: skip
            assert [case.id] == [hit.id for hit in await self.of_kind(search, acme.vera, said, HitKind.SESSION)], said
        assert [] == await self.of_kind(search, acme.vera, "printer toaster", HitKind.SESSION)

    async def test_a_session_is_found_by_why_it_was_given_up_and_reopened_and_its_tree_left(
        self, search: Search, begin: BeginWork[UnitOfWork], acme: Staff
    ) -> None:
        tree = await a_published_tree(begin, acme.adam)
        case = a_session(by=acme.anna).walking(tree, PRINTS).walk_left("this walrus has no plug").abandoned("an otter moved out")
        case = await self.indexed(begin, acme, case.reopened_by(acme.ben, "a beaver is back").resolved())

        for said in ("walrus", "otter", "beaver"):
            assert [case.id] == [hit.id for hit in await self.of_kind(search, acme.vera, said, HitKind.SESSION)], said

    async def test_what_an_engineer_pastes_is_found_as_it_stands(self, search: Search, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        found = await self.indexed(begin, acme, a_session(by=acme.anna).step(evidence="Seen there: " + " and ".join(PASTED)))
        apart = "0x 80070005 2147467258 dc01 srv contoso local share windows system32 c drivers 1234 KB 5034441 10.0.17.0 x"
        await self.indexed(begin, acme, a_session(by=acme.anna).step(evidence=apart))

        for said in PASTED:
            assert [found.id] == [hit.id for hit in await self.find(search, acme.anna, said)], said

    async def test_phrases_stand_in_their_order_and_a_minus_leaves_out(
        self, search: Search, begin: BeginWork[UnitOfWork], acme: Staff
    ) -> None:
        right = await self.indexed(begin, acme, a_session(by=acme.anna, title="A", problem="the print spooler stops"))
        wrong = await self.indexed(begin, acme, a_session(by=acme.anna, title="B", problem="the spooler will print"))

        sharp = await self.indexed(begin, acme, a_session(by=acme.anna, title="C", problem="Große Straße gesperrt"))

        assert [sharp.id] == [hit.id for hit in await self.find(search, acme.anna, '"grosse STRASSE"')]
        assert [right.id] == [hit.id for hit in await self.find(search, acme.anna, '"print spooler"')]
        assert [wrong.id] == [hit.id for hit in await self.find(search, acme.anna, "spooler -stops")]
        assert [wrong.id] == [hit.id for hit in await self.find(search, acme.anna, 'spooler -"print spooler"')]
        assert [right.id] == [hit.id for hit in await self.find(search, acme.anna, "-stops")]
        assert [right.id] == [hit.id for hit in await self.find(search, acme.anna, "spooler print -will -toner")]
        assert [wrong.id, right.id] == [hit.id for hit in await self.find(search, acme.anna, 'print -"spooler print" -stops-will')]

    async def test_titles_are_found_with_a_typo_and_codes_are_not(self, search: Search, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        case = await self.indexed(begin, acme, a_session(by=acme.anna, title="Drücker SRV01 offline", problem="a toner"))

        for said in ("druecker", "tonr", "SRV02", "offlnei"):
            assert [] == await self.find(search, acme.anna, said), said
        for said in ("drucker", "ofline", "offlline", "ofgline", "offilne", "DRÜCKER", "offl"):
            assert [case.id] == [hit.id for hit in await self.find(search, acme.anna, said)], said

    async def test_what_stands_in_a_title_comes_first_and_then_the_newest(
        self, search: Search, begin: BeginWork[UnitOfWork], acme: Staff
    ) -> None:
        titled = await self.indexed(begin, acme, a_session(by=acme.anna, title="Firewall blocks", problem="x"))
        older, newer = [await self.indexed(begin, acme, a_session(by=acme.anna, title="Other", problem="the firewall")) for _ in range(2)]
        alike = await self.indexed(begin, acme, a_session(by=acme.anna, title="Firewal down", problem="x"))

        hits = await self.find(search, acme.anna, "firewall")

        assert [titled.id, alike.id, newer.id, older.id] == [hit.id for hit in hits]
        assert [4, 2, 1, 1] == [hit.score for hit in hits]

    async def test_each_word_counts_for_as_much_as_where_it_stands(self, search: Search, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        both = await self.indexed(begin, acme, a_session(by=acme.anna, title="Quokka wombat", problem="wombat quokka"))
        one = await self.indexed(begin, acme, a_session(by=acme.anna, title="Quokka", problem="wombat"))
        slip = await self.indexed(begin, acme, a_session(by=acme.anna, title="Quoka", problem="wombat"))
        none = await self.indexed(begin, acme, a_session(by=acme.anna, title="Other", problem="quokka wombat"))
        await self.indexed(begin, acme, a_session(by=acme.anna, title="Quokka", problem="quokka"))

        hits = await self.find(search, acme.anna, "quokka wombat")

        assert [(both.id, 8), (one.id, 5), (slip.id, 3), (none.id, 2)] == [(hit.id, hit.score) for hit in hits]

    async def test_a_snippet_marks_what_matched(self, search: Search, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        await self.indexed(begin, acme, a_session(by=acme.anna, problem="word " * 200 + "<b>Toner</b> is empty " + "word " * 200))

        (hit,) = await self.find(search, acme.anna, "toner")

        assert [Part(text="Toner", hit=True)] == [part for part in hit.snippet if part.hit]
        assert "<b>Toner</b> is empty" in "".join(part.text for part in hit.snippet)
        assert len("".join(part.text for part in hit.snippet)) < 400

    async def test_a_snippet_shows_what_was_pasted_where_it_stands_in_one_piece(
        self, search: Search, begin: BeginWork[UnitOfWork], acme: Staff
    ) -> None:
        pasted = r"c:\windows\system32\spool"
        apart = r"C:\Program Files, Windows and system32 have no spool of their own. "
        await self.indexed(begin, acme, a_session(by=acme.anna, problem=apart + "word " * 200 + f"and {pasted} is full " + "word " * 200))

        for said in (pasted, r"full C:\Windows\System32\spool", '"windows system32 spool"'):
            (hit,) = await self.find(search, acme.anna, said)
            assert f"{pasted} is full" in "".join(part.text for part in hit.snippet)

    async def test_of_evidence_the_beginning_is_searched(self, search: Search, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        evidence = "first " + "x" * (LONGEST_EVIDENCE - 12) + " within beyond"
        case = await self.indexed(begin, acme, a_session(by=acme.anna).step(evidence=evidence[: LONGEST_EVIDENCE + 100]))
        cut = evidence[LONGEST_EVIDENCE - 5 :].split()[-1]

        assert [case.id] == [hit.id for hit in await self.find(search, acme.anna, "first")]
        assert [] == await self.find(search, acme.anna, cut)

    async def test_handoffs_outputs_trees_and_scripts_are_found_too(
        self, search: Search, begin: BeginWork[UnitOfWork], acme: Staff
    ) -> None:
        case = a_session(by=acme.anna).escalated(reason="I am no zebra").claimed_by(acme.ben).resolved()
        output, _ = Output.made(OutputId(new_id()), case.session, OutputKind.KB_ARTICLE, "Of zebras: a zebra", by=acme.ben, at=case.at)
        await self.indexed(begin, acme, case, output)
        tree = await self.published(begin, acme, "Zebra prints nothing")
        script = await self.published_script(begin, acme, "Zebra queue")

        hits = {hit.kind: (hit.id, hit.session_id) for hit in await self.find(search, acme.vera, "zebra")}

        assert {
            HitKind.HANDOFF: (case.handoff.id, case.id),
            HitKind.OUTPUT: (output.id, case.id),
            HitKind.TREE: (tree.id, None),
            HitKind.SCRIPT_TEMPLATE: (script.id, None),
        } == hits

    async def test_it_is_found_as_it_is_now(self, search: Search, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        case = await self.indexed(begin, acme, a_session(by=acme.anna).step("Pinged it", evidence="a walrus"))
        assert [case.id] == [hit.id for hit in await self.find(search, acme.anna, "walrus")]
        async with begin(acme.account_id) as work:
            step = case.steps[0]
            await work.sessions.save_step(evolve(step, evidence="an otter"))
            await work.commit()
        await self.refreshed(begin, acme, case.id)

        assert [] == await self.find(search, acme.anna, "walrus")
        assert [case.id] == [hit.id for hit in await self.find(search, acme.anna, "otter")]

    async def test_where_to_look_can_be_said(self, search: Search, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        early = await self.indexed(begin, acme, a_session(by=acme.anna, problem="lynx", client_name="Contoso"))
        late = await self.indexed(begin, acme, a_session(by=acme.ben, at=NOON + MINUTE, problem="lynx", client_name=None).resolved())

        async def found(**within: object) -> list[UUID]:
            found = await search.find(acme.vera, "lynx", within=Within(**within), limit=50)  # type: ignore[arg-type]
            return [hit.id for hit in found.hits]

        assert [late.id, early.id] == await found()
        assert [late.id] == await found(status=Status.RESOLVED)
        assert [late.id] == await found(start=NOON + MINUTE)
        assert [early.id] == await found(end=NOON + MINUTE)
        assert [early.id] == await found(assignee_id=acme.anna.user_id)
        assert [early.id] == await found(client_name="Contoso")
        assert [] == await found(kind=HitKind.TREE)

    async def test_of_what_matches_alike_the_best_rated_comes_first(
        self, search: Search, begin: BeginWork[UnitOfWork], acme: Staff
    ) -> None:
        """By the stars that lists show: many of four beat one of five, and what nobody rated stands where one of 3.5 does."""
        bad, one_five, many_fours = [await self.published(begin, acme, f"Kestrel {number}") for number in range(3)]
        script = await self.published_script(begin, acme, "Kestrel 4")
        case = await self.indexed(begin, acme, a_session(by=acme.anna, title="Kestrel 5"))
        told = await self.indexed(begin, acme, a_session(by=acme.anna, title="Other", problem="kestrel"))
        for tree, stars in ((bad, 1), (one_five, 5)):
            await self.rated(begin, Subject.TREE, tree, acme.anna, stars)
        for person in (acme.anna, acme.ben, acme.olga):
            await self.rated(begin, Subject.TREE, many_fours, person, 5 if person is acme.anna else 4)
        await self.rated(begin, Subject.SCRIPT_TEMPLATE, script, acme.anna, 2)

        hits = await self.find(search, acme.vera, "kestrel")

        assert [many_fours.id, one_five.id, case.id, script.id, bad.id, told.id] == [hit.id for hit in hits]
        paged: list[Hit] = []
        while page := (await search.find(acme.vera, "kestrel", after=paged[-1].place if paged else None, limit=1)).hits:
            paged += page
        assert hits == paged

    async def test_pages_go_on_where_the_last_one_ended_and_end_in_time(
        self, search: Search, begin: BeginWork[UnitOfWork], acme: Staff
    ) -> None:
        cases = [await self.indexed(begin, acme, a_session(by=acme.anna, problem="heron")) for _ in range(5)]

        first = (await search.find(acme.anna, "heron", limit=2)).hits
        second = (await search.find(acme.anna, "heron", after=first[-1].place, limit=2)).hits
        third = (await search.find(acme.anna, "heron", after=second[-1].place, limit=MOST_HITS)).hits

        assert [case.id for case in reversed(cases)] == [hit.id for hit in (*first, *second, *third)]
        assert Found() == await search.find(acme.anna, "heron", after=third[-1].place, limit=2)

    async def test_a_park_is_found_by_who_may_read_it_alone(self, search: Search, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        """A64. Neither the session, nor the park, nor what stands in them; nor that another handoff's session is parked."""
        case = await self.indexed(
            begin,
            acme,
            a_session(by=acme.anna, title="A quagga", problem="quagga", client_name="Secret Client")
            .escalated("quagga")
            .claimed_by(acme.ben)
            .parked("quagga"),
        )

        assert {case.id, *(one.id for one in case.handoffs)} == {hit.id for hit in await self.find(search, acme.ben, "quagga")}
        assert {case.id, *(one.id for one in case.handoffs)} == {hit.id for hit in await self.find(search, acme.olga, "quagga")}
        for reader in (acme.anna, acme.vera):
            assert [case.handoffs[0].id] == [hit.id for hit in await self.find(search, reader, "quagga")]
            for within in (Within(status=Status.PARKED), Within(client_name="Secret Client"), Within(assignee_id=acme.ben.user_id)):
                assert Found() == await search.find(reader, "quagga", within=within, limit=50)
            for within in (Within(kind=HitKind.SESSION), Within(kind=HitKind.SESSION, start=case.at - MINUTE)):
                assert Found() == await search.find(reader, "quagga", within=within, limit=50)

    async def test_drafts_and_what_was_put_away_are_found_by_nobody(
        self, search: Search, begin: BeginWork[UnitOfWork], acme: Staff
    ) -> None:
        """A64."""
        draft = a_tree(acme.anna, name="Of an okapi")
        async with begin(acme.account_id) as work:
            await work.trees.add(draft)
            await work.commit()
        await self.refreshed(begin, acme, draft.id)
        shown = await self.published(begin, acme, "Another okapi")

        assert [shown.id] == [hit.id for hit in await self.find(search, acme.anna, "okapi")]

        async with begin(acme.account_id) as work:
            await work.trees.save((await work.trees.get(shown.id)).archived(by=acme.olga, at=NOON))
            await work.commit()
        assert [] == await self.find(search, acme.anna, "okapi")

    async def test_nothing_of_another_account_is_found(
        self, search: Search, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff
    ) -> None:
        """A64. Not by a typo in its titles either."""
        theirs = await self.indexed(begin, globex, a_session(by=globex.anna, title="Narwhal", problem="narwhal"))

        for said in ("narwhal", "narwal", "narw"):
            assert [] == await self.find(search, acme.olga, said)
            assert [theirs.id] == [hit.id for hit in await self.find(search, globex.vera, said)]

    async def indexed(self, begin: BeginWork[UnitOfWork], staff: Staff, case: Case, *outputs: Output) -> Case:
        kept = await case.kept(begin)
        async with begin(staff.account_id) as work:
            for output in outputs:
                await work.outputs.add(output)
            await work.commit()
        await self.refreshed(begin, staff, kept.id)
        return kept

    async def published(self, begin: BeginWork[UnitOfWork], staff: Staff, name: str) -> Tree:
        tree = a_tree(staff.anna, name=name)
        async with begin(staff.account_id) as work:
            await work.trees.add(tree)
            published, revision = tree.published(None, {}, by=staff.olga, at=NOON)
            published = await work.trees.save(published)
            await work.trees.add_revision(tree.id, revision)
            await work.commit()
        await self.refreshed(begin, staff, tree.id)
        return published

    async def published_script(self, begin: BeginWork[UnitOfWork], staff: Staff, name: str) -> ScriptTemplate:
        script, revision = a_template(staff, name).published(None, (), by=staff.olga, at=NOON)
        async with begin(staff.account_id) as work:
            await work.script_templates.add(script)
            await work.script_templates.add_revision(script.id, revision)
            await work.commit()
        await self.refreshed(begin, staff, script.id)
        return script

    async def rated(self, begin: BeginWork[UnitOfWork], subject: Subject, template: Tree | ScriptTemplate, by: Person, stars: int) -> None:
        async with begin(by.account_id) as work:
            await work.ratings.save(rated(RatingId(new_id()), subject, template, stars=stars, comment=None, by=by, at=NOON))
            await work.commit()

    async def refreshed(self, begin: BeginWork[UnitOfWork], staff: Staff, subject_id: UUID) -> None:
        async with begin(staff.account_id) as work:
            await work.search_index.refresh(subject_id)
            await work.commit()

    async def find(self, search: Search, reader: Person, said: str) -> Sequence[Hit]:
        return [*(await search.find(reader, said, limit=50)).hits]

    async def of_kind(self, search: Search, reader: Person, said: str, kind: HitKind) -> Sequence[Hit]:
        return [*(await search.find(reader, said, within=Within(kind=kind), limit=50)).hits]
