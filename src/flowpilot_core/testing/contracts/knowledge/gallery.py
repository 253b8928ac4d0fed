"""What every store of the gallery must do."""

from typing import Any
from uuid import UUID

import pytest
from attrs import evolve

from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import PLATFORM_ACCOUNT
from flowpilot_core.domain.kernel.query import Query
from flowpilot_core.domain.knowledge.gallery import Figures, GalleryEntry, Used
from flowpilot_core.domain.knowledge.ownership import Owner, Ref
from flowpilot_core.domain.knowledge.rating import NO_STARS, Stars, Subject
from flowpilot_core.domain.knowledge.script_template import ScriptTemplate
from flowpilot_core.domain.knowledge.template import CopiedFrom
from flowpilot_core.domain.knowledge.tree import Tree
from flowpilot_core.ports.kernel import BeginWork, ViewOf
from flowpilot_core.ports.knowledge import Copied, GalleryFilter, GalleryPlace
from flowpilot_core.ports.unit_of_work import UnitOfWork, View
from flowpilot_core.testing.builders import NOON, Staff, new_id
from flowpilot_core.testing.contracts.contract import EVERYTHING, Contract

from .ratings import a_rating
from .script_templates import CONTENT, a_template
from .trees import PRODUCT, a_category, a_platform, a_tree


