"""What pages of an account wear: its colour, as a stylesheet that says nothing else, and its logo."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from litestar import get

from flowpilot_core.domain.access.branding import BLACK, WHITE, Branding, Colour, Scheme
from flowpilot_core.domain.kernel.errors import InvalidValue, LowContrast, NotFound
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_http.api_request import Call
from flowpilot_http.responses import Body, Header, of_file

_FOR_EVER: Final[Header] = (b"cache-control", b"public, max-age=31536000, immutable")
_TOKENS: Final = ":root {{ --deed: {deed}; --on-deed: {text}; --near-deed: {near}; --link: light-dark({light}, {dark}); }}\n"


UNDRESSED: Final[Mapping[str, object]] = MappingProxyType({"brand_style": None, "brand_logo": None, "brand_logo_path": None})
"""As it is of no account."""


def dress(account_id: AccountId, branding: Branding) -> Mapping[str, object]:
    """What templates ask of the account that a page is of."""
    return {
        "brand_style": style_of(branding),
        "brand_logo": branding.logo.worn if branding.logo else None,
        "brand_logo_path": f"/brand/{account_id}/{branding.logo.worn.sha256}" if branding.logo else None,
    }


def style_of(branding: Branding) -> str | None:
    """Where the stylesheet of its colour is."""
    return f"/brand/{branding.colour.value.removeprefix('#')}.css" if branding.colour else None


@get("/brand/{colour:str}")
async def brand_style(request: Call) -> Body:
    """The tokens of a colour, which are the same whoever wears it."""
    name, _, kind = str(request.scope["path_params"]["colour"]).partition(".")
    if kind != "css":
        raise NotFound("colour")
    try:
        colour = Colour.checked(f"#{name}")
    except (InvalidValue, LowContrast):
        raise NotFound("colour") from None
    style = _TOKENS.format(
        deed=colour.value,
        text=colour.text,
        near=BLACK if colour.text == WHITE else WHITE,
        light=colour.on(Scheme.LIGHT),
        dark=colour.on(Scheme.DARK),
    )
    return Body(style.encode(), media_type=b"text/css; charset=utf-8", headers=(_FOR_EVER,))


@get("/brand/{account_id:str}/{sha256:str}")
async def brand_logo(request: Call) -> Body:
    """The logo, for whoever was shown a page that names its digest: nobody is signed in on the page that signs one in."""
    file = of_file(await request.flowpilot.branding.worn_logo(request.account_id, str(request.scope["path_params"]["sha256"])))
    file.headers.append(_FOR_EVER)
    return file


ROUTES = (brand_style, brand_logo)
