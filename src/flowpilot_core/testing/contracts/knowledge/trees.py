"""Trees come back as they were kept, revisions never change, and what the platform publishes is read by all and changed by nobody else."""

from collections.abc import Mapping
from typing import Any

import pytest
from attrs import evolve

from flowpilot_core.domain.access.account import Account
from flowpilot_core.domain.kernel.actor import Actor, System
from flowpilot_core.domain.kernel.errors import CategoryInUse, NotFound, Stale
from flowpilot_core.domain.kernel.identifiers import PLATFORM_ACCOUNT, AccountId, ScriptTemplateId, TreeCategoryId, TreeId, UserId
from flowpilot_core.domain.kernel.query import Query
from flowpilot_core.domain.knowledge.category import TreeCategory
from flowpilot_core.domain.knowledge.content import EMPTY, Answer, Content, Next, Node, NodeId, NodeKind, ScriptRef, TreeKind
from flowpilot_core.domain.knowledge.ownership import Ref
from flowpilot_core.domain.knowledge.parameter import Parameter, ParameterType
from flowpilot_core.domain.knowledge.script import EMPTY_SCRIPT
from flowpilot_core.domain.knowledge.script_template import ScriptTemplate
from flowpilot_core.domain.knowledge.template import CopiedFrom, TemplateState
from flowpilot_core.domain.knowledge.tree import Tree, TreeRevision
from flowpilot_core.domain.sessions.feedback import Rating, Thumb, Thumbs
from flowpilot_core.domain.sessions.walk import TreeOutcome
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.kernel import BeginWork, ViewOf
from flowpilot_core.ports.knowledge import TreeFilter, TreeListed
from flowpilot_core.ports.unit_of_work import UnitOfWork, View
from flowpilot_core.testing.builders import MINUTE, NOON, Staff, a_session, new_id
from flowpilot_core.testing.contracts.contract import EVERYTHING, Contract

SCRIPT = ScriptTemplateId(new_id())
CONTENT = Content(
    root=NodeId("start"),
    nodes=(
        Node(
            id=NodeId("start"),
            kind=NodeKind.QUESTION,
            text="Läuft der Dienst? 漢 \U0001f5a8",
            help="",
            answers=(Answer(label="Yes", next=NodeId("log")), Answer(label="No")),
        ),
        Node(
            id=NodeId("log"),
            kind=NodeKind.SCRIPT,
            text="Read the log of {{ host }}",
            script=ScriptRef(id=SCRIPT, revision=2),
            parameters={"ComputerName": "{{ host }}"},
            next=Next(worked=NodeId("end"), otherwise=NodeId("end")),
        ),
        Node(id=NodeId("end"), kind=NodeKind.OUTCOME, text="It prints", outcome=TreeOutcome.SOLVED),
    ),
    parameters=(
        Parameter(name="host", label="Host", type=ParameterType.TEXT, pattern="[a-z]+", min=1, max=63),
        Parameter(name="size", label="Size", type=ParameterType.NUMBER, required=False, default=0.5),
        Parameter(name="deep", label="Deep", type=ParameterType.YES_NO, default=False),
        Parameter(name="which", label="Which", type=ParameterType.CHOICE, choices=("a", "b"), default="a"),
    ),
)
SOUND = Content(
    root=NodeId("end"),
    nodes=(Node(id=NodeId("end"), kind=NodeKind.OUTCOME, text="The spooler runs", outcome=TreeOutcome.SOLVED),),
)
ASKING = Content(
    root=NodeId("asks"),
    nodes=(
        Node(
            id=NodeId("asks"),
            kind=NodeKind.QUESTION,
            text="Is it on?",
            answers=(Answer(label="Yes", next=NodeId("end")), Answer(label="No", next=NodeId("end"))),
        ),
        Node(id=NodeId("end"), kind=NodeKind.OUTCOME, text="Ask the senior", outcome=TreeOutcome.ESCALATE),
    ),
)
PRODUCT = System(account_id=PLATFORM_ACCOUNT, cause="a new version")


def a_tree(by: Actor, content: Content = SOUND, name: str = "Printer offline", **more: Any) -> Tree:
    """A draft."""
    drafted = Tree.drafted(TreeId(new_id()), kind=TreeKind.TROUBLESHOOTING, name=name, content=content, by=by, at=NOON)
    return evolve(drafted, **more)


def a_category(by: Actor, name: str = "Printing", parent: TreeCategory | None = None) -> TreeCategory:
    """One of the account of whoever makes it."""
    return TreeCategory.made(TreeCategoryId(new_id()), name=name, parent=parent, by=by)