class GalleryContract(Contract):
    """`Gallery`, inside units of work, and what views show of it. What the platform has of other tests is passed over."""

    async def listed(self, begin: BeginWork[UnitOfWork], tree: Tree, *, listed: bool = True, **more: Any) -> GalleryEntry:
        """A tree of the platform's, published, with what is decided of it."""
        await a_platform(begin)
        published, revision = tree.published(None, {}, by=PRODUCT, at=NOON)
        entry = GalleryEntry(subject=Subject.TREE, id=tree.id, listed=listed)
        async with begin(PLATFORM_ACCOUNT) as work:
            await work.trees.add(published)
            await work.trees.add_revision(tree.id, revision)
            await work.gallery.save(evolve(entry, **more))
            await work.commit()
        return evolve(entry, **more)

    async def copied(self, begin: BeginWork[UnitOfWork], acme: Staff, tree: Tree) -> Tree:
        copied = CopiedFrom(template=Ref(id=tree.id, owner=Owner.PLATFORM), revision=1)
        copy = a_tree(acme.anna, copied_from=copied)
        async with begin(acme.account_id) as work:
            await work.trees.add(copy)
            await work.commit()
        return copy

    async def test_what_is_listed_every_account_sees(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        await a_platform(begin)
        category = a_category(PRODUCT)
        tree = a_tree(PRODUCT, category=category.ref, description="Für Büros")
        async with begin(PLATFORM_ACCOUNT) as work:
            await work.tree_categories.add(category)
            await work.commit()
        entry = await self.listed(begin, tree, featured=True, position=7)

        for account_id in (acme.account_id, PLATFORM_ACCOUNT):
            [shown] = await view(account_id).gallery(GalleryFilter(id=tree.id), after=None, limit=EVERYTHING)
            assert (entry, tree.name, "Für Büros", 1, None) == (shown.entry, shown.name, shown.description, shown.revision, shown.mine)
            assert category == shown.category
            async with begin(account_id) as work:
                assert entry == await work.gallery.get(Subject.TREE, tree.id)
                with pytest.raises(NotFound):
                    await work.gallery.get(Subject.SCRIPT_TEMPLATE, tree.id)

    async def test_what_is_not_listed_the_platform_alone_knows_of(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        decided, undecided = a_tree(PRODUCT), a_tree(PRODUCT)
        entry = await self.listed(begin, decided, listed=False, position=3)
        published, revision = undecided.published(None, {}, by=PRODUCT, at=NOON)
        async with begin(PLATFORM_ACCOUNT) as work:
            await work.trees.add(published)
            await work.trees.add_revision(undecided.id, revision)
            await work.commit()

        async with begin(acme.account_id) as work:
            with pytest.raises(NotFound):
                await work.gallery.get(Subject.TREE, decided.id)
        for id, known in ((decided.id, entry), (undecided.id, GalleryEntry(subject=Subject.TREE, id=undecided.id))):
            where = GalleryFilter(id=id)
            assert [] == await view(acme.account_id).gallery(where, after=None, limit=EVERYTHING)
            assert [] == await view(PLATFORM_ACCOUNT).gallery(where, after=None, limit=EVERYTHING)
            [found] = await view(PLATFORM_ACCOUNT).gallery(evolve(where, listed=False), after=None, limit=EVERYTHING)
            assert known == found.entry

    async def test_pages_go_by_what_is_featured_then_by_position_and_name(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        word = new_id().hex
        rows = [("Ärger", False, 0), ("Zug", False, 0), ("Abc", False, 1), ("Late", True, 9), ("First", True, 2)]
        ids: dict[str, UUID] = {}
        for name, featured, position in rows:
            tree = a_tree(PRODUCT, name=f"{name} {word}")
            ids[name] = tree.id
            await self.listed(begin, tree, featured=featured, position=position)
        see, where = view(acme.account_id), GalleryFilter(query=Query.parsed(word.upper()))

        found: list[UUID] = []
        after: GalleryPlace | None = None
        while page := await see.gallery(where, after=after, limit=2):
            found += [one.entry.id for one in page]
            after = page[-1].place

        assert [ids[name] for name in ("First", "Late", "Zug", "Ärger", "Abc")] == found
        featured_ones = await see.gallery(evolve(where, featured=True), after=None, limit=EVERYTHING)
        assert [ids["First"], ids["Late"]] == [one.entry.id for one in featured_ones]
        assert [] == await see.gallery(evolve(where, subject=Subject.SCRIPT_TEMPLATE), after=None, limit=EVERYTHING)

    async def test_a_category_holds_what_is_within_it(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        await a_platform(begin)
        above = a_category(PRODUCT)
        inside = a_category(PRODUCT, parent=above)
        async with begin(PLATFORM_ACCOUNT) as work:
            await work.tree_categories.add(above)
            await work.tree_categories.add(inside)
            await work.commit()
        tree = a_tree(PRODUCT, category=inside.ref)
        await self.listed(begin, tree)

        for category in (above, inside):
            found = await view(acme.account_id).gallery(GalleryFilter(category_id=category.id), after=None, limit=EVERYTHING)
            assert [tree.id] == [one.entry.id for one in found]

    async def test_ones_own_newest_copy_is_told(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff, globex: Staff) -> None:
        tree = a_tree(PRODUCT)
        await self.listed(begin, tree)
        await self.copied(begin, acme, tree)
        newest = await self.copied(begin, acme, tree)

        for staff, mine in ((acme, Copied(id=newest.id, revision=1)), (globex, None)):
            [shown] = await view(staff.account_id).gallery(GalleryFilter(id=tree.id, reader=staff.anna), after=None, limit=EVERYTHING)
            assert mine == shown.mine

    async def test_a_copy_that_is_a_draft_is_told_to_who_may_read_it(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        tree = a_tree(PRODUCT)
        await self.listed(begin, tree)
        copy = await self.copied(begin, acme, tree)

        async def told() -> list[UUID | None]:
            readers = (acme.anna, acme.adam, acme.ben, None)
            wanted = (GalleryFilter(id=tree.id, reader=reader) for reader in readers)
            shown = [(await view(acme.account_id).gallery(where, after=None, limit=EVERYTHING))[0] for where in wanted]
            return [one.mine.id if one.mine else None for one in shown]

        assert [copy.id, copy.id, None, None] == await told()
        published, revision = copy.published(None, {}, by=acme.adam, at=NOON)
        async with begin(acme.account_id) as work:
            await work.trees.save(published)
            await work.trees.add_revision(copy.id, revision)
            await work.commit()
        assert [copy.id] * 4 == await told()

    async def test_an_account_counts_its_own_use(self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff) -> None:
        tree = a_tree(PRODUCT)
        await self.listed(begin, tree)
        await self.copied(begin, acme, tree)
        rating = evolve(a_rating(Subject.TREE, tree.id, acme.anna.user_id, stars=4), of=Ref(id=tree.id, owner=Owner.PLATFORM))
        async with begin(acme.account_id) as work:
            await work.ratings.save(rating)
            await work.commit()

        async with begin(acme.account_id) as work:
            assert Used(uses=1, stars=Stars(count=1, total=4)) == await work.gallery.used(Subject.TREE, tree.id)
            assert Used() == await work.gallery.used(Subject.SCRIPT_TEMPLATE, tree.id)
        async with begin(globex.account_id) as work:
            assert Used() == await work.gallery.used(Subject.TREE, tree.id)

    async def test_a_copied_script_template_is_a_use(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        await a_platform(begin)
        template = ScriptTemplate.drafted(a_template(acme).id, name="Ping", content=CONTENT, by=PRODUCT, at=NOON)
        published, revision = template.published(None, (), by=PRODUCT, at=NOON)
        async with begin(PLATFORM_ACCOUNT) as work:
            await work.script_templates.add(published)
            await work.script_templates.add_revision(template.id, revision)
            await work.gallery.save(GalleryEntry(subject=Subject.SCRIPT_TEMPLATE, id=template.id, listed=True))
            await work.commit()
        copied = CopiedFrom(template=Ref(id=template.id, owner=Owner.PLATFORM), revision=1)
        async with begin(acme.account_id) as work:
            await work.script_templates.add(a_template(acme, copied_from=copied))
            await work.commit()

        async with begin(acme.account_id) as work:
            assert Used(uses=1) == await work.gallery.used(Subject.SCRIPT_TEMPLATE, template.id)
            assert Used() == await work.gallery.used(Subject.TREE, template.id)

    async def test_tallies_are_kept_for_each_account_and_read_by_the_platform_alone(
        self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff
    ) -> None:
        tree = a_tree(PRODUCT)
        await self.listed(begin, tree)
        async with begin(PLATFORM_ACCOUNT) as work:
            held = await work.gallery.held(Subject.TREE, tree.id)
            await work.gallery.tally(Subject.TREE, tree.id, acme.account_id, Used(uses=3))
            await work.gallery.tally(Subject.TREE, tree.id, globex.account_id, Used(uses=4, stars=Stars(count=1, total=5)))
            await work.gallery.tally(Subject.TREE, tree.id, acme.account_id, Used(uses=9))
            await work.gallery.save(evolve(held, figures=Figures(uses=10)))
            await work.commit()

        async with begin(PLATFORM_ACCOUNT) as work:
            kept = {acme.account_id: Used(uses=9), globex.account_id: Used(uses=4, stars=Stars(count=1, total=5))}
            assert kept == await work.gallery.tallies(Subject.TREE, tree.id)
            assert Figures(uses=10) == (await work.gallery.get(Subject.TREE, tree.id)).figures
        async with begin(acme.account_id) as work:
            assert {} == await work.gallery.tallies(Subject.TREE, tree.id)

    async def test_the_stars_of_what_is_the_platforms_are_those_of_all(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        shown, unrated = a_tree(PRODUCT), a_tree(PRODUCT)
        given = Stars(count=9, total=40)
        await self.listed(begin, shown, figures=Figures(uses=10, stars=given))
        await self.listed(begin, unrated)
        rating = evolve(a_rating(Subject.TREE, unrated.id, acme.anna.user_id), of=Ref(id=unrated.id, owner=Owner.PLATFORM))
        async with begin(acme.account_id) as work:
            await work.ratings.save(rating)
            await work.commit()

        async with begin(acme.account_id) as work:
            assert given == (await work.trees.detail(shown.id)).listed.use.stars
            assert NO_STARS == (await work.trees.detail(unrated.id)).listed.use.stars
