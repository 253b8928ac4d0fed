"""How your account looks and signs."""

import msgspec

from flowpilot_core.domain.access.branding import LARGEST_LOGO, BrandingWords
from flowpilot_core.domain.kernel.image import PictureType
from flowpilot_http.api_request import Call
from flowpilot_http.operations import Part
from flowpilot_http.responses import Body, of_file
from flowpilot_http.schemas.access.branding import BrandingOut, SetBranding
from flowpilot_http.schemas.kernel import Nothing

part = Part("Branding")

KINDS = tuple(PictureType)


@part.reads("/branding", BrandingOut, etag=True)
async def get_branding(request: Call) -> Body:
    """What pages, mails and what goes to clients wear."""
    await request.wanted(Nothing)
    branding = await request.flowpilot.branding.get(request.user)
    return request.shown(BrandingOut.of(branding), version=branding.version)


@part.sets("/branding", BrandingOut, body=SetBranding, problems=("contrast",))
async def set_branding(request: Call) -> Body:
    """Wear something else from now on. The logo stays."""
    words = BrandingWords(**msgspec.structs.asdict(await request.read(SetBranding)))
    answer = await request.changed(lambda change: request.flowpilot.branding.set(request.user, words, request=change), BrandingOut.of)
    request.looks_different()
    return answer


@part.sets_file("/branding/logo", BrandingOut, *KINDS, most=LARGEST_LOGO, problems=("invalid_picture",))
async def set_logo(request: Call) -> Body:
    """Wear this logo: the body is its file. It is read and written anew, so that nothing but what it shows is kept."""
    await request.wanted(Nothing)
    content = await request.file(KINDS, most=LARGEST_LOGO)
    answer = await request.changed(
        lambda change: request.flowpilot.branding.set_logo(request.user, content, request=change), BrandingOut.of
    )
    request.looks_different()
    return answer


@part.files("/branding/logo", *KINDS, query=Nothing, problems=("not_found",))
async def get_logo(request: Call) -> Body:
    """The file of the logo."""
    await request.wanted(Nothing)
    return of_file(await request.flowpilot.branding.logo(request.user))


@part.drops("/branding/logo", problems=("not_found",))
async def drop_logo(request: Call) -> Body:
    """Wear no logo."""
    await request.read(Nothing)
    answer = await request.changed(
        lambda change: request.flowpilot.branding.drop_logo(request.user, request=change), lambda _: None, status=204
    )
    request.looks_different()
    return answer


ROUTES = (
    get_branding,
    set_branding,
    set_logo,
    get_logo,
    drop_logo,
)
