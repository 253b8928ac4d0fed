"""How an account looks and signs to its people and clients: its name, colour and logo."""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from math import floor
from types import MappingProxyType
from typing import Final

from attrs import evolve, frozen

from flowpilot_core.domain.kernel.errors import InvalidPicture, InvalidValue, LowContrast, VersionConflict
from flowpilot_core.domain.kernel.image import Image, PictureType
from flowpilot_core.domain.kernel.name import optional_name, printable
from flowpilot_core.domain.kernel.text import optional_text
from flowpilot_core.domain.kernel.web_address import checked_web_address

LARGEST_LOGO = 512 * 1024
"""Bytes of the file, as it is sent and as it is kept."""
LONGEST_LOGO_SIDE = 2_048
"""Pixels."""
WORN_WIDTH = 320
"""Pixels, of a logo in pages and mails: they show it half as wide, for screens with two pixels in one."""
LONGEST_WEBSITE = 300
LONGEST_FOOTER = 500
BLACK: Final = "#000000"
WHITE: Final = "#ffffff"
SEEN: Final = 3.0
"""The least contrast of a colour that is to be told from what it stands on (WCAG 2.2, 1.4.11)."""
READ: Final = 4.5
"""The least contrast of text (WCAG 2.2, 1.4.3)."""
_HEX: Final = re.compile(r"#[0-9a-f]{6}")
_ADDRESS: Final = re.compile(r"\S@\S")
_SHADES: Final = 64


class Scheme(StrEnum):
    """How a page is shown."""

    LIGHT = "light"
    DARK = "dark"


GROUNDS: Final[Mapping[Scheme, tuple[str, ...]]] = MappingProxyType(
    {Scheme.LIGHT: ("#f4f6f8", "#ffffff", "#eef2f7"), Scheme.DARK: ("#0b0f14", "#10151b", "#1a222b")}
)
"""What things stand on in pages: first the ground itself, then whatever else text may stand on."""


@frozen
class Colour:
    """A colour as `#rrggbb`, that can be told from the ground of a light page and of a dark one."""

    value: str

    @classmethod
    def checked(cls, value: str) -> "Colour":
        """Raises `InvalidValue` for what is no colour, or `LowContrast`."""
        value = value.strip().lower()
        if not _HEX.fullmatch(value):
            raise InvalidValue("colour", "must be a colour such as #2563eb")
        for scheme, (ground, *_) in GROUNDS.items():
            found = contrast(value, ground)
            if found < SEEN:
                raise LowContrast(value, scheme, floor(found * 100) / 100, SEEN)
        return cls(value)

    @property
    def text(self) -> str:
        """Black or white: whichever is easier to read on it."""
        return max((BLACK, WHITE), key=lambda text: contrast(text, self.value))

    def on(self, scheme: Scheme) -> str:
        """The nearest shade of it that text of a page may have: darker on a light page, lighter on a dark one."""
        towards = BLACK if scheme is Scheme.LIGHT else WHITE
        shades = (_mixed(self.value, towards, step / _SHADES) for step in range(_SHADES + 1))
        return next(shade for shade in shades if min(contrast(shade, ground) for ground in GROUNDS[scheme]) >= READ)


@frozen(kw_only=True)
class LogoFile:
    """What is said of a file of a logo."""

    type: PictureType
    sha256: str
    width: int
    height: int
    bytes: int

    @classmethod
    def of(cls, image: Image) -> "LogoFile":
        """Raises `InvalidPicture` where it is too large once it is written anew."""
        if len(image.content) > LARGEST_LOGO:
            raise InvalidPicture(f"written anew its file has more than {LARGEST_LOGO} bytes")
        return cls(type=image.type, sha256=image.sha256, width=image.width, height=image.height, bytes=len(image.content))


@frozen(kw_only=True)
class Logo:
    """A logo as it was added, and as small as pages and mails wear it."""

    whole: LogoFile
    worn: LogoFile


