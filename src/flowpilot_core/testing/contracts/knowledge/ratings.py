"""What every store of ratings must do."""

from uuid import UUID

import pytest
from attrs import evolve

from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import RatingId, ScriptTemplateId, TreeId, UserId
from flowpilot_core.domain.knowledge.ownership import Ref
from flowpilot_core.domain.knowledge.rating import NO_STARS, Stars, Subject, TemplateRating
from flowpilot_core.ports.kernel import BeginWork, ViewOf
from flowpilot_core.ports.knowledge import ScriptFilter, Sort, TreeFilter
from flowpilot_core.ports.unit_of_work import UnitOfWork, View
from flowpilot_core.testing.builders import NOON, Staff, new_id
from flowpilot_core.testing.contracts.contract import EVERYTHING, Contract

from .script_templates import a_template
from .trees import a_tree


def a_rating(subject: Subject, subject_id: UUID, user_id: UserId, stars: int = 4, comment: str | None = None) -> TemplateRating:
    """What somebody thinks of something of their account."""
    return TemplateRating(
        id=RatingId(new_id()), subject=subject, of=Ref(id=subject_id), user_id=user_id, stars=stars, comment=comment, given_at=NOON
    )


class RatingsContract(Contract):
    """`Ratings`, inside units of work, and what the stores of what is rated make of them."""

    async def kept(self, begin: BeginWork[UnitOfWork], acme: Staff, *ratings: TemplateRating) -> list[TemplateRating]:
        async with begin(acme.account_id) as work:
            kept = [await work.ratings.save(one) for one in ratings]
            await work.commit()
        return kept

    async def test_ratings_come_back_by_id_of_each_subject(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        template, tree = a_template(acme), a_tree(acme.anna)
        async with begin(acme.account_id) as work:
            await work.script_templates.add(template)
            await work.trees.add(tree)
            await work.commit()
        one = a_rating(Subject.SCRIPT_TEMPLATE, template.id, acme.anna.user_id, comment="Für uns")
        two = a_rating(Subject.SCRIPT_TEMPLATE, template.id, acme.ben.user_id)
        three = a_rating(Subject.TREE, tree.id, acme.ben.user_id)
        assert [one, two, three] == await self.kept(begin, acme, one, two, three)

        async with begin(acme.account_id) as work:
            of = work.ratings.of
            assert [one, two] == await of(Subject.SCRIPT_TEMPLATE, Ref(id=template.id), after=None, limit=EVERYTHING)
            assert [two] == await of(Subject.SCRIPT_TEMPLATE, Ref(id=template.id), after=one.id, limit=1)
            assert [three] == await of(Subject.TREE, Ref(id=tree.id), after=None, limit=1)
            assert [] == await of(Subject.TREE, Ref(id=template.id), after=None, limit=1)
            assert one == await work.ratings.get(one.id)
            assert Stars(count=1, total=4) == (await work.trees.detail(tree.id)).listed.use.stars

    async def test_a_later_one_replaces_the_earlier_and_keeps_its_id(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        template = a_template(acme)
        async with begin(acme.account_id) as work:
            await work.script_templates.add(template)
            await work.commit()
        first = a_rating(Subject.SCRIPT_TEMPLATE, template.id, acme.anna.user_id, stars=1, comment="Slow")
        second = a_rating(Subject.SCRIPT_TEMPLATE, template.id, acme.anna.user_id, stars=5)
        await self.kept(begin, acme, first)

        assert [evolve(second, id=first.id)] == await self.kept(begin, acme, second)
        async with begin(acme.account_id) as work:
            assert Stars(count=1, total=5) == (await work.script_templates.uses([template.id]))[template.id].stars
            await work.ratings.drop(first.id)
            await work.commit()
        async with begin(acme.account_id) as work:
            assert NO_STARS == (await work.script_templates.uses([template.id]))[template.id].stars
            with pytest.raises(NotFound):
                await work.ratings.get(first.id)

    async def test_lists_by_rating_begin_with_the_most_stars_and_then_the_newest(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        trees, templates = [a_tree(acme.anna) for _ in range(5)], [a_template(acme) for _ in range(5)]
        async with begin(acme.account_id) as work:
            for tree, template in zip(trees, templates, strict=True):
                await work.trees.add(tree)
                await work.script_templates.add(template)
            await work.commit()
        given = [(0, acme.anna, 1), (1, acme.anna, 5), (1, acme.ben, 3), (2, acme.anna, 4), (2, acme.ben, 4)]
        for place, by, stars in given:
            tree, template = trees[place], templates[place]
            await self.kept(begin, acme, a_rating(Subject.TREE, tree.id, by.user_id, stars))
            await self.kept(begin, acme, a_rating(Subject.SCRIPT_TEMPLATE, template.id, by.user_id, stars))
        see, best = view(acme.account_id), [2, 1, 4, 3, 0]

        read_trees, read_templates = list[UUID](), list[UUID]()
        for _ in best:
            listed, _ = await see.trees(
                TreeFilter(sort=Sort.RATING), acme.olga, after=TreeId(read_trees[-1]) if read_trees else None, limit=1
            )
            read_trees += [one.tree.id for one in listed]
            async with begin(acme.account_id) as work:
                after = ScriptTemplateId(read_templates[-1]) if read_templates else None
                page = await work.script_templates.listed(ScriptFilter(sort=Sort.RATING), acme.olga, after=after, limit=1)
            read_templates += [one.id for one in page]
        assert ([trees[place].id for place in best], [templates[place].id for place in best]) == (read_trees, read_templates)
        listed, _ = await see.trees(TreeFilter(sort=Sort.RATING), acme.olga, after=None, limit=EVERYTHING)
        assert read_trees == [one.tree.id for one in listed]

    async def test_another_accounts_do_not_exist(self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff) -> None:
        template = a_template(acme)
        async with begin(acme.account_id) as work:
            await work.script_templates.add(template)
            await work.commit()
        rating = a_rating(Subject.SCRIPT_TEMPLATE, template.id, acme.anna.user_id)
        await self.kept(begin, acme, rating)

        async with begin(globex.account_id) as work:
            assert [] == await work.ratings.of(Subject.SCRIPT_TEMPLATE, rating.of, after=None, limit=EVERYTHING)
            with pytest.raises(NotFound):
                await work.ratings.get(rating.id)
            await work.ratings.drop(rating.id)
            await work.commit()
        async with begin(acme.account_id) as work:
            assert rating == await work.ratings.get(rating.id)
