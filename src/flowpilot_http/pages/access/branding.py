"""Settings: how the account looks and signs, with a preview before it is saved."""

from typing import Final

from flowpilot_core.domain.access.branding import LARGEST_LOGO, LONGEST_FOOTER, LONGEST_WEBSITE, Branding, BrandingWords
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.image import PictureType
from flowpilot_http.pages.brand import style_of
from flowpilot_http.pages.moves import Move, Moves, Shown
from flowpilot_http.pages.page_request import Visit
from flowpilot_http.pages.settings import settings_page, shown_as

move: Final = Moves()


class Said(Move, kw_only=True, frozen=True):
    """All that the account says of itself but its logo."""

    display_name: str = ""
    colour: str = ""
    website: str = ""
    footer: str = ""
    mail_sender_name: str = ""
    shown: str = ""

    @property
    def words(self) -> BrandingWords:
        """As the use cases take them."""
        return BrandingWords(
            display_name=self.display_name,
            colour=self.colour,
            website=self.website,
            footer=self.footer,
            mail_sender_name=self.mail_sender_name,
        )


@move("preview", Said)
async def preview(request: Visit, person: Person, form: Said) -> Shown:
    """How it would look, and nothing is kept."""
    wanted = await request.flowpilot.branding.previewed(person, form.words)
    return {"preview": wanted, "preview_style": style_of(wanted), "wanted": form}


@move("set", Said)
async def set_branding(request: Visit, person: Person, form: Said) -> Shown | None:
    """From now on; unless somebody else has changed it meanwhile."""
    branding = request.flowpilot.branding
    now, wanted = await branding.get(person), await branding.previewed(person, form.words)
    if form.shown not in ("", shown_as(_said(now))) and _said(wanted) != _said(now):
        return {"stale": True, "wanted": form}
    await request.do(form, lambda change: branding.set(person, form.words, request=change), version=now.version)
    request.looks_different()
    return None


class NewLogo(Move, kw_only=True, frozen=True):
    """The logo's file comes beside this."""


@move("logo", NewLogo)
async def set_logo(request: Visit, person: Person, form: NewLogo) -> None:
    """Another one from now on."""
    content = await request.uploaded("file")
    await request.do(form, lambda change: request.flowpilot.branding.set_logo(person, content, request=change), file=content)
    request.looks_different()


@move("no-logo", Move)
async def drop_logo(request: Visit, person: Person, form: Move) -> None:
    """None from now on."""
    await request.do(form, lambda change: request.flowpilot.branding.drop_logo(person, request=change))
    request.looks_different()


def _said(branding: Branding) -> list[object]:
    colour = branding.colour.value if branding.colour else None
    return [branding.display_name, colour, branding.website, branding.footer, branding.mail_sender_name]


async def _facts(request: Visit, person: Person) -> Shown:
    branding = await request.flowpilot.branding.get(person)
    account = await request.flowpilot.account.get(person)
    return {
        "account": account,
        "branding": branding,
        "shown_as": shown_as(_said(branding)),
        "longest_website": LONGEST_WEBSITE,
        "longest_footer": LONGEST_FOOTER,
        "logo_types": ",".join(PictureType),
    }


ROUTES = settings_page("branding", _facts, move, most=LARGEST_LOGO)