@frozen(kw_only=True)
class LogoFiles:
    """The files of a logo."""

    whole: Image
    worn: Image

    @property
    def logo(self) -> Logo:
        """What is said of them. Raises as `LogoFile.of`."""
        return Logo(whole=LogoFile.of(self.whole), worn=LogoFile.of(self.worn))


@frozen(kw_only=True)
class BrandingWords:
    """What an account is to say of itself beside its logo, as somebody wrote it; None and nothing at all are the same."""

    display_name: str | None = None
    colour: str | None = None
    website: str | None = None
    footer: str | None = None
    mail_sender_name: str | None = None


@frozen(kw_only=True)
class Branding:
    """What an account shows of itself; where it says nothing, things look as they do without."""

    version: int = 1
    display_name: str | None = None
    """What it is called in place of the account's own name."""
    colour: Colour | None = None
    website: str | None = None
    footer: str | None = None
    """Lines below what goes to clients and in mails."""
    mail_sender_name: str | None = None
    """Who mails come from, in place of the name."""
    logo: Logo | None = None

    def changed(self, words: BrandingWords) -> "Branding":
        """With these words from now on, and the logo that there is. Raises `InvalidValue` or `LowContrast`."""
        if words.website:
            checked_web_address("website", words.website, most=LONGEST_WEBSITE, example="https://www.example.com")
        return evolve(
            self,
            version=self.version + 1,
            display_name=_spoken_name("display_name", words.display_name),
            colour=Colour.checked(words.colour) if words.colour else None,
            website=words.website or None,
            footer=_lines("footer", words.footer),
            mail_sender_name=_spoken_name("mail_sender_name", words.mail_sender_name),
        )

    def with_logo(self, logo: Logo | None) -> "Branding":
        """With this one from now on, or none."""
        return evolve(self, version=self.version + 1, logo=logo)

    def require_version(self, expected: int | None) -> None:
        """Raises `VersionConflict` where somebody acts on another one; None: on whichever there is."""
        if expected not in (None, self.version):
            raise VersionConflict("branding", expected, self.version)

    def name(self, account_name: str) -> str:
        """What the account is called where people and clients see it."""
        return self.display_name or account_name

    def sender(self, account_name: str) -> str:
        """Who its mails come from."""
        return self.mail_sender_name or self.name(account_name)

    def signature(self) -> str:
        """The lines that what goes to a client ends with; empty where there is nothing to say."""
        return "\n".join(_said((self.display_name, self.website, self.footer)))


@frozen(kw_only=True)
class Worn:
    """What mails and documents of an account wear."""

    branding: Branding = Branding()
    logo: Image | None = None
    """As small as it is worn."""


BARE: Final = Worn()
"""What they wear of an account that says nothing."""


def contrast(one: str, other: str) -> float:
    """How well two colours are told apart, from 1 to 21 (WCAG 2.2, contrast ratio)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    red, green, blue = (_linear(part / 255) for part in _parts(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def _mixed(colour: str, towards: str, share: float) -> str:
    mixed = (round(one + (other - one) * share) for one, other in zip(_parts(colour), _parts(towards), strict=True))
    return "#" + bytes(mixed).hex()


def _parts(colour: str) -> bytes:
    return bytes.fromhex(colour.removeprefix("#"))


def _spoken_name(field: str, value: str | None) -> str | None:
    name = optional_name(value or None, field)
    # Mail programs show the name alone, and whoever reads an address there takes it for the sender's.
    if name and _ADDRESS.search(name):
        raise InvalidValue(field, "must not look like an e-mail address")
    return name


def _lines(field: str, value: str | None) -> str | None:
    lines = (optional_text(field, value, most=LONGEST_FOOTER) or "").replace("\r\n", "\n").strip()
    if lines != printable(lines):
        raise InvalidValue(field, "must be lines of printable text")
    return lines or None


def _said(parts: Iterable[str | None]) -> Iterable[str]:
    return (part for part in parts if part)