class TreesContract(Contract):
    """The suite."""

    async def test_a_tree_comes_back_as_it_was_kept(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        case = await a_session(by=acme.anna).resolved().kept(begin)
        category = a_category(acme.adam)
        tree = a_tree(acme.anna, CONTENT, description="Für Büros", category=category.ref, from_session_id=case.id)
        await self.kept(begin, acme.account_id, category, tree)

        async with begin(acme.account_id) as work:
            assert tree == await work.trees.get(tree.id)
            with pytest.raises(NotFound):
                await work.trees.get(TreeId(new_id()))
        listed, names = await self.detail(begin, acme.account_id, tree.id)
        assert (tree, category, 0, {acme.anna.user_id: acme.anna.name}) == (listed.tree, listed.category, listed.use.uses, names)

    async def test_a_draft_is_changed_and_published_and_revisions_stay(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        tree = a_tree(acme.anna)
        await self.kept(begin, acme.account_id, tree)
        first, one = await self.published(begin, acme.account_id, tree, by=acme.olga)
        edited = first.edited(evolve(SOUND, nodes=(evolve(SOUND.nodes[0], text="Other"),)), by=acme.ben, at=NOON + MINUTE)
        async with begin(acme.account_id) as work:
            edited = await work.trees.save(edited)
            await work.commit()
        async with begin(acme.account_id) as work:
            assert edited == await work.trees.get(tree.id)
        second, two = await self.published(begin, acme.account_id, edited, by=acme.adam)

        async with begin(acme.account_id) as work:
            assert second == await work.trees.get(tree.id)
            assert [one, two] == [await work.trees.revision(tree.id, number) for number in (1, 2)]
            with pytest.raises(NotFound):
                await work.trees.revision(tree.id, 3)
        found, names = await view(acme.account_id).tree_revisions(tree.id)
        assert ([two, one], {acme.olga.user_id: acme.olga.name, acme.adam.user_id: acme.adam.name}) == (list(found), dict(names))

    async def test_who_saves_what_was_saved_meanwhile_is_told(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        tree = a_tree(acme.anna)
        await self.kept(begin, acme.account_id, tree)

        with pytest.raises(Stale):
            async with begin(acme.account_id) as late:
                before = await late.trees.get(tree.id)
                async with begin(acme.account_id) as work:
                    await work.trees.save(evolve(await work.trees.get(tree.id), name="First"))
                    await work.commit()
                await late.trees.save(evolve(before, name="Second"))
                await late.commit()

        async with begin(acme.account_id) as work:
            assert ("First", 2) == ((await work.trees.get(tree.id)).name, (await work.trees.get(tree.id)).version)

    async def test_one_that_was_never_published_can_be_forgotten(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        tree = a_tree(acme.anna)
        await self.kept(begin, acme.account_id, tree)

        async with begin(acme.account_id) as work:
            await work.trees.drop(tree.id)
            await work.commit()

        async with begin(acme.account_id) as work:
            with pytest.raises(NotFound):
                await work.trees.get(tree.id)

    async def test_a_list_has_what_its_reader_may_read_newest_first(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        shown, annas, olgas = a_tree(acme.anna), a_tree(acme.anna, CONTENT), a_tree(acme.olga)
        await self.kept(begin, acme.account_id, shown, annas, olgas)
        shown, _ = await self.published(begin, acme.account_id, shown, by=acme.olga)
        see, without = view(acme.account_id), evolve(annas, draft=evolve(annas.draft, content=EMPTY) if annas.draft else None)

        for reader, expected in (
            (acme.anna, [annas, shown]),
            (acme.ben, [shown]),
            (acme.vera, [shown]),
            (acme.adam, [olgas, annas, shown]),
        ):
            found, _ = await see.trees(TreeFilter(), reader, after=None, limit=EVERYTHING)
            assert [one.id for one in expected] == [one.tree.id for one in found]
        found, names = await see.trees(TreeFilter(), acme.anna, after=None, limit=1)
        assert ([without], {acme.anna.user_id: acme.anna.name}) == ([one.tree for one in found], dict(names))
        found, _ = await see.trees(TreeFilter(), acme.anna, after=annas.id, limit=1)
        assert [shown.id] == [one.tree.id for one in found]

    async def test_a_list_is_of_what_is_asked_for(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        category = a_category(acme.adam)
        vpn = a_tree(acme.adam, name="VPN drops", description="100% of the 'time'", kind=TreeKind.PROCEDURE)
        printer = a_tree(acme.anna, name="Printer offline", category=category.ref)
        await self.kept(begin, acme.account_id, category, vpn, printer)
        vpn, _ = await self.published(begin, acme.account_id, vpn, by=acme.olga)

        for where, expected in (
            (TreeFilter(state=TemplateState.DRAFT), printer),
            (TreeFilter(state=TemplateState.PUBLISHED), vpn),
            (TreeFilter(kind=TreeKind.PROCEDURE), vpn),
            (TreeFilter(category_id=category.id), printer),
            (TreeFilter(created_by=acme.anna.user_id), printer),
            (TreeFilter(created_by=acme.adam.user_id), vpn),
            (TreeFilter(query=Query.parsed("DROPS 'time'")), vpn),
            (TreeFilter(query=Query.parsed("100%")), vpn),
            (TreeFilter(query=Query.parsed('"vpn drops"')), vpn),
            (TreeFilter(query=Query.parsed("o -drops")), printer),
            (TreeFilter(query=Query.parsed('o -"printer offline"')), vpn),
            (TreeFilter(query=Query.parsed("drop -of-the-drops -drop")), vpn),
        ):
            found, _ = await view(acme.account_id).trees(where, acme.anna, after=None, limit=EVERYTHING)
            assert [expected.id] == [one.tree.id for one in found]
        found, _ = await view(acme.account_id).trees(TreeFilter(query=Query.parsed('"drops vpn"')), acme.anna, after=None, limit=EVERYTHING)
        assert [] == list(found)

    async def test_what_was_put_away_is_listed_where_it_is_asked_for(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        kept, gone = a_tree(acme.anna), a_tree(acme.anna)
        await self.kept(begin, acme.account_id, kept, gone)
        gone, _ = await self.published(begin, acme.account_id, gone, by=acme.olga)
        async with begin(acme.account_id) as work:
            await work.trees.save(gone.archived(by=acme.olga, at=NOON))
            await work.commit()

        for where, expected in ((TreeFilter(), kept), (TreeFilter(state=TemplateState.ARCHIVED), gone)):
            found, _ = await view(acme.account_id).trees(where, acme.anna, after=None, limit=EVERYTHING)
            assert [expected.id] == [one.tree.id for one in found]

    async def test_published_trees_are_found_by_what_they_are_about(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        shown, draft, archived = a_tree(acme.anna), a_tree(acme.anna), a_tree(acme.anna)
        await self.kept(begin, acme.account_id, shown, draft, archived)
        shown, _ = await self.published(begin, acme.account_id, shown, by=acme.olga)
        archived, _ = await self.published(begin, acme.account_id, archived, by=acme.olga)
        async with begin(acme.account_id) as work:
            await work.trees.save(archived.archived(by=acme.olga, at=NOON))
            await work.commit()

        found = await view(acme.account_id).trees_about({"spool", "nothing"})

        assert [shown] == [tree for tree, _ in found if tree.id in (shown.id, draft.id, archived.id)]

    async def test_a_copy_says_where_it_is_from_and_counts_there(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        tree = a_tree(acme.anna)
        await self.kept(begin, acme.account_id, tree)
        tree, _ = await self.published(begin, acme.account_id, tree, by=acme.olga)
        copy = a_tree(acme.ben, copied_from=CopiedFrom(template=Ref(id=tree.id), revision=1))
        await self.kept(begin, acme.account_id, copy)

        assert 1 == (await self.detail(begin, acme.account_id, tree.id))[0].use.uses
        listed, _ = await self.detail(begin, acme.account_id, copy.id)
        assert (copy.copied_from, 1) == (listed.tree.copied_from, listed.use.newest_origin)

    async def test_of_trees_made_from_a_session_the_newest_that_is_published_is_found(
        self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff
    ) -> None:
        case = await a_session(by=acme.anna).resolved().kept(begin)
        first, second, draft, archived = (a_tree(acme.anna, from_session_id=case.id) for _ in range(4))
        await self.kept(begin, acme.account_id, first, second, draft, archived, a_tree(acme.anna))
        async with begin(acme.account_id) as work:
            assert None is await work.trees.made_from(case.id)
        await self.published(begin, acme.account_id, first, by=acme.olga)
        second, _ = await self.published(begin, acme.account_id, second, by=acme.olga)
        archived, _ = await self.published(begin, acme.account_id, archived, by=acme.olga)
        async with begin(acme.account_id) as work:
            await work.trees.save(archived.archived(by=acme.olga, at=NOON))
            await work.commit()

        async with begin(acme.account_id) as work:
            assert second == await work.trees.made_from(case.id)
        async with begin(globex.account_id) as work:
            assert None is await work.trees.made_from(case.id)

    async def test_what_people_think_of_a_trees_nodes_is_of_its_walks_in_the_account(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff, globex: Staff
    ) -> None:
        await a_platform(begin)
        shown = a_tree(PRODUCT, ASKING)
        await self.kept(begin, PLATFORM_ACCOUNT, shown)
        shown, _ = await self.published(begin, PLATFORM_ACCOUNT, shown, by=PRODUCT)
        own = a_tree(acme.anna, ASKING)
        await self.kept(begin, acme.account_id, own)
        own, _ = await self.published(begin, acme.account_id, own, by=acme.olga)
        for staff, tree, thumbs in (
            (acme, shown, (Thumb.UP, Thumb.DOWN)),
            (acme, shown, (Thumb.UP,)),
            (acme, own, (Thumb.DOWN,)),
            (globex, shown, (Thumb.DOWN, Thumb.DOWN)),
        ):
            case = await a_session(by=staff.anna).walking(tree, ASKING).at_node(ASKING, "Yes").step("by hand").kept(begin)
            async with begin(staff.account_id) as work:
                for by, thumb in zip((staff.ben, staff.adam), thumbs, strict=False):
                    for step in case.steps:
                        of_step = Rating(session_id=case.id, step_id=step.id, user_id=by.user_id, thumb=thumb, comment=None, given_at=NOON)
                        await work.feedback.rate(of_step)
                await work.commit()

        assert {"asks": Thumbs(up=2, down=1)} == await view(acme.account_id).thumbs(Ref(id=shown.id, owner=shown.owner))
        assert {"asks": Thumbs(down=1)} == await view(acme.account_id).thumbs(Ref(id=own.id))
        assert {"asks": Thumbs(down=2)} == await view(globex.account_id).thumbs(Ref(id=shown.id, owner=shown.owner))
        assert {} == await view(globex.account_id).thumbs(Ref(id=own.id))

    async def test_categories_come_back_and_go_once_they_are_empty(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        """A reader's counts are of what they may read: somebody else's draft shows in none."""
        above = a_category(acme.olga)
        below, other = a_category(acme.olga, "Drivers", above), a_category(acme.olga, "Other")
        tree, script = (
            a_tree(acme.anna, category=below.ref),
            ScriptTemplate.drafted(
                ScriptTemplateId(new_id()), name="Read the log", content=EMPTY_SCRIPT, category=other.ref, by=acme.anna, at=NOON
            ),
        )
        await self.kept(begin, acme.account_id, above, below, other, tree)
        async with begin(acme.account_id) as work:
            await work.script_templates.add(script)
            await work.commit()

        for reader, seen in ((acme.anna, 1), (acme.olga, 1), (acme.ben, 0), (acme.vera, 0), (None, 0)):
            listed = await view(acme.account_id).tree_categories(reader)
            found = [one for one in listed if one.category.id in (above.id, below.id, other.id)]
            assert [(above, 0, 0), (below, seen, 0), (other, 0, seen)] == [(one.category, one.trees, one.scripts) for one in found]
        for full in (above, below, other):
            with pytest.raises(CategoryInUse):
                async with begin(acme.account_id) as work:
                    await work.tree_categories.drop(full.id)
        async with begin(acme.account_id) as work:
            await work.tree_categories.move_all(below.id, other)
            await work.tree_categories.drop(below.id)
            await work.tree_categories.save(evolve(other, name="The rest"))
            await work.tree_categories.move_all(other.id, above)
            await work.commit()
        async with begin(acme.account_id) as work:
            assert evolve(other, name="The rest") == await work.tree_categories.get(other.id)
            assert above.ref == (await work.trees.get(tree.id)).category == (await work.script_templates.get(script.id)).category
            with pytest.raises(NotFound):
                await work.tree_categories.get(below.id)

    async def test_to_another_account_they_do_not_exist(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff, globex: Staff
    ) -> None:
        """A27: nor are they changed, used or counted from there."""
        category = a_category(acme.olga)
        tree = a_tree(acme.anna, category=category.ref)
        await self.kept(begin, acme.account_id, category, tree)
        tree, _ = await self.published(begin, acme.account_id, tree, by=acme.olga)
        see = view(globex.account_id)

        async with begin(globex.account_id) as work:
            for look in (work.trees.get(tree.id), work.trees.revision(tree.id, 1), work.tree_categories.get(category.id)):
                with pytest.raises(NotFound):
                    await look
            assert category.id not in [one.id for one in await work.tree_categories.all()]
        with pytest.raises(NotFound):
            await see.tree_revisions(tree.id)
        with pytest.raises(NotFound):
            await self.detail(begin, globex.account_id, tree.id)
        assert [] == list((await see.trees(TreeFilter(), globex.olga, after=None, limit=EVERYTHING))[0])
        assert tree.id not in [one.id for one, _ in await see.trees_about({"spool"})]
        with pytest.raises(Stale):
            async with begin(globex.account_id) as work:
                await work.trees.save(tree)
                await work.commit()
        async with begin(globex.account_id) as work:
            await work.trees.drop(tree.id)
            await work.commit()
        async with begin(acme.account_id) as work:
            assert tree == await work.trees.get(tree.id)

    async def test_what_the_platform_publishes_is_everybodys_to_read_and_nobodys_to_change(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        await a_platform(begin)
        category = a_category(PRODUCT)
        shown, draft = a_tree(PRODUCT, category=category.ref), a_tree(PRODUCT)
        await self.kept(begin, PLATFORM_ACCOUNT, category, shown, draft)
        shown, one = await self.published(begin, PLATFORM_ACCOUNT, shown, by=PRODUCT)
        async with begin(PLATFORM_ACCOUNT) as work:
            await work.trees.save(shown.edited(CONTENT, by=PRODUCT, at=NOON))
            await work.commit()
        mine = a_tree(acme.anna, category=category.ref, copied_from=CopiedFrom(template=Ref(id=shown.id, owner=shown.owner), revision=1))
        await self.kept(begin, acme.account_id, mine)
        see = view(acme.account_id)

        async with begin(acme.account_id) as work:
            found = await work.trees.get(shown.id)
            assert (evolve(shown, version=found.version), one) == (found, await work.trees.revision(shown.id, 1))
            assert category == await work.tree_categories.get(category.id)
            assert mine == await work.trees.get(mine.id)
            for nothing in (work.trees.get(draft.id), work.trees.revision(draft.id, 1)):
                with pytest.raises(NotFound):
                    await nothing
        listed, names = await self.detail(begin, acme.account_id, shown.id)
        assert (None, category, {}) == (listed.tree.draft, listed.category, dict(names))
        copied, _ = await self.detail(begin, acme.account_id, mine.id)
        assert (1, category) == (copied.use.newest_origin, copied.category)
        assert shown.id in [tree.id for tree, _ in await see.trees_about({"spool"})]
        assert {shown.id, draft.id}.isdisjoint(
            one.tree.id for one in (await see.trees(TreeFilter(), acme.olga, after=None, limit=EVERYTHING))[0]
        )
        with pytest.raises(Stale):
            async with begin(acme.account_id) as work:
                await work.trees.save(found)
                await work.commit()
        async with begin(acme.account_id) as work:
            await work.tree_categories.move_all(category.id, a_category(acme.olga))
            await work.trees.drop(shown.id)
            await work.commit()
        async with begin(PLATFORM_ACCOUNT) as work:
            kept = await work.trees.get(shown.id)
        assert (CONTENT, category.ref) == (kept.draft and kept.draft.content, kept.category)

    async def detail(self, begin: BeginWork[UnitOfWork], account_id: AccountId, tree_id: TreeId) -> tuple[TreeListed, Mapping[UserId, str]]:
        """A tree with what stands around it."""
        async with begin(account_id) as work:
            found = await work.trees.detail(tree_id)
        return found.listed, found.names

    async def kept(self, begin: BeginWork[UnitOfWork], account_id: AccountId, *things: TreeCategory | Tree) -> None:
        """Categories and trees, stored."""
        async with begin(account_id) as work:
            for one in things:
                if isinstance(one, Tree):
                    await work.trees.add(one)
                else:
                    await work.tree_categories.add(one)
            await work.commit()

    async def published(self, begin: BeginWork[UnitOfWork], account_id: AccountId, tree: Tree, *, by: Actor) -> tuple[Tree, TreeRevision]:
        """The tree with its draft as the next revision, stored."""
        tree, revision = tree.published("why", {SCRIPT: 2}, by=by, at=NOON + MINUTE)
        async with begin(account_id) as work:
            tree = await work.trees.save(tree)
            await work.trees.add_revision(tree.id, revision)
            await work.commit()
        return tree, revision


async def a_platform(begin: BeginWork[AccessWork]) -> None:
    """The platform account is there."""
    async with begin(PLATFORM_ACCOUNT) as work:
        try:
            await work.people.account()
        except NotFound:
            await work.people.add_account(Account(id=PLATFORM_ACCOUNT, name="FlowPilot", created_at=NOON))
            await work.commit()
