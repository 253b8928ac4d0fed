"""What every store of ratings must do."""

from uuid import UUID

import pytest
from attrs import evolve

from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import RatingId, UserId
from flowpilot_core.domain.knowledge.ownership import Ref
from flowpilot_core.domain.knowledge.rating import NO_STARS, Stars, Subject, TemplateRating
from flowpilot_core.ports.kernel import BeginWork
from flowpilot_core.ports.unit_of_work import UnitOfWork
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
