"""What an account shows of itself comes back as it was kept, and nobody else's does."""

import pytest
from attrs import evolve

from flowpilot_core.domain.access.branding import Branding, BrandingWords, LogoFiles, Worn
from flowpilot_core.domain.kernel.errors import NotFound, Stale
from flowpilot_core.domain.kernel.image import Image, PictureType
from flowpilot_core.ports.kernel import BeginWork, ViewOf
from flowpilot_core.ports.unit_of_work import UnitOfWork, View
from flowpilot_core.testing.builders import Staff
from flowpilot_core.testing.contracts.contract import Contract

LOGO = LogoFiles(
    whole=Image(type=PictureType.PNG, width=400, height=200, content=b"a logo\0"),
    worn=Image(type=PictureType.PNG, width=320, height=160, content=b"a small logo\0"),
)


def a_branding(**other: str | None) -> Branding:
    """One that says everything but a logo."""
    words = BrandingWords(
        display_name="Acme IT",
        colour="#2563eb",
        website="https://acme.example",
        footer="Acme IT\nVienna",
        mail_sender_name="Acme Service Desk",
    )
    return Branding().changed(evolve(words, **other))


class BrandContract(Contract):
    """`Brand`."""

    async def keep(self, begin: BeginWork[UnitOfWork], staff: Staff, branding: Branding, files: LogoFiles | None = None) -> None:
        """Keep it."""
        async with begin(staff.account_id) as work:
            await work.branding.save(branding, files=files)
            await work.commit()

    async def test_an_account_says_nothing_until_it_does(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        async with begin(acme.account_id) as work:
            assert Branding() == await work.branding.get()
            assert Worn() == await work.branding.worn()
        assert Branding() == await view(acme.account_id).branding()
        assert Worn() == await view(acme.account_id).worn()
        with pytest.raises(NotFound):
            await view(acme.account_id).logo()

    async def test_what_it_says_comes_back_and_is_its_own(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff, globex: Staff
    ) -> None:
        said = a_branding()

        await self.keep(begin, acme, said)

        async with begin(acme.account_id) as work:
            assert said == await work.branding.get()
        assert said == await view(acme.account_id).branding()
        assert Branding() == await view(globex.account_id).branding()

    async def test_a_logo_stays_until_there_is_another_or_none(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff, globex: Staff
    ) -> None:
        other = LogoFiles(whole=evolve(LOGO.whole, content=b"another"), worn=evolve(LOGO.worn, content=b"another, smaller"))
        said = Branding().with_logo(LOGO.logo)
        see = view(acme.account_id)

        await self.keep(begin, acme, said, LOGO)
        assert (LOGO.whole, Worn(branding=said, logo=LOGO.worn)) == (await see.logo(), await see.worn())
        renamed = evolve(a_branding(), version=3, logo=said.logo)
        await self.keep(begin, acme, renamed)
        assert (LOGO.whole, Worn(branding=renamed, logo=LOGO.worn)) == (await see.logo(), await see.worn())
        await self.keep(begin, acme, renamed.with_logo(other.logo), other)
        async with begin(acme.account_id) as work:
            assert Worn(branding=renamed.with_logo(other.logo), logo=other.worn) == await work.branding.worn()
        with pytest.raises(NotFound):
            await view(globex.account_id).logo()
        assert Worn() == await view(globex.account_id).worn()
        bare = evolve(renamed, version=5, logo=None)
        await self.keep(begin, acme, bare)

        with pytest.raises(NotFound):
            await see.logo()
        assert Worn(branding=bare) == await see.worn()

    async def test_what_does_not_follow_on_what_is_there_is_not_kept(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        first = a_branding()
        await self.keep(begin, acme, first)

        for late in (first, a_branding(display_name="Another"), evolve(first, version=9)):
            with pytest.raises(Stale):
                await self.keep(begin, acme, late)

        assert first == await view(acme.account_id).branding()
