"""What every store of API tokens must do."""

from datetime import datetime, timedelta

import pytest
from attrs import evolve

from flowpilot_core.domain.access.account import ApiToken
from flowpilot_core.domain.kernel.actor import Person, Scope, Way, WayIn
from flowpilot_core.domain.kernel.errors import NotFound, Unauthenticated
from flowpilot_core.domain.kernel.identifiers import TokenId, UserId
from flowpilot_core.domain.kernel.secret_text import token_digest
from flowpilot_core.ports.kernel import BeginWork, ViewOf
from flowpilot_core.ports.unit_of_work import UnitOfWork, View
from flowpilot_core.testing.builders import NOON, Staff, new_id
from flowpilot_core.testing.contracts.contract import Contract, closed

LATER = NOON + timedelta(hours=1)


def a_token(person: Person, *, name: str = "", scope: Scope = Scope.ALL, expires_at: datetime | None = None) -> ApiToken:
    """One with a secret of its own."""
    token_id = TokenId(new_id())
    return ApiToken(
        id=token_id,
        user_id=person.user_id,
        name=name,
        scope=scope,
        digest=token_digest(token_id.bytes),
        created_at=NOON,
        expires_at=expires_at,
    )


def by_token(person: Person, token: ApiToken) -> Person:
    """Whom it stands for."""
    return evolve(person, scope=token.scope, way_in=WayIn(way=Way.TOKEN, id=token.id))


async def kept(begin: BeginWork[UnitOfWork], acme: Staff, *tokens: ApiToken) -> None:
    """In this account."""
    async with begin(acme.account_id) as work:
        for token in tokens:
            await work.tokens.add(token)
        await work.commit()


class ApiTokensContract(Contract):
    """`ApiTokens`, and who a token stands for."""

    async def test_a_token_stands_for_its_person_as_far_as_its_scope_goes(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        whole = a_token(acme.ben)
        narrow = a_token(acme.ben, name="dashboard", scope=Scope.READ, expires_at=LATER)
        await kept(begin, acme, whole, narrow)

        assert (by_token(acme.ben, whole), whole) == await view(acme.account_id).authenticate(whole.digest, at=LATER)
        assert (by_token(acme.ben, narrow), narrow) == await view(acme.account_id).authenticate(narrow.digest, at=NOON)
        await self._refused(view, acme, token_digest(b"another secret"))

    async def test_one_that_is_over_or_revoked_is_no_good(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        over, revoked, good = a_token(acme.ben, expires_at=LATER), a_token(acme.ben), a_token(acme.ben)
        await kept(begin, acme, over, revoked, good)

        async with begin(acme.account_id) as work:
            await work.tokens.revoke(revoked.id, at=NOON)
            await work.tokens.revoke(revoked.id, at=LATER)
            await work.commit()

        for digest in (over.digest, revoked.digest):
            await self._refused(view, acme, digest, at=LATER)
        assert good == (await view(acme.account_id).authenticate(good.digest, at=LATER))[1]
        async with begin(acme.account_id) as work:
            assert evolve(revoked, revoked_at=NOON) == await work.tokens.get(revoked.id)

    async def test_many_are_asked_about_at_once(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff, globex: Staff) -> None:
        bens, olgas, over, foreign = a_token(acme.ben), a_token(acme.olga), a_token(acme.ben, expires_at=NOON), a_token(globex.ben)
        await kept(begin, acme, bens, olgas, over)
        await kept(begin, globex, foreign)

        asked = [token.digest for token in (bens, olgas, over, foreign)]
        standing = await view(acme.account_id).standing(asked, at=LATER)

        assert {bens.digest: (by_token(acme.ben, bens), bens), olgas.digest: (by_token(acme.olga, olgas), olgas)} == standing
        assert {} == await view(acme.account_id).standing([], at=LATER)

    async def test_all_of_somebodys_can_be_ended_and_nobody_elses(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        bens, olgas = [a_token(acme.ben), a_token(acme.ben)], a_token(acme.olga)
        await kept(begin, acme, *bens, olgas)

        async with begin(acme.account_id) as work:
            await work.tokens.revoke_all(acme.ben.user_id, at=LATER)
            await work.commit()

        for token in bens:
            await self._refused(view, acme, token.digest)
        assert olgas == (await view(acme.account_id).authenticate(olgas.digest, at=NOON))[1]

    async def test_a_deactivated_person_has_no_token(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        token = a_token(acme.ben)
        await kept(begin, acme, token)
        async with begin(acme.account_id) as work:
            await work.people.save_user(evolve(acme.user(acme.ben), deactivated_at=NOON))
            await work.commit()

        await self._refused(view, acme, token.digest)

    async def test_in_a_closed_account_none_is_good_until_it_is_open_again(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        token = a_token(acme.ben)
        await kept(begin, acme, token)

        await closed(begin, acme, NOON)
        await self._refused(view, acme, token.digest)

        await closed(begin, acme, None)
        assert (by_token(acme.ben, token), token) == await view(acme.account_id).authenticate(token.digest, at=NOON)

    async def test_somebodys_are_listed_in_pages_with_when_they_were_used(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        tokens = sorted([a_token(acme.ben, name=f"{number}") for number in range(3)], key=lambda token: token.id)
        await kept(begin, acme, *tokens, a_token(acme.olga))
        async with begin(acme.account_id) as work:
            await work.tokens.used(tokens[1].id, at=LATER)
            await work.commit()
        used = evolve(tokens[1], last_used_at=LATER)

        async with begin(acme.account_id) as work:
            assert [tokens[0], used] == list(await work.tokens.of(acme.ben.user_id, after=None, limit=2))
            assert [tokens[2]] == list(await work.tokens.of(acme.ben.user_id, after=used.id, limit=2))

    async def test_a_token_of_another_account_is_not_there(self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff) -> None:
        token = a_token(acme.ben)
        await kept(begin, acme, token)

        async with begin(globex.account_id) as work:
            assert [] == list(await work.tokens.of(acme.ben.user_id, after=None, limit=10))
            with pytest.raises(NotFound):
                await work.tokens.get(token.id)
            with pytest.raises(NotFound):
                await work.tokens.revoke(token.id, at=NOON)

    async def test_nobody_unknown_gets_a_token(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        token = a_token(evolve(acme.ben, user_id=UserId(new_id())))

        with pytest.raises(NotFound):
            await kept(begin, acme, token)

        await self._refused(view, acme, token.digest)

    async def _refused(self, view: ViewOf[View], staff: Staff, digest: bytes, *, at: datetime = NOON) -> None:
        with pytest.raises(Unauthenticated):
            await view(staff.account_id).authenticate(digest, at=at)
        assert {} == await view(staff.account_id).standing([digest], at=at)
