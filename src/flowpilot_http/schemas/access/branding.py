"""How an account looks and signs."""

from typing import Annotated

import msgspec
from msgspec import Meta

from flowpilot_core.domain.access.branding import LONGEST_FOOTER, LONGEST_WEBSITE, Branding, LogoFile
from flowpilot_core.domain.kernel.image import PictureType
from flowpilot_core.domain.kernel.text import TITLE
from flowpilot_http.schemas.kernel import Closed

DisplayName = Annotated[
    str, Meta(description="What the account is called where people and clients see it, in place of its name.", max_length=TITLE)
]
Colour = Annotated[
    str,
    Meta(description="As `#rrggbb`. It needs a contrast of 3 to 1 on the ground of a light page and of a dark one.", examples=["#2563eb"]),
]
Website = Annotated[str, Meta(description="An address that begins with https:// or http://.", max_length=LONGEST_WEBSITE)]
Footer = Annotated[str, Meta(description="Lines below what goes to clients and in mails.", max_length=LONGEST_FOOTER)]
SenderName = Annotated[str, Meta(description="Who mails come from, in place of the display name.", max_length=TITLE)]


class SetBranding(Closed, kw_only=True, frozen=True):
    """All that the account says of itself but its logo; null, or left out: nothing."""

    display_name: DisplayName | None
    colour: Colour | None
    website: Website | None = None
    footer: Footer | None = None
    mail_sender_name: SenderName | None = None


class LogoOut(msgspec.Struct, kw_only=True, frozen=True):
    """What is said of the logo's file, which is at `/branding/logo`."""

    type: PictureType
    sha256: str
    width: int
    height: int
    bytes: int

    @classmethod
    def of(cls, logo: LogoFile) -> "LogoOut":
        """As the core has it."""
        return cls(type=logo.type, sha256=logo.sha256, width=logo.width, height=logo.height, bytes=logo.bytes)


class BrandingOut(msgspec.Struct, kw_only=True, frozen=True):
    """What your account says of itself."""

    version: int
    display_name: DisplayName | None
    colour: Colour | None
    text_colour: Annotated[str, Meta(description="Of text on the colour: black or white, whichever is easier to read.")] | None
    website: Website | None
    footer: Footer | None
    mail_sender_name: SenderName | None
    logo: LogoOut | None

    @classmethod
    def of(cls, branding: Branding) -> "BrandingOut":
        """As the core has it."""
        return cls(
            version=branding.version,
            display_name=branding.display_name,
            colour=branding.colour.value if branding.colour else None,
            text_colour=branding.colour.text if branding.colour else None,
            website=branding.website,
            footer=branding.footer,
            mail_sender_name=branding.mail_sender_name,
            logo=LogoOut.of(branding.logo.whole) if branding.logo else None,
        )
