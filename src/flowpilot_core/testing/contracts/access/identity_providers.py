"""What is promised of identity providers, whom they mean, and browsers that are there."""

from asyncio import gather

import pytest
from attrs import evolve

from flowpilot_core.domain.access.identity_provider import Identity, IdentityProvider, SignInAttempt, checked_provider
from flowpilot_core.domain.kernel.errors import InvalidValue, NotFound, Unauthenticated
from flowpilot_core.domain.kernel.identifiers import ProviderId, UserId
from flowpilot_core.domain.kernel.secret_text import token_digest
from flowpilot_core.ports.kernel import BeginWork
from flowpilot_core.ports.unit_of_work import UnitOfWork
from flowpilot_core.testing.builders import MINUTE, NOON, Staff, new_id
from flowpilot_core.testing.contracts.contract import Contract

BROWSER = token_digest(b"a browser's secret")
ISSUER = "https://login.example.test"


class IdentitiesContract(Contract):
    """`Identities`."""

    async def test_a_provider_is_kept_for_its_account_alone(self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff) -> None:
        kept = await self._provider(begin, acme)

        async with begin(acme.account_id) as work:
            assert kept == await work.identities.get(kept.id) == await work.identities.of_issuer(ISSUER)
            assert [kept] == list(await work.identities.all())
        async with begin(globex.account_id) as work:
            assert [] == list(await work.identities.all())
            for look in (work.identities.get(kept.id), work.identities.of_issuer(ISSUER), work.identities.drop(kept.id)):
                with pytest.raises(NotFound):
                    await look

    async def test_an_account_trusts_an_issuer_once_and_two_accounts_may(
        self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff
    ) -> None:
        await self._provider(begin, acme)
        await self._provider(begin, globex)

        with pytest.raises(InvalidValue) as refused:
            await self._provider(begin, acme)
        assert "issuer" == refused.value.field

    async def test_a_verified_address_means_its_person_of_the_account(
        self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff
    ) -> None:
        ours, theirs = await self._provider(begin, acme), await self._provider(begin, globex)
        bens = acme.user(acme.ben).email

        async with begin(acme.account_id) as work:
            assert acme.ben.user_id == await work.identities.linked(ours.id, Identity(subject="b", email=bens.upper()))
            assert await work.identities.linked(ours.id, Identity(subject="b")) is None
            assert await work.identities.linked(ours.id, Identity(subject="b", email="x" + bens)) is None
        async with begin(globex.account_id) as work:
            assert await work.identities.linked(theirs.id, Identity(subject="b", email=bens)) is None

    async def test_an_address_that_only_looks_alike_means_nobody(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        """P1: whoever has one of them has none of the others."""
        provider = await self._provider(begin, acme)
        bob = evolve(acme.user(acme.ben), id=UserId(new_id()), email="bob@strasse.example")
        async with begin(acme.account_id) as work:
            await work.people.add_user(bob)
            await work.commit()

        async with begin(acme.account_id) as work:
            meant = [
                await work.identities.linked(provider.id, Identity(subject="b", email=email))
                for email in ("Bob@Strasse.Example", "bob@straße.example", "bob@xn--strae-oqa.example", "bob@\u017ftrasse.example")
            ]

        assert [bob.id, None, None, None] == meant

    async def test_a_subject_means_whom_it_meant_first_whatever_their_address(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        provider = await self._provider(begin, acme)
        for person in (acme.ben, acme.anna):
            async with begin(acme.account_id) as work:
                await work.identities.link(provider.id, "b", person.user_id)
                await work.commit()

        async with begin(acme.account_id) as work:
            means = await work.identities.linked(provider.id, Identity(subject="b", email=acme.user(acme.anna).email))
        assert acme.ben.user_id == means

    async def test_a_browser_comes_back_once(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        attempt = await self._attempt(begin, acme)

        async def arrive() -> object:
            try:
                async with begin(acme.account_id) as work:
                    arrived = await work.identities.arrive(BROWSER, at=NOON)
                    await work.commit()
            except Unauthenticated:
                return None
            return arrived

        arrived = await gather(*(arrive() for _ in range(5)))
        assert ([attempt], 4) == ([one for one in arrived if one], arrived.count(None))

    async def test_a_browser_that_is_late_or_another_is_not_believed(
        self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff
    ) -> None:
        await self._attempt(begin, acme)

        for account, digest, at in (
            (acme, BROWSER, NOON + MINUTE),
            (acme, token_digest(b"another's"), NOON),
            (globex, BROWSER, NOON),
        ):
            async with begin(account.account_id) as work:
                with pytest.raises(Unauthenticated):
                    await work.identities.arrive(digest, at=at)

    async def test_a_provider_that_is_dropped_takes_with_it_what_hangs_on_it(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        attempt = await self._attempt(begin, acme)
        async with begin(acme.account_id) as work:
            await work.identities.link(attempt.provider_id, "b", acme.ben.user_id)
            await work.commit()

        async with begin(acme.account_id) as work:
            await work.identities.drop(attempt.provider_id)
            await work.commit()

        async with begin(acme.account_id) as work:
            assert [] == list(await work.identities.all())
            assert await work.identities.linked(attempt.provider_id, Identity(subject="b")) is None
            with pytest.raises(Unauthenticated):
                await work.identities.arrive(BROWSER, at=NOON)

    async def test_attempts_that_are_over_make_room(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        attempt = await self._attempt(begin, acme)

        async with begin(acme.account_id) as work:
            await work.identities.begin(evolve(attempt, expires_at=NOON + 2 * MINUTE), at=NOON + MINUTE)
            await work.commit()

        async with begin(acme.account_id) as work:
            assert NOON + 2 * MINUTE == (await work.identities.arrive(BROWSER, at=NOON + MINUTE)).expires_at

    async def _provider(self, begin: BeginWork[UnitOfWork], staff: Staff) -> IdentityProvider:
        provider = checked_provider(ProviderId(new_id()), name="Login", issuer=ISSUER, client_id="flowpilot", secret_id=None, at=NOON)
        async with begin(staff.account_id) as work:
            await work.identities.add(provider)
            await work.commit()
        return provider

    async def _attempt(self, begin: BeginWork[UnitOfWork], staff: Staff) -> SignInAttempt:
        provider = await self._provider(begin, staff)
        attempt = SignInAttempt(digest=BROWSER, provider_id=provider.id, back_to="/", expires_at=NOON + MINUTE)
        async with begin(staff.account_id) as work:
            await work.identities.begin(attempt, at=NOON)
            await work.commit()
        return attempt
